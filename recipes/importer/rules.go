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

// asked are the values that are asked for already, by what they are about.
type asked map[string][]constraint.Expr

func (a asked) learn(name, value string) {
	if e, err := constraint.Parse(value); err == nil {
		a[name] = append(a[name], e)
	}
}

// holds says whether expr needs no statement, because what is asked for implies
// it, or can have none, because the overlay of ours that it belongs to states
// another one, which nothing replaces.
func (d *differ) holds(e *schema.Doc, kind, name string, expr constraint.Expr, asked asked) bool {
	for _, have := range asked[name] {
		if have.Implies(expr) {
			if !expr.Implies(have) {
				d.note(e, "%s %s is without effect: %s holds already", name, expr, have)
			}
			return true
		}
	}
	at, stated := d.rules[ruleOf(d.w.target, kind, name)]
	if stated && d.w.ours {
		d.left(e, "%s %s is not what overlay %s of ours states (%s): state it in an overlay of your own, with %s as its base", name, expr, d.w.target, at, d.w.target)
	}
	return stated && d.w.ours
}

// constraints says those that what is there already does not imply. Levels add
// up here, where in upstream the last one holds: a looser one is without
// effect, and noted.
func (d *differ) constraints(res *schema.RecipeResult) {
	asked := asked{}
	for _, c := range res.Constraints {
		asked.learn(c.Name, c.Value)
	}
	for _, b := range d.bases {
		for name, v := range b.written.constraints {
			if more, ok := v.(map[string]any); ok {
				v = more["value"]
			}
			asked.learn(name, v.(string))
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

func (d *differ) constraint(e *schema.Doc, asked asked) {
	d.unknown(e, "name", "value", "severity", "remediation", "unit")
	name, value := upstream.Constraint(e.TextAt("name"), e.TextAt("value"))
	path, err := constraint.ParsePath(name)
	if err == nil {
		err = path.Measured() // vet would refuse the overlay for it
	}
	if err != nil {
		d.left(e, "%v", err)
		return
	}
	expr, err := constraint.Parse(value)
	if err != nil {
		d.left(e, "constraint %s: %v", name, err)
		return
	}
	if d.holds(e, "constraints", name, expr, asked) {
		return
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

// checkOf is the check that is called name, or that measures it.
func (im *importing) checkOf(name string) string {
	if check, ok := im.measures[name]; ok {
		return check
	}
	return name
}

// validation says the checks that the catalogue defines, but for those that
// are asked for already.
func (d *differ) validation(res *schema.RecipeResult) {
	v := d.o.doc.At("spec", "validation")
	if v == nil {
		return
	}
	named, values := map[string]bool{}, asked{}
	for _, p := range res.Validation {
		for _, c := range p.Checks {
			named[c] = true
		}
		for _, c := range p.Constraints {
			values.learn(d.checkOf(c.Name), c.Value)
		}
	}
	for _, b := range d.bases {
		for c, v := range b.written.checks {
			named[c] = true
			if value, ok := v.(string); ok {
				values.learn(c, value)
			}
		}
	}
	for _, phase := range v.Children() {
		d.unknown(phase, "checks", "constraints")
		for _, name := range phase.TextsAt("checks") {
			if named[name] {
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
			name := d.checkOf(e.TextAt("name"))
			if !d.checks[name] {
				d.left(e, "the catalogue has no check %s, whose value could be compared", name)
				continue
			}
			expr, err := constraint.Parse(upstream.Expression(e.TextAt("value")))
			if err != nil {
				d.left(e, "check %s: %v", name, err)
				continue
			}
			if !d.holds(e, "checks", name, expr, values) {
				d.w.checks[name] = expr.String()
			}
		}
	}
}
