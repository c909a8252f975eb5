package render

import (
	"github.com/NVIDIA/eidos/schema"
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
	path   string
	option string // that fills it
	value  any    // nil: nothing was asked for
	more   bool   // more was asked for than fits
}

// slots lists the places that c has for pl. A path in both groups gets the
// selectors, and the tolerations, of both.
func (pl placement) slots(s *schema.Scheduling) []slot {
	var out []slot
	selectors := map[string]map[string]any{}
	tolerations := map[string][]toleration{}
	add := func(paths *schema.SchedulingPaths, g group, name string) {
		if paths == nil {
			return
		}
		for _, p := range paths.NodeSelector {
			if _, again := selectors[p]; !again {
				out = append(out, slot{path: p, option: name + "-node-selector"})
				selectors[p] = nil
			}
			for k, v := range g.selector {
				if selectors[p] == nil {
					selectors[p] = map[string]any{}
				}
				selectors[p][k] = v
			}
		}
		for _, p := range paths.Tolerations {
			if _, again := tolerations[p]; !again {
				out = append(out, slot{path: p, option: name + "-node-toleration"})
				tolerations[p] = nil
			}
			tolerations[p] = append(tolerations[p], g.tolerations...)
		}
		for _, p := range paths.TaintString {
			sl := slot{path: p, option: name + "-node-toleration"}
			if len(g.tolerations) > 0 {
				sl.value, sl.more = g.tolerations[0].String(), len(g.tolerations) > 1
			}
			out = append(out, sl)
		}
	}
	add(s.System, pl.system, "system")
	add(s.Accelerated, pl.accelerated, "accelerated")
	for i, sl := range out {
		if m := selectors[sl.path]; m != nil {
			out[i].value = copyMap(m)
		}
		if ts := tolerations[sl.path]; ts != nil {
			out[i].value = objects(ts)
		}
	}
	for _, p := range s.WorkloadSelector {
		sl := slot{path: p, option: "workload-selector"}
		if pl.workload != nil {
			sl.value = copyMap(pl.workload)
		}
		out = append(out, sl)
	}
	for _, p := range s.WorkloadGate {
		sl := slot{path: p, option: "workload-gate"}
		if pl.gate != "" {
			sl.value = pl.gate
		}
		out = append(out, sl)
	}
	for _, p := range s.NodeCount {
		sl := slot{path: p, option: "nodes"}
		if pl.nodes > 0 {
			sl.value = pl.nodes
		}
		out = append(out, sl)
	}
	return out
}

// objects gives each toleration once, in the order asked for.
func objects(ts []toleration) []any {
	seen := map[toleration]bool{}
	var out []any
	for _, t := range ts {
		if !seen[t] {
			seen[t] = true
			out = append(out, t.object())
		}
	}
	return out
}

// open lists the paths that the chart is known to have because node scheduling
// goes there.
func (c *component) open() []valuePath {
	if c.Scheduling == nil {
		return nil
	}
	var out []valuePath
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
			err = p.replace(c.values, s.value)
		}
		if err != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: scheduling: %w", c.Name, err))
		}
	}
	return schema.Join(errs)
}
