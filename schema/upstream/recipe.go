package upstream

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// recipe converts a recipe that upstream resolved.
func (c *conversion) recipe() map[string]any {
	c.unknown(c.doc, "kind", "apiVersion", "metadata", "criteria", "constraints", "componentRefs", "deploymentOrder", "validation",
		"warnings", "detected", "provenance")
	meta := c.doc.At("metadata")
	c.unknown(meta, "version", "catalog", "maturity", "appliedOverlays", "excludedOverlays", "constraintWarnings", "selectedProfile", "timestamp", "generatedAt")
	metadata := map[string]any{
		"version":         either(c.doc.TextAt("metadata", "version"), "unknown"),
		"appliedOverlays": list(c.doc.TextsAt("metadata", "appliedOverlays")),
	}
	for _, k := range []string{"catalog", "maturity"} {
		if s := c.doc.TextAt("metadata", k); s != "" {
			metadata[k] = s
		}
	}
	if meta != nil {
		for _, k := range []string{"excludedOverlays", "constraintWarnings"} {
			if d := meta.At(k); d != nil && len(meta.TextsAt(k)) > 0 {
				c.note(d, "overlays that upstream left out: %s", strings.Join(meta.TextsAt(k), ", "))
			}
		}
		if p := meta.At("selectedProfile"); p != nil {
			c.note(p, "the profile %s=%s is kept as what it selected", p.TextAt("name"), p.TextAt("value"))
		}
	}
	out := map[string]any{
		"metadata":    metadata,
		"criteria":    map[string]any{},
		"constraints": c.constraints(c.doc.At("constraints"), true),
	}
	if d := c.doc.At("criteria"); d != nil {
		out["criteria"] = c.knownWords(d, c.criteria(d))
	}
	refs := c.componentRefs()
	order := c.order(refs)
	sorted := make([]any, 0, len(order))
	for _, name := range order {
		sorted = append(sorted, refs[name])
	}
	out["componentRefs"], out["deploymentOrder"] = sorted, list(order)
	if v := c.validation(); len(v) > 0 {
		out["validation"] = v
	}
	return out
}

// constraints converts a list of them. Those of a snapshot must be about one
// of its measurements; the phases after deployment measure other things.
func (c *conversion) constraints(d *schema.Doc, ofSnapshot bool) []any {
	out := []any{}
	if d == nil {
		return out
	}
	for _, e := range d.Children() {
		c.unknown(e, "name", "value", "severity", "remediation", "hint", "unit", "from")
		name, value := Constraint(e.TextAt("name"), e.TextAt("value"))
		if ofSnapshot {
			if _, err := constraint.ParsePath(name); err != nil {
				c.note(e, "constraint %q names no measurement and is left out", name)
				continue
			}
			if _, err := constraint.Parse(value); err != nil {
				c.fail(e, schema.Errorf(schema.Invalid, "constraint %s: %w", name, err))
				continue
			}
		}
		one := map[string]any{"name": name, "value": value}
		set(one, "from", e.TextAt("from"))
		set(one, "severity", e.TextAt("severity"))
		set(one, "hint", either(e.TextAt("remediation"), e.TextAt("hint")))
		out = append(out, one)
	}
	sort.SliceStable(out, func(i, j int) bool {
		return out[i].(map[string]any)["name"].(string) < out[j].(map[string]any)["name"].(string)
	})
	return out
}

var termStart = pattern.New(`[ \t]+(>=|<=|==|!=|>|<)`)

// Expression writes an expression of upstream in our words: terms that must
// all hold stand there with a space between them, and here with a comma.
func Expression(s string) string {
	alternatives := strings.Split(s, "||")
	for i, a := range alternatives {
		alternatives[i] = termStart.ReplaceAllString(strings.TrimSpace(a), ", $1")
	}
	return strings.ReplaceAll(strings.Join(alternatives, " || "), ",,", ",")
}

// Constraint writes a constraint of upstream in our words. What every node with a
// GPU must carry it has as KEY=VALUE or !KEY under one name.
func Constraint(name, value string) (string, string) {
	const labels = "NodeTopology.gpu-nodes.label"
	if name != labels {
		return name, Expression(value)
	}
	if key, ok := strings.CutPrefix(value, "!"); ok {
		return labels + "." + key, schema.AbsentValue
	}
	key, want, ok := strings.Cut(value, "=")
	if !ok {
		want = "!= " + schema.AbsentValue
	}
	return labels + "." + key, want
}

// validation converts the phases after deployment.
func (c *conversion) validation() map[string]any {
	d := c.doc.At("validation")
	if d == nil {
		return nil
	}
	out := map[string]any{}
	for name, p := range d.Children() {
		phase := map[string]any{}
		for _, k := range p.Keys() {
			switch k {
			case "checks":
				phase[k] = list(p.TextsAt(k))
			case "timeout":
				phase[k] = p.TextAt(k)
			case "constraints":
				phase[k] = c.constraints(p.At(k), false)
			default:
				c.note(p.At(k), "validation.%s.%s has no counterpart and is left out", name, k)
			}
		}
		out[name] = phase
	}
	return out
}

// order is upstream's deployment order, of the components that are deployed;
// where it does not list them all, the one that dependencies ask for.
func (c *conversion) order(refs map[string]map[string]any) []string {
	var order []string
	for _, name := range c.doc.TextsAt("deploymentOrder") {
		if refs[name] != nil && !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	if len(order) == len(refs) {
		return order
	}
	order = nil
	for len(order) < len(refs) {
		next := ""
		for _, name := range slices.Sorted(maps.Keys(refs)) {
			deps, _ := refs[name]["dependencyRefs"].([]any)
			waits := slices.ContainsFunc(deps, func(d any) bool { return !slices.Contains(order, d.(string)) })
			if !slices.Contains(order, name) && !waits {
				next = name
				break
			}
		}
		if next == "" {
			c.fail(c.doc, schema.Errorf(schema.Invalid, "the dependencies of its components are cyclic"))
			return order
		}
		order = append(order, next)
	}
	return order
}

func list(of []string) []any {
	out := make([]any, len(of))
	for i, s := range of {
		out[i] = s
	}
	return out
}

// set stores a text that says something.
func set(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

// count is 1 component, 2 components.
func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
