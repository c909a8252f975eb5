package render

import (
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// placement is what the scheduling parameters ask for.
type placement struct {
	system, accelerated group
	workload            map[string]any
	gate                string
	nodes               int64 // 0: not said
}

// group is one sort of nodes.
type group struct {
	selector    map[string]any
	tolerations []toleration
}

// parsePlacement reads the parameters; all mistakes at once.
func parsePlacement(p schema.RenderParams, criteria schema.Criteria) (placement, error) {
	var errs []error
	labels := func(param string, in []string) map[string]any {
		var out map[string]any
		for i, s := range in {
			k, v, err := parseLabel(s)
			if old, twice := out[k]; err == nil && twice && old != v {
				err = schema.Errorf(schema.Invalid, "%q: %q is %q already", s, k, old)
			}
			if err != nil {
				errs = append(errs, at(param, i, err))
				continue
			}
			if out == nil {
				out = map[string]any{}
			}
			out[k] = v
		}
		return out
	}
	tolerations := func(param string, in []string) []toleration {
		var out []toleration
		for i, s := range in {
			t, err := parseToleration(s)
			if err != nil {
				errs = append(errs, at(param, i, err))
				continue
			}
			out = append(out, t)
		}
		return out
	}
	pl := placement{
		system:      group{labels("systemNodeSelector", p.SystemNodeSelector), tolerations("systemNodeToleration", p.SystemNodeToleration)},
		accelerated: group{labels("acceleratedNodeSelector", p.AcceleratedNodeSelector), tolerations("acceleratedNodeToleration", p.AcceleratedNodeToleration)},
		workload:    labels("workloadSelector", p.WorkloadSelector),
		nodes:       p.Nodes,
	}
	if p.WorkloadGate != "" {
		t, err := parseToleration(p.WorkloadGate)
		if err != nil {
			errs = append(errs, err.(*schema.Error).At("", "workloadGate"))
		}
		pl.gate = t.String()
	}
	if pl.nodes == 0 {
		pl.nodes = criteria.Nodes
	}
	return pl, schema.Join(errs)
}

// gives reports whether an option is given, by the name of its flag.
func (pl placement) gives(option string) bool {
	switch option {
	case "system-node-selector":
		return pl.system.selector != nil
	case "system-node-toleration":
		return pl.system.tolerations != nil
	case "accelerated-node-selector":
		return pl.accelerated.selector != nil
	case "accelerated-node-toleration":
		return pl.accelerated.tolerations != nil
	case "workload-selector":
		return pl.workload != nil
	case "workload-gate":
		return pl.gate != ""
	case "nodes":
		return pl.nodes > 0
	}
	return false
}

// slot is one place in a component's values and what goes there.
type slot struct {
	path    string
	options []string // that fill it
	value   any      // nil: nothing was asked for
}

// slots lists the places that a component has for pl. A path in both groups
// gets the selectors, and the tolerations, of both.
func (pl placement) slots(s *schema.Scheduling) []slot {
	var out []slot
	index := map[string]int{} // of a path in out
	fill := func(paths []string, option string, value func(old any) any) {
		for _, p := range paths {
			if _, there := index[p]; !there {
				index[p] = len(out)
				out = append(out, slot{path: p})
			}
			sl := &out[index[p]]
			sl.options = append(sl.options, option)
			sl.value = value(sl.value)
		}
	}
	for _, g := range pl.groups(s) {
		fill(g.paths.NodeSelector, g.name+"-node-selector", func(old any) any { return addLabels(old, g.selector) })
		fill(g.paths.Tolerations, g.name+"-node-toleration", func(old any) any { return addTolerations(old, g.tolerations) })
		fill(g.paths.TaintString, g.name+"-node-toleration", func(old any) any {
			if len(g.tolerations) == 0 {
				return old
			}
			return g.tolerations[0].String()
		})
	}
	fill(s.WorkloadSelector, "workload-selector", func(old any) any { return addLabels(old, pl.workload) })
	fill(s.WorkloadGate, "workload-gate", func(old any) any {
		if pl.gate == "" {
			return old
		}
		return pl.gate
	})
	fill(s.NodeCount, "nodes", func(old any) any {
		if pl.nodes == 0 {
			return old
		}
		return pl.nodes
	})
	return out
}

// placedGroup is a group with the paths that a component has for it.
type placedGroup struct {
	group
	name  string
	paths *schema.SchedulingPaths
}

func (pl placement) groups(s *schema.Scheduling) []placedGroup {
	var out []placedGroup
	if s.System != nil {
		out = append(out, placedGroup{pl.system, "system", s.System})
	}
	if s.Accelerated != nil {
		out = append(out, placedGroup{pl.accelerated, "accelerated", s.Accelerated})
	}
	return out
}

// addLabels is old with more labels.
func addLabels(old any, more map[string]any) any {
	if len(more) == 0 {
		return old
	}
	m, _ := old.(map[string]any)
	m = copyMap(m)
	for k, v := range more {
		m[k] = v
	}
	return m
}

// addTolerations is old with more tolerations, each once.
func addTolerations(old any, more []toleration) any {
	list, _ := old.([]any)
	list = slices.Clone(list)
	for _, t := range more {
		o := t.object()
		if !slices.ContainsFunc(list, func(e any) bool { return maps.Equal(e.(map[string]any), o) }) {
			list = append(list, o)
		}
	}
	if list == nil {
		return old
	}
	return list
}

// open lists the paths that the chart is known to have because node scheduling
// goes there.
func (c *component) open() []path.Path {
	if c.Scheduling == nil {
		return nil
	}
	var out []path.Path
	for _, s := range (placement{}).slots(c.Scheduling) {
		if p, err := parsePath(s.path); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// place writes pl into the values of c. Nothing is invented: what was not
// asked for stays as the recipe has it.
func (c *component) place(pl placement) error {
	if c.Scheduling == nil {
		return nil
	}
	var errs []error
	for _, s := range pl.slots(c.Scheduling) {
		p, err := parsePath(s.path)
		if err == nil && s.value != nil {
			err = replace(c.values, p, s.value)
		}
		if err != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: scheduling: %w", c.Name, err))
		}
	}
	return schema.Join(errs)
}
