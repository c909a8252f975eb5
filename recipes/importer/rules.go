package importer

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// specs are the overlay and the mixins that it names.
func (d *differ) specs() []*schema.Doc {
	out := []*schema.Doc{d.o.doc.At("spec")}
	for _, m := range d.o.doc.TextsAt("spec", "mixins") {
		if doc := d.mixins[m]; doc != nil {
			out = append(out, doc.At("spec"))
		}
	}
	return out
}

// constraints says those that what is there already does not imply. Levels add
// up here, where in upstream the last one holds: a looser one is without
// effect, and noted.
func (d *differ) constraints(res *schema.RecipeResult) {
	asked := map[string][]constraint.Expr{}
	learn := func(name, value string) {
		if e, err := constraint.Parse(value); err == nil {
			asked[name] = append(asked[name], e)
		}
	}
	for _, c := range res.Constraints {
		learn(c.Name, c.Value)
	}
	for _, b := range d.bases {
		for name, v := range b.written.constraints {
			if more, ok := v.(map[string]any); ok {
				v = more["value"]
			}
			learn(name, v.(string))
		}
	}
	for _, spec := range d.specs() {
		if spec == nil || spec.At("constraints") == nil {
			continue
		}
		for _, e := range spec.At("constraints").Children() {
			d.constraint(e, asked)
		}
	}
}

func (d *differ) constraint(e *schema.Doc, asked map[string][]constraint.Expr) {
	d.unknown(e, "name", "value", "severity", "remediation", "unit")
	name, value := e.TextAt("name"), upstream.Expression(e.TextAt("value"))
	if _, err := constraint.ParsePath(name); err != nil {
		d.left(e, "%v", err)
		return
	}
	expr, err := constraint.Parse(value)
	if err != nil {
		d.left(e, "constraint %s: %v", name, err)
		return
	}
	for _, have := range asked[name] {
		if have.Implies(expr) {
			if !expr.Implies(have) {
				d.note(e, "%s %s is without effect: %s holds already", name, expr, have)
			}
			return
		}
	}
	if strings.HasPrefix(name, "OS.release.") && d.o.criteria[slices.Index(recipes.Fields(), "os")] == "" && d.o.criteria != (recipes.Criteria{}) {
		d.left(e, "%s %s is about an operating system that the criteria of overlay %s leave open: state criteria.os", name, expr, d.o.name)
		return
	}
	more := map[string]any{"value": expr.String()}
	if s := e.TextAt("severity"); s == "warning" {
		more["severity"] = s
	}
	if s := e.TextAt("remediation"); s != "" {
		more["hint"] = s
	}
	d.w.constraints[name] = more
	if len(more) == 1 {
		d.w.constraints[name] = expr.String()
	}
}

// validation says the checks that the catalogue defines, but for those that
// are asked for already.
func (d *differ) validation(res *schema.RecipeResult) {
	v := d.o.doc.At("spec", "validation")
	if v == nil {
		return
	}
	asked := map[string]bool{}
	for _, p := range res.Validation {
		for _, c := range p.Checks {
			asked[c] = true
		}
	}
	for _, b := range d.bases {
		for c := range b.written.checks {
			asked[c] = true
		}
	}
	for _, phase := range v.Children() {
		d.unknown(phase, "checks", "constraints")
		for _, name := range phase.TextsAt("checks") {
			if asked[name] {
				continue
			}
			if d.checks[name] {
				d.w.checks[name] = true
				continue
			}
			d.left(phase.At("checks"), "the catalogue has no check %s", name)
		}
		if phase.At("constraints") == nil {
			continue
		}
		for _, e := range phase.At("constraints").Children() {
			name := e.TextAt("name")
			if !d.checks[name] {
				d.left(e, "the catalogue has no check %s, whose value could be compared", name)
				continue
			}
			d.w.checks[name] = upstream.Expression(e.TextAt("value"))
		}
	}
}
