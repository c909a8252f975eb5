package expect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/schema/pattern"
)

const (
	// everywhere is the namespace of a condition on all namespaces, and ofRecipe
	// of one on those of the recipe's components.
	everywhere = "*"
	ofRecipe   = "recipe"
)

// Bound is a check of one recipe: the variables in its texts are replaced.
type Bound struct {
	Check recipes.Check
	// Component that it is for, if any.
	Component string
	// Constraints of the recipe on the value that it measures.
	Constraints []schema.Constraint

	namespace  string // of the component
	conditions []condition
	counts     map[string]condition
}

// condition is an expectation whose texts are complete but for fields of the
// object and counts.
type condition struct {
	recipes.Expect
	sources  []Source
	problem  string // why it cannot be decided, whatever is read
	any, all []condition
	// Fields and Where in order, parsed once for all objects.
	must, which []field
}

// field is one field and what it must be.
type field struct {
	path  string
	steps path.Pattern
	err   error // of the path
	expr  string
	fixed *constraint.Expr // of an expression without references
}

// fieldsOf parses fields, in order of their paths.
func fieldsOf(m map[string]string) []field {
	var out []field
	for _, at := range slices.Sorted(maps.Keys(m)) {
		f := field{path: at, expr: m[at]}
		f.steps, f.err = parseField(at)
		if !strings.Contains(f.expr, "${") && f.expr != "*" {
			if x, err := constraint.Parse(f.expr); err == nil {
				f.fixed = &x
			}
		}
		out = append(out, f)
	}
	return out
}

var variable = pattern.New(`\$\{([^}]*)\}`)

// Bind makes c a check of recipe r. A check that is for each chart is bound
// once for each; the others once. Constraints are those of the recipe on what c
// measures.
func Bind(c recipes.Check, r *schema.RecipeResult) []Bound {
	var out []Bound
	bind := func(component *schema.ComponentRef) {
		b := Bound{Check: c, counts: map[string]condition{}}
		if component != nil {
			b.Component, b.namespace = component.Name, component.Namespace
		}
		if c.Measures != "" {
			for _, k := range r.Validation[c.Phase].Constraints {
				if k.Name == c.Measures {
					b.Constraints = append(b.Constraints, k)
				}
			}
		}
		v := vars{recipe: r, component: component}
		b.Check.Hint, _ = v.replace(c.Hint)
		for name, o := range c.Counts {
			b.counts[name] = v.condition(recipes.Expect{Objects: o}, nil)
		}
		for _, e := range c.Expect {
			b.conditions = append(b.conditions, v.condition(e, b.Constraints))
		}
		out = append(out, b)
	}
	if c.Each == "chart" {
		for i := range r.ComponentRefs {
			if r.ComponentRefs[i].Chart != "" {
				bind(&r.ComponentRefs[i])
			}
		}
		return out
	}
	for i := range r.ComponentRefs {
		if slices.Contains(c.Components, r.ComponentRefs[i].Name) {
			bind(&r.ComponentRefs[i])
			return out
		}
	}
	bind(nil)
	return out
}

type vars struct {
	recipe    *schema.RecipeResult
	component *schema.ComponentRef
}

// condition replaces what is known before anything is read.
func (v vars) condition(e recipes.Expect, constraints []schema.Constraint) condition {
	c := condition{Expect: e}
	c.Expect.Any, c.Expect.All = nil, nil
	for _, x := range e.Any {
		c.any = append(c.any, v.condition(x, constraints))
	}
	for _, x := range e.All {
		c.all = append(c.all, v.condition(x, constraints))
	}
	if len(c.any)+len(c.all) > 0 {
		return c
	}
	text := func(s *string) {
		var problem string
		if *s, problem = v.replace(*s); problem != "" {
			c.problem = problem
		}
	}
	texts := func(m map[string]string) map[string]string {
		out := map[string]string{}
		for k, s := range m {
			text(&s)
			out[k] = s
		}
		return out
	}
	if c.Namespace == "" {
		c.Namespace = "${component.namespace}"
	}
	if !c.Cluster {
		text(&c.Namespace)
	}
	text(&c.Name)
	text(&c.Count)
	c.Hint, _ = v.replace(c.Hint)
	c.Labels, c.Where, c.Fields = texts(c.Labels), texts(c.Where), texts(c.Fields)
	if c.Value != "" {
		for _, k := range constraints {
			c.Fields[c.Value] = k.Value
		}
	}
	c.must, c.which = fieldsOf(c.Fields), fieldsOf(c.Where)
	if c.Proxy != nil {
		p := *c.Proxy
		text(&p.Service)
		text(&p.Path)
		text(&p.Query)
		c.Proxy = &p
	}
	if c.problem != "" {
		return c
	}
	if c.Namespace != ofRecipe || c.Cluster {
		c.sources = []Source{sourceOf(c.Objects, c.Namespace)}
		return c
	}
	for _, ns := range Namespaces(v.recipe) {
		c.sources = append(c.sources, sourceOf(c.Objects, ns))
	}
	return c
}

// Namespaces are those of a recipe's components, sorted.
func Namespaces(r *schema.RecipeResult) []string {
	var out []string
	for _, c := range r.ComponentRefs {
		if c.Namespace != "" {
			out = append(out, c.Namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// replace puts in the variables that the recipe knows; problem is why it does
// not know one.
func (v vars) replace(s string) (out, problem string) {
	out = variable.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "count.") {
			return m // known when objects are
		}
		value, why := v.lookup(name)
		if why != "" {
			problem = why
		}
		return value
	})
	return out, problem
}

func (v vars) lookup(name string) (value, problem string) {
	c := v.component
	field, ok := strings.CutPrefix(name, "component.")
	if !ok {
		i := strings.LastIndexByte(name, '.')
		component, of := strings.CutPrefix(name[:max(i, 0)], "components.")
		if !of {
			return "", fmt.Sprintf("there is no variable %q", name)
		}
		field, c = name[i+1:], nil
		for k := range v.recipe.ComponentRefs {
			if v.recipe.ComponentRefs[k].Name == component {
				c = &v.recipe.ComponentRefs[k]
			}
		}
		if c == nil {
			return "", "the recipe has no component " + component
		}
	}
	if c == nil {
		return "", "the recipe has no component that this check is for"
	}
	switch field {
	case "name":
		return c.Name, ""
	case "namespace":
		return c.Namespace, ""
	case "version":
		return c.Version, ""
	case "chart":
		return c.Chart, ""
	}
	return "", fmt.Sprintf("there is no variable %q", name)
}

// each calls f for every condition that reads something.
func (b Bound) each(f func(condition)) {
	var walk func([]condition)
	walk = func(list []condition) {
		for _, c := range list {
			walk(c.any)
			walk(c.all)
			if len(c.any)+len(c.all) == 0 {
				f(c)
			}
		}
	}
	walk(b.conditions)
	for _, c := range b.counts {
		f(c)
	}
}

// Sources lists what must be read to decide the check.
func (b Bound) Sources() []Source {
	var out []Source
	b.each(func(c condition) { out = append(out, c.sources...) })
	return out
}
