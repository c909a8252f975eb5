package inspect

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// maxProbes is how many values are changed at most, each with a rendering.
const maxProbes = 1000

// probe finds facts by rendering with one value changed.
type probe struct {
	ctx   context.Context
	helm  *helm
	facts *schema.ChartFacts
	all   map[string]any

	base  map[string]object
	seen  map[string]object   // base, and what a switch brought
	guard map[string][]string // of an object
	on    map[string]any      // values that switch everything on
}

// rendered adds what renderings show to f. note is told what could not be seen.
func rendered(ctx context.Context, h *helm, f *schema.ChartFacts, all map[string]any, note func(string, ...any)) error {
	p := &probe{ctx: ctx, helm: h, facts: f, all: all, seen: map[string]object{}, guard: map[string][]string{}, on: map[string]any{}}
	base, err := h.render(ctx, nil)
	if err != nil {
		return err
	}
	p.base = byID(base)
	for k, o := range p.base {
		p.seen[k] = o
	}
	if err := p.switches(note); err != nil {
		return err
	}
	if err := p.mappings(); err != nil {
		return err
	}
	arrived, err := p.placement()
	if err != nil {
		return err
	}
	p.write(arrived)
	f.Rendered = true
	return nil
}

func byID(objects []object) map[string]object {
	out := map[string]object{}
	for _, o := range objects {
		out[id(o)] = o
	}
	return out
}

// switches turns each boolean round and sees what goes and what comes.
func (p *probe) switches(note func(string, ...any)) error {
	var paths []string
	for path, v := range p.facts.Values {
		if v.Type == "bool" && !v.Unread {
			paths = append(paths, path)
		}
	}
	for _, d := range p.facts.Dependencies {
		if d.Condition != "" && !d.Missing && !slices.Contains(paths, d.Condition) {
			paths = append(paths, d.Condition)
		}
	}
	sort.Strings(paths)
	if len(paths) > maxProbes {
		note("%d switches are too many to try; the first %d were", len(paths), maxProbes)
		paths = paths[:maxProbes]
	}
	for _, path := range paths {
		was := p.facts.Values[path].Default == true
		values := nest(path, !was)
		objects, err := p.helm.render(p.ctx, values)
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if err != nil {
			continue // a switch that needs another value beside it
		}
		now := byID(objects)
		guard := path
		if !was {
			guard = "!" + path
		}
		for k := range p.base {
			if now[k] == nil {
				p.guard[k] = append(p.guard[k], guard)
			}
		}
		came := false
		for k, o := range now {
			if p.base[k] != nil {
				continue
			}
			came = true
			if p.seen[k] == nil {
				p.seen[k] = o
			}
			p.guard[k] = append(p.guard[k], strings.TrimPrefix("!"+guard, "!!"))
		}
		if came && !was {
			p.on = coalesce(p.on, values)
		}
	}
	return nil
}

// mappings finds which value at the top of the chart, emptied, takes away an object
// that is for all Pods of its namespace: a LimitRange is often there with its values.
func (p *probe) mappings() error {
	wide := func(o object) bool { return charts.NamespaceWide(text(o, "kind")) }
	var keys []string
	for path, v := range p.facts.Values {
		if all, err := charts.SplitPath(path); err == nil && (len(all) > 1 || v.Type == "map") && !slices.Contains(keys, all[0]) {
			keys = append(keys, all[0])
		}
	}
	sort.Strings(keys)
	if !slices.ContainsFunc(slices.Collect(maps.Values(p.base)), wide) {
		return nil
	}
	for _, key := range keys[:min(len(keys), maxProbes)] {
		objects, err := p.helm.render(p.ctx, map[string]any{key: nil})
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if err != nil {
			continue // templates that need it
		}
		now := byID(objects)
		for k, o := range p.base {
			if wide(o) && now[k] == nil {
				p.guard[k] = append(p.guard[k], charts.JoinPath([]string{key}))
			}
		}
	}
	return nil
}

// nest is values with one value set.
func nest(path string, v any) map[string]any {
	keys, err := charts.SplitPath(path)
	if err != nil {
		return nil
	}
	for i := len(keys) - 1; i > 0; i-- {
		v = map[string]any{keys[i]: v}
	}
	return map[string]any{keys[0]: v}
}

const mark = "eidos.example.com/mark"

// arrival is where placement values of an object were seen.
type arrival struct{ selector, tolerations, affinity, passes []string }

// placement sets every path that may place Pods, alone, and sees in which
// objects its value arrives.
func (p *probe) placement() (map[string]*arrival, error) {
	out := map[string]*arrival{}
	for _, path := range p.placing() {
		for _, more := range []map[string]any{nil, p.on} {
			if more != nil && len(more) == 0 {
				continue
			}
			objects, err := p.helm.render(p.ctx, coalesce(more, nest(path, marked(path))))
			if p.ctx.Err() != nil {
				return nil, p.ctx.Err()
			}
			if err != nil {
				continue
			}
			for _, o := range objects {
				data, err := json.Marshal(o)
				if err != nil || !strings.Contains(string(data), mark) {
					continue
				}
				a := out[id(o)]
				if a == nil {
					a = &arrival{}
					out[id(o)] = a
				}
				a.add(o, path)
			}
		}
	}
	return out, nil
}

func (a *arrival) add(o object, path string) {
	in := func(v any) bool {
		data, err := json.Marshal(v)
		return err == nil && strings.Contains(string(data), mark)
	}
	add := func(list *[]string) {
		if !slices.Contains(*list, path) {
			*list = append(*list, path)
		}
	}
	spec := podSpec(o)
	switch {
	case spec == nil && kindOf(path) == "selector":
		add(&a.selector)
	case spec == nil && kindOf(path) == "tolerations":
		add(&a.tolerations)
	case spec == nil:
		add(&a.affinity)
	case in(spec["nodeSelector"]):
		add(&a.selector)
	case in(spec["tolerations"]):
		add(&a.tolerations)
	case in(spec["affinity"]):
		add(&a.affinity)
	default:
		add(&a.passes)
	}
}

// placing lists the paths that may place Pods, by their names.
func (p *probe) placing() []string {
	var out []string
	for path := range p.facts.Values {
		if kindOf(path) != "" && !strings.Contains(path, ".nodeAffinity") {
			out = append(out, path)
		}
	}
	for _, path := range p.facts.TemplatePaths {
		if path = strings.TrimSuffix(path, ".*"); kindOf(path) != "" && !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	sort.Strings(out)
	return out
}

func kindOf(path string) string {
	last := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
	for _, k := range []string{"tolerations", "affinity", "selector"} {
		if strings.Contains(last, k) {
			return k
		}
	}
	return ""
}

// marked is a value of a placing path that is found again.
func marked(path string) any {
	switch kindOf(path) {
	case "tolerations":
		return []any{map[string]any{"key": mark, "operator": "Exists"}}
	case "affinity":
		return map[string]any{"nodeAffinity": map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
			"weight": 1, "preference": map[string]any{"matchExpressions": []any{map[string]any{"key": mark, "operator": "Exists"}}},
		}}}}
	}
	return map[string]any{mark: "x"}
}
