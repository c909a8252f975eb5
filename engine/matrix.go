package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// axis is one list of a matrix.
type axis struct {
	name   string
	at     place
	values []any
	labels []string // of values, as rows are named by them
	late   string   // ${steps.…} that gives the values when running; "" if they are known
}

// maxRows bounds what one step fans out to.
const maxRows = 10_000

// axes reads the matrix of d. Axes stand in the order of the file; without a
// file, in the order of their names.
func (c *compiler) axes(d *draft) {
	at := d.at.child("matrix")
	if d.src.Matrix != nil && len(d.src.Matrix) == 0 {
		c.fail(at.errorf("the matrix has no list"))
	}
	names := sortedKeys(d.src.Matrix)
	if m := docAt(d.doc, "matrix"); m != nil {
		names = m.Keys()
	}
	if d.kind == nil && d.src.Include != "" && len(names) > 0 {
		c.fail(at.keyErrorf("an included pipeline cannot have a matrix").WithHint("give the matrix to its steps"))
		return
	}
	for _, n := range names {
		a := axis{name: n, at: at.child(n)}
		v, ok := c.axisValue(d, &a, d.src.Matrix[n])
		if ok && a.late == "" {
			list, isList := v.([]any)
			switch {
			case !isList:
				c.fail(a.at.errorf("must be a list, not %s", typeWord(v)))
			case len(list) == 0:
				c.fail(a.at.errorf("the list is empty"))
			default:
				if err := a.set(list); err != nil {
					c.fail(err)
				}
			}
		}
		d.step.axes = append(d.step.axes, a)
		d.step.dynamic = d.step.dynamic || a.late != ""
	}
}

// axisValue fills in the references of one list. A list that another step
// makes is left for the run.
func (c *compiler) axisValue(d *draft, a *axis, v any) (any, bool) {
	before := c.problems.Len()
	out := walkTexts(v, nil, func(path []string, s string) any {
		at := a.at.child(path...)
		t, err := parseText(s)
		if err != nil {
			c.fail(at.wrap(err))
			return s
		}
		for _, r := range t.refs {
			switch {
			case r.path[0] == "steps" && len(path) == 0 && s == r.String():
				c.reference(d, r.path, r.String(), at)
				a.late = s
			case r.path[0] == "params":
				c.reference(d, r.path, r.String(), at)
			default:
				c.fail(at.errorf("%s cannot be used in a list of a matrix", r).WithHint("use ${params.NAME}, or let the whole list be ${steps.NAME.FIELD}"))
			}
		}
		if c.problems.Len() > before || a.late != "" {
			return s
		}
		val, err := t.value(d.scope.look(nil))
		if err != nil {
			c.fail(at.wrap(err))
		}
		return val
	})
	return out, c.problems.Len() == before
}

// set gives the axis its values; two that would be named alike are an error.
func (a *axis) set(values []any) error {
	a.values, a.labels = values, make([]string, len(values))
	seen := map[string]int{}
	for i, v := range values {
		l := label(v)
		if first, ok := seen[l]; ok {
			return a.at.child(itoa(i)).errorf("%s stands twice in the list, first as number %d", l, first+1)
		}
		seen[l], a.labels[i] = i, l
	}
	return nil
}

// label names a value of a matrix: a scalar by itself, a mapping by its name
// if it has one. What would be long or ambiguous is shown by a digest too.
func label(v any) string {
	switch t := v.(type) {
	case map[string]any:
		if n, ok := t["name"].(string); ok && n != "" {
			return label(n)
		}
	case string:
		if t != "" && len(t) <= 64 && !strings.ContainsAny(t, ",[]\"\n\t ${}") {
			return t
		}
	case bool, int64, uint64, float64, int:
		return fmt.Sprint(t)
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a value of a matrix is not plain: " + err.Error())
	}
	return "#" + string(digestOf(data))[len("sha256:"):][:12]
}

// row is one combination of the values of a matrix.
type row struct {
	id     string
	values map[string]any
	labels map[string]string
}

// rowsOf lists the combinations of axes, the last axis changing fastest.
func rowsOf(name string, axes []axis) ([]row, error) {
	total := 1
	for _, a := range axes {
		if total *= len(a.values); total > maxRows {
			return nil, schema.Errorf(schema.Invalid, "the matrix has more than %d rows", maxRows)
		}
	}
	rows := make([]row, total)
	for i := range rows {
		r := row{values: make(map[string]any, len(axes)), labels: make(map[string]string, len(axes))}
		labels, rest := make([]string, len(axes)), i
		for k := len(axes) - 1; k >= 0; k-- {
			a := &axes[k]
			at := rest % len(a.values)
			rest /= len(a.values)
			r.values[a.name], r.labels[a.name], labels[k] = a.values[at], a.labels[at], a.labels[at]
		}
		r.id = name + "[" + strings.Join(labels, ",") + "]"
		rows[i] = r
	}
	return rows, nil
}

// agrees reports whether n is a row that r, of another matrix, goes with: the
// axes that both have carry the same value.
func (n *node) agrees(r map[string]string) bool {
	for name, l := range n.labels {
		if other, ok := r[name]; ok && other != l {
			return false
		}
	}
	return true
}
