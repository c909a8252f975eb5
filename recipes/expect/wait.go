package expect

import (
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

var (
	plainPath  = pattern.New(`^[A-Za-z0-9]+([.][A-Za-z0-9]+)*$`)
	plainValue = pattern.New(`^[A-Za-z0-9_./:-]+$`) // not an expression
)

// Wait is what a check expects of objects, as kubectl can wait for it.
type Wait struct {
	Source
	// The object's name; "": all that have the labels.
	Name   string
	Labels map[string]string
	// For are the conditions, as kubectl wait takes them: condition=Ready,
	// jsonpath={.status.state}=ready. None: the object is there.
	For []string
	// Rollout: it is a workload, whose Pods are to be ready.
	Rollout bool
}

// Waits are the expectations of b that can be waited for: those on objects that
// must be there, in one namespace. What compares values or counts objects is left
// to the check.
func (b Bound) Waits() []Wait {
	var out []Wait
	var walk func([]condition)
	walk = func(list []condition) {
		for _, c := range list {
			walk(c.all)
			if w, ok := c.wait(); ok && len(c.any)+len(c.all) == 0 {
				out = append(out, w)
			}
		}
	}
	walk(b.conditions)
	return out
}

func (c condition) wait() (Wait, bool) {
	if c.problem != "" || len(c.sources) != 1 || c.Proxy != nil || c.Unclaimed || len(c.Where) > 0 || c.Count != "" || c.Missing != "" && c.Missing != "failed" {
		return Wait{}, false
	}
	w := Wait{Source: c.sources[0], Name: c.Name, Labels: c.Labels, Rollout: c.sources[0].Group == "apps"}
	if w.Name == "*" {
		w.Name = ""
	}
	if w.Helm() || strings.Contains(w.Name, "*") || c.Namespace == everywhere {
		return Wait{}, false
	}
	if w.Rollout {
		return w, true
	}
	for _, path := range slices.Sorted(maps.Keys(c.Fields)) {
		want := c.Fields[path]
		kind, ok := strings.CutPrefix(path, "status.conditions[type=")
		kind, ends := strings.CutSuffix(kind, "].status")
		switch {
		case ok && ends && want == "True":
			w.For = append(w.For, "condition="+kind)
		case plainPath.MatchString(path) && plainValue.MatchString(want):
			w.For = append(w.For, "jsonpath={."+path+"}="+want)
		}
	}
	return w, true
}
