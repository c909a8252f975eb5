package expect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/schema/imageref"
)

// Vet finds what is wrong with a check whatever the recipe and the cluster are:
// a path or an expression that does not parse, a variable that there is not,
// none or two of the three sorts. A component need not be in the catalogue: what
// a check says of one that a recipe does not have is left out.
func Vet(c recipes.Check) []error {
	v := vetting{check: c}
	sorts := 0
	for _, has := range []bool{len(c.Expect) > 0, c.Run != nil && c.Probe == "", c.Probe != ""} {
		if has {
			sorts++
		}
	}
	if sorts != 1 {
		v.fail("", schema.Errorf(schema.Invalid, "a check has one of expect, run and probe, and this has %d", sorts))
	}
	if d, err := time.ParseDuration(c.Timeout); err != nil || d <= 0 {
		v.fail("timeout", schema.Errorf(schema.Invalid, "%q is not a length of time", c.Timeout))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Counts)) {
		v.objects("counts."+name, c.Counts[name])
	}
	for i, e := range c.Expect {
		v.expect(fmt.Sprintf("expect[%d]", i), e)
	}
	v.text("hint", c.Hint)
	if c.Run != nil {
		v.run(*c.Run)
	}
	return v.errs
}

type vetting struct {
	check recipes.Check
	errs  []error
}

func (v *vetting) fail(at string, err error) {
	e, ok := err.(*schema.Error)
	if !ok {
		e = schema.Errorf(schema.Invalid, "%w", err)
	}
	path := "checks." + v.check.Name
	if at != "" {
		path += "." + at
	}
	v.errs = append(v.errs, e.At("", path))
}

func (v *vetting) expect(at string, e recipes.Expect) {
	if len(e.Any)+len(e.All) > 0 {
		if e.Kind != "" || e.Proxy != nil || len(e.Any) > 0 && len(e.All) > 0 {
			v.fail(at, schema.Errorf(schema.Invalid, "a condition has a kind, any or all, and this has more than one"))
		}
		for i, x := range e.Any {
			v.expect(fmt.Sprintf("%s.any[%d]", at, i), x)
		}
		for i, x := range e.All {
			v.expect(fmt.Sprintf("%s.all[%d]", at, i), x)
		}
		return
	}
	v.objects(at, e.Objects)
	v.fields(at+".fields", e.Fields)
	v.text(at+".hint", e.Hint)
	if e.Count != "" {
		v.expr(at+".count", e.Count)
	}
	if e.Value != "" {
		v.path(at+".value", e.Value)
		if v.check.Measures == "" {
			v.fail(at+".value", schema.Errorf(schema.Invalid, "a value is read, and the check measures nothing").WithHint("add measures: \"NAME\""))
		}
	}
}

func (v *vetting) objects(at string, o recipes.Objects) {
	if err := badKind(o); err != nil {
		v.fail(at, err)
	}
	if o.Proxy != nil {
		v.text(at+".proxy.service", o.Proxy.Service)
		if o.Proxy.Items != "" {
			v.path(at+".proxy.items", o.Proxy.Items)
		}
	}
	v.text(at+".name", o.Name)
	v.text(at+".namespace", o.Namespace)
	v.fields(at+".where", o.Where)
}

func (v *vetting) fields(at string, m map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(m)) {
		v.path(at, path)
		v.expr(at+"."+path, m[path])
	}
}

func (v *vetting) path(at, path string) {
	if _, err := parseField(path); err != nil {
		v.fail(at, err)
	}
}

// expr parses an expression with a number for each variable.
func (v *vetting) expr(at, expr string) {
	v.text(at, expr)
	if expr == "*" {
		return
	}
	if _, err := constraint.Parse(variable.ReplaceAllString(expr, "1")); err != nil {
		v.fail(at, err)
	}
}

// text looks at the variables of a text.
func (v *vetting) text(at, s string) {
	for _, m := range variable.FindAllStringSubmatch(s, -1) {
		name := m[1]
		switch {
		case strings.HasPrefix(name, "."):
			v.path(at, name[1:])
		case strings.HasPrefix(name, "count."):
			if _, ok := v.check.Counts[name[len("count."):]]; !ok {
				v.fail(at, schema.Errorf(schema.Invalid, "counts has no %q", name[len("count."):]))
			}
		default:
			v.variable(at, name)
		}
	}
}

var variables = []string{"name", "namespace", "version", "chart"}

func (v *vetting) variable(at, name string) {
	field, ok := strings.CutPrefix(name, "component.")
	if !ok {
		rest, of := strings.CutPrefix(name, "components.")
		i := strings.LastIndexByte(rest, '.')
		if !of || i < 0 {
			v.fail(at, schema.Errorf(schema.Invalid, "there is no variable %q", name).
				WithHint("there are ${component.namespace}, ${components.NAME.namespace}, ${.PATH} and ${count.NAME}"))
			return
		}
		field = rest[i+1:]
	} else if len(v.check.Components) == 0 {
		v.fail(at, schema.Errorf(schema.Invalid, "${%s} needs a component, and the check is for none", name).WithHint("add components: [\"NAME\"]"))
	}
	if !slices.Contains(variables, field) {
		v.fail(at, schema.Errorf(schema.Invalid, "a component has no %q for checks", field).WithHint("it has %s", strings.Join(variables, ", ")))
	}
}

func (v *vetting) run(r recipes.Run) {
	// Everything that a check runs is in the image list, so that a mirror has it.
	if ref, ok := imageref.Parse(r.Image); !ok || !ref.Versioned() {
		why := "is not the name of an image"
		if ok {
			why = "names an image without a version"
		}
		v.fail("run.image", schema.Errorf(schema.Invalid, "%q %s: it cannot be in the list of images (eidos images), nor in a mirror", r.Image, why).
			WithHint("write it as REGISTRY/REPOSITORY:TAG, with a tag other than latest, or with @sha256:DIGEST"))
	}
	readers := 0
	for _, has := range []bool{r.Reader.NCCL, r.Reader.GPUBurn, r.Reader.Pattern != "", r.Reader.JSON != "", r.Reader.Exit} {
		if has {
			readers++
		}
	}
	if readers != 1 {
		v.fail("run.reader", schema.Errorf(schema.Invalid, "a run has one reader, and this has %d", readers))
	}
	if r.Reader.Pattern != "" {
		if p, err := regexp.Compile(r.Reader.Pattern); err != nil || p.NumSubexp() < 1 {
			v.fail("run.reader.pattern", schema.Errorf(schema.Invalid, "%q is not a pattern with a group", r.Reader.Pattern))
		}
	}
	if r.Reader.JSON != "" {
		v.path("run.reader.json", r.Reader.JSON)
	}
}
