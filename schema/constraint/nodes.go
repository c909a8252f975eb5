package constraint

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Differing returns the values of a path that is not the same on every node of
// a snapshot of several.
func Differing(s *schema.Snapshot, path string) ([]schema.NodeValue, bool) {
	for _, d := range s.Differences {
		if d.Path == path && len(d.Values) > 0 {
			return d.Values, true
		}
	}
	return nil, false
}

// EvalNodes is Eval for a value that differs between nodes: all must satisfy
// it, and the reason names those that do not. The text is all values with
// their nodes.
func (e Expr) EvalNodes(values []schema.NodeValue) (v Verdict, text, reason string) {
	var all, bad, open []string
	for _, v := range values {
		all = append(all, fmt.Sprintf("%s (%s)", v.Value, some(v.Nodes)))
		switch verdict, why := e.Eval(v.Value); verdict {
		case Failed:
			bad = append(bad, v.Nodes...)
		case Unknown:
			open = append(open, fmt.Sprintf("on %s: %s", some(v.Nodes), why))
		}
	}
	text = strings.Join(all, ", ")
	switch {
	case len(bad) > 0:
		return Failed, text, "does not hold on " + some(bad)
	case len(open) > 0:
		return Unknown, text, strings.Join(open, "; ")
	}
	return Passed, text, ""
}

// some names up to three nodes and counts the rest.
func some(nodes []string) string {
	const most = 3
	if len(nodes) <= most {
		return strings.Join(nodes, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(nodes[:most], ", "), len(nodes)-most)
}
