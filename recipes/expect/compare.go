package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema/constraint"
)

// compare is one value against an expression.
func (e *evaluation) compare(expr, value string, o Object) Verdict {
	if expr == "*" {
		return Verdict{Status: constraint.Passed}
	}
	must, missing := e.resolve(expr, o)
	if missing != "" {
		return Verdict{Status: constraint.Unknown, Problems: []string{missing}}
	}
	x, err := constraint.Parse(must)
	if err != nil {
		if must == value {
			return Verdict{Status: constraint.Passed}
		}
		return Verdict{Status: constraint.Failed}
	}
	status, _ := x.Eval(value)
	return Verdict{Status: status}
}

// resolve puts fields of the object and counts into an expression; missing is
// why one is not known.
func (e *evaluation) resolve(expr string, o Object) (out, missing string) {
	out = variable.ReplaceAllStringFunc(expr, func(m string) string {
		name := m[2 : len(m)-1]
		if own, ok := strings.CutPrefix(name, "."); ok {
			p, err := parseField(own)
			if err != nil {
				missing = err.Error()
				return m
			}
			if got := p.Values(o); len(got) > 0 {
				return got[0]
			}
			missing = own + " is not set"
			return m
		}
		c, ok := e.bound.counts[strings.TrimPrefix(name, "count.")]
		if !ok {
			missing = fmt.Sprintf("there is no count %q", name)
			return m
		}
		if c.problem != "" {
			missing = c.problem
			return m
		}
		found, unread := e.find(c)
		if len(unread) > 0 {
			missing = unread[0]
			return m
		}
		return strconv.Itoa(len(found))
	})
	return out, missing
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
