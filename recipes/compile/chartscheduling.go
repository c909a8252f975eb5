package compile

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// scheduling proves that the paths for node scheduling reach every Pod that a
// component's chart makes, and only where they belong:
//
//   - what is no DaemonSet follows the system's or the accelerated nodes' flags;
//   - a DaemonSet belongs on the accelerated nodes, or on every node: then no
//     selector may take it away from some, and it tolerates everything or what
//     the flags of both groups say;
//   - the chart's own required node affinity would contradict the flags.
func (p *chartProof) scheduling(a raw, c deployed) int {
	s := c.Scheduling
	if s == nil {
		if len(c.chart.Workloads) > 0 {
			p.remark("component %s has no scheduling: its workloads follow no flags (%s)", c.Name, p.componentFile(c.Name))
		}
		return 0
	}
	p.listed(a, c, s)
	n := 0
	for _, w := range c.chart.Workloads {
		if !c.chart.On(w.Guards, w.Off, c.ref.Values) {
			continue
		}
		n++
		p.workload(a, c, placed(s, w))
	}
	return n
}

// listed proves that each path of the scheduling exists and arrives in a Pod.
func (p *chartProof) listed(a raw, c deployed, s *schema.Scheduling) {
	check := func(paths []string, arrives func(schema.ChartWorkload) []string, at ...string) {
		at = append([]string{"components", c.Name, "scheduling"}, at...)
		for _, path := range paths {
			keys, err := charts.SplitPath(path)
			if err == nil {
				_, err = c.chart.Know(keys)
			}
			if err == nil && arrives != nil && c.chart.Rendered && !named(keys) && !slices.ContainsFunc(c.chart.Workloads, func(w schema.ChartWorkload) bool {
				return slices.Contains(arrives(w), path)
			}) {
				err = schema.Errorf(schema.Invalid, "%q arrives in no Pod of %s", path, c.chart.String()).WithHint("take it away")
			}
			if err != nil {
				p.fail(err, p.setAt(a, at), append(at, path)...)
			}
		}
	}
	selector := func(w schema.ChartWorkload) []string { return w.NodeSelector }
	tolerations := func(w schema.ChartWorkload) []string { return w.Tolerations }
	for _, g := range []struct {
		name  string
		paths *schema.SchedulingPaths
	}{{"system", s.System}, {"accelerated", s.Accelerated}} {
		if g.paths != nil {
			check(g.paths.NodeSelector, selector, g.name, "nodeSelector")
			check(g.paths.Tolerations, tolerations, g.name, "tolerations")
			check(g.paths.TaintString, nil, g.name, "taintString")
		}
	}
	check(s.WorkloadSelector, nil, "workloadSelector")
	check(s.WorkloadGate, nil, "workloadGate")
	check(s.NodeCount, nil, "nodeCount")
}

// named reports whether a path is one for scheduling by its name. Facts may lack
// the workload that it places, where more than one value switches that on.
func named(keys []string) bool {
	last := strings.ToLower(keys[len(keys)-1])
	return strings.Contains(last, "selector") || strings.Contains(last, "tolerations")
}

// placedWorkload is a workload with the groups of flags that reach it.
type placedWorkload struct {
	schema.ChartWorkload
	selects, tolerates struct{ system, accelerated bool }
}

func placed(s *schema.Scheduling, w schema.ChartWorkload) placedWorkload {
	has := func(g *schema.SchedulingPaths, of func(*schema.SchedulingPaths) []string, paths []string) bool {
		return g != nil && slices.ContainsFunc(paths, func(x string) bool { return slices.Contains(of(g), x) })
	}
	selector := func(g *schema.SchedulingPaths) []string { return g.NodeSelector }
	tolerations := func(g *schema.SchedulingPaths) []string { return g.Tolerations }
	out := placedWorkload{ChartWorkload: w}
	out.selects.system = has(s.System, selector, w.NodeSelector)
	out.selects.accelerated = has(s.Accelerated, selector, w.NodeSelector)
	out.tolerates.system = has(s.System, tolerations, w.Tolerations)
	out.tolerates.accelerated = has(s.Accelerated, tolerations, w.Tolerations)
	return out
}

// workload proves where one workload goes.
func (p *chartProof) workload(a raw, c deployed, w placedWorkload) {
	what := w.Kind + " " + w.Name + " of " + c.chart.String()
	fail := func(path []string, hint, format string, args ...any) {
		at := append([]string{"components", c.Name}, path...)
		p.fail(schema.Errorf(schema.Invalid, what+" "+format, args...).WithHint("%s", hint), p.setAt(a, at), at...)
	}
	either := func(g struct{ system, accelerated bool }) bool { return g.system || g.accelerated }
	all := p.toleratesAll(c, w)
	if w.Kind == "DaemonSet" {
		switch {
		case w.selects.system && !w.selects.accelerated:
			fail([]string{"scheduling", "system", "nodeSelector"}, "take "+first(w.NodeSelector)+" away from system.nodeSelector",
				"would leave the GPU nodes, for it follows --system-node-selector")
		case w.selects.accelerated && !w.tolerates.accelerated && !all:
			fail([]string{"scheduling", "accelerated"}, "list "+first(w.Tolerations)+" under accelerated.tolerations",
				"follows --accelerated-node-selector and not --accelerated-node-toleration")
		case either(w.selects):
		case all && either(w.tolerates):
			fail([]string{"scheduling"}, "take "+first(w.Tolerations)+" away from the tolerations",
				"tolerates every taint; those of the flags would take the place of that")
		case !all && len(w.Tolerations) > 0 && !(w.tolerates.system && w.tolerates.accelerated):
			fail([]string{"scheduling"}, "list "+first(w.Tolerations)+" under both system.tolerations and accelerated.tolerations, or let it tolerate everything",
				"runs on every node and does not tolerate the taints of every node")
		}
		return
	}
	switch {
	case len(w.NodeSelector) > 0 && !either(w.selects):
		fail([]string{"scheduling"}, "list "+strings.Join(w.NodeSelector, " or ")+" under system.nodeSelector", "follows no node selector of the flags")
	case len(w.Tolerations) > 0 && !either(w.tolerates) && !all,
		w.selects.system && !w.tolerates.system && !all && len(w.Tolerations) > 0,
		w.selects.accelerated && !w.tolerates.accelerated && !all && len(w.Tolerations) > 0:
		fail([]string{"scheduling"}, "list "+strings.Join(w.Tolerations, " or ")+" under the tolerations of its group", "does not follow the tolerations of the flags")
	}
	if !w.selects.system {
		return
	}
	for _, path := range w.Affinity {
		if leaf := p.required(c, path); leaf != "" {
			fail([]string{"values"}, "set "+path+".nodeAffinity: null", "has a required node affinity of its chart, %s, which contradicts --system-node-selector", leaf)
		}
	}
}

func first(paths []string) string {
	if len(paths) == 0 {
		return "it"
	}
	return paths[0]
}

// toleratesAll is whether a workload tolerates every taint with the values of
// its component, before flags.
func (p *chartProof) toleratesAll(c deployed, w placedWorkload) bool {
	set := false
	for _, path := range w.Tolerations {
		list, ok := at(c.ref.Values, path).([]any)
		if !ok {
			continue
		}
		set = true
		for _, t := range list {
			m, _ := t.(map[string]any)
			if m["operator"] == "Exists" && m["key"] == nil && m["effect"] == nil {
				return true
			}
		}
	}
	return w.ToleratesAll && !set
}

// at is the value at a path, nil if there is none.
func at(values map[string]any, path string) any {
	keys, err := charts.SplitPath(path)
	var v any = values
	for _, k := range keys {
		m, _ := v.(map[string]any)
		if v = m[k]; v == nil || err != nil {
			return nil
		}
	}
	return v
}

// required is the path of the chart's own required node affinity below path, ""
// if it has none or the values take it away.
func (p *chartProof) required(c deployed, path string) string {
	const rule = ".nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
	for leaf := range c.chart.Values {
		if !strings.HasPrefix(leaf, path+rule) {
			continue
		}
		keys, err := charts.SplitPath(path + rule)
		if err != nil {
			continue
		}
		var v any = c.ref.Values
		for _, k := range keys {
			m, ok := v.(map[string]any)
			if !ok {
				break
			}
			next, set := m[k]
			if set && next == nil {
				return "" // null takes a default away
			}
			v = next
		}
		return path + rule
	}
	return ""
}
