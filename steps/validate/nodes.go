package validate

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// differing returns the values of a path that is not the same on every node of
// a snapshot of several.
func differing(s *schema.Snapshot, path string) ([]schema.NodeValue, bool) {
	for _, d := range s.Differences {
		if d.Path == path && len(d.Values) > 0 {
			return d.Values, true
		}
	}
	return nil, false
}

// onNodes fills in c for a path whose value differs: all nodes must satisfy
// it, and those that do not are named.
func onNodes(c *schema.Check, expr constraint.Expr, values []schema.NodeValue) {
	var actual, bad, open []string
	for _, v := range values {
		actual = append(actual, fmt.Sprintf("%s (%s)", v.Value, some(v.Nodes)))
		switch verdict, reason := expr.Eval(v.Value); verdict {
		case constraint.Failed:
			bad = append(bad, v.Nodes...)
		case constraint.Unknown:
			open = append(open, fmt.Sprintf("on %s: %s", some(v.Nodes), reason))
		}
	}
	c.Actual = strings.Join(actual, ", ")
	switch {
	case len(bad) > 0:
		c.Status, c.Reason = failed, "does not hold on "+some(bad)
	case len(open) > 0:
		c.Status, c.Reason = unknown, strings.Join(open, "; ")
	default:
		c.Status = passed
	}
}

// some names up to three nodes and counts the rest.
func some(nodes []string) string {
	const most = 3
	if len(nodes) <= most {
		return strings.Join(nodes, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(nodes[:most], ", "), len(nodes)-most)
}
