package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// matrix is what the rows of a step are made of: every combination of the axes,
// without those that exclude names, with what include adds, as GitHub Actions
// does.
type matrix struct {
	axes             []axis
	include, exclude *axis // lists of mappings; nil: none
}

// axis is one list of a matrix.
type axis struct {
	name    string
	at      schema.Position
	values  []any
	labels  []string // of values, as rows are named by them
	late    string   // ${steps.…} with the values when running; "" if they are known
	literal bool     // the file has the values themselves
}

// maxRows bounds what one step fans out to.
const maxRows = 10_000

// axes reads the matrix of d, axes in the order of the file.
func (c *compiler) axes(d *draft) {
	if d.src.Matrix == nil {
		return
	}
	at := d.At.Child("matrix")
	if len(d.src.Matrix) == 0 {
		c.fail(at.Errorf("the matrix has no list"))
	}
	names := d.At.Doc.Mapping("matrix").Keys()
	if d.Kind == nil && d.src.Include != "" && len(names) > 0 {
		c.fail(at.KeyErrorf("an included pipeline cannot have a matrix").WithHint("give the matrix to its steps"))
		return
	}
	m := &d.Step.matrix
	for _, n := range names {
		a := axis{name: n, at: at.Child(n), literal: true}
		v, ok := c.axisValue(d, &a, d.src.Matrix[n])
		if ok && a.late == "" {
			list, isList := v.([]any)
			switch {
			case !isList:
				c.fail(a.at.Errorf("must be a list, not %s", schema.TypeWord(v)))
			case len(list) == 0:
				c.fail(a.at.Errorf("the list is empty"))
			default:
				if err := a.set(list); err != nil {
					c.fail(err)
				}
			}
		}
		switch n {
		case "include":
			m.include = &a
		case "exclude":
			m.exclude = &a
		default:
			m.axes = append(m.axes, a)
		}
		d.Step.Dynamic = d.Step.Dynamic || a.late != ""
	}
	if err := m.checkExclude(); err != nil {
		c.fail(err)
	}
}

// axisValue fills in the references of one list. A list that another step
// makes is left for the run.
func (c *compiler) axisValue(d *draft, a *axis, v any) (any, bool) {
	before := c.problems.Len()
	out := walkTexts(v, nil, func(path []string, s string) any {
		at := a.at.Child(path...)
		t, err := parseText(s)
		if err != nil {
			c.fail(at.Wrap(err))
			return s
		}
		for _, r := range t.refs {
			a.literal = false
			switch {
			case r.path[0] == "steps" && len(path) == 0 && s == r.String():
				c.reference(d, r.path, r.String(), at)
				a.late = s
			case r.path[0] == "params":
				c.reference(d, r.path, r.String(), at)
			default:
				c.fail(at.Errorf("%s cannot be used in a list of a matrix", r).WithHint("use ${params.NAME}, or let the whole list be ${steps.NAME.FIELD}"))
			}
		}
		if c.problems.Len() > before || a.late != "" {
			return s
		}
		val, err := t.value(d.scope.look(nil))
		if err != nil {
			c.fail(at.Wrap(err))
		}
		return val
	})
	return out, c.problems.Len() == before
}

// set sets the values of the axis; two that would be named alike are an error.
// Those of include and exclude are mappings, and are not named.
func (a *axis) set(values []any) error {
	a.values = values
	if a.name == "include" || a.name == "exclude" {
		for i, v := range values {
			if m, ok := v.(map[string]any); !ok || len(m) == 0 {
				return a.at.Child(strconv.Itoa(i)).Errorf("must be a mapping of names to values, not %s", schema.TypeWord(v))
			}
		}
		return nil
	}
	a.labels = make([]string, len(values))
	seen := map[string]int{}
	for i, v := range values {
		l := label(v)
		if first, ok := seen[l]; ok {
			return a.at.Child(strconv.Itoa(i)).Errorf("%s is in the list twice, first as number %d", l, first+1)
		}
		seen[l], a.labels[i] = i, l
	}
	return nil
}

// entries are the mappings of include or exclude.
func (a *axis) entries() []map[string]any {
	if a == nil {
		return nil
	}
	var out []map[string]any
	for _, v := range a.values {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// label names a value of a matrix: a scalar by itself, a mapping by its name
// if it has one. What would be long, or be read as the separators of a row's id or a
// reference, is named by a digest. Labels are also what values are compared by: 1 and
// "1" are the same on an axis.
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
	return "#" + string(schema.DigestOf(data))[len("sha256:"):][:12]
}

// row is one combination of the values of a matrix.
type row struct {
	id     string
	values map[string]any
	labels map[string]string
}

// clone copies what Unroll changes: the lists. The step's own stay as compiled.
func (m *matrix) clone() *matrix {
	c := *m
	c.axes = slices.Clone(m.axes)
	for _, a := range []**axis{&c.include, &c.exclude} {
		if *a != nil {
			list := **a
			*a = &list
		}
	}
	return &c
}

// lists are the axes, include and exclude.
func (m *matrix) lists() []*axis {
	var out []*axis
	for i := range m.axes {
		out = append(out, &m.axes[i])
	}
	for _, a := range []*axis{m.include, m.exclude} {
		if a != nil {
			out = append(out, a)
		}
	}
	return out
}

// given reports whether the step has a matrix.
func (m *matrix) given() bool { return len(m.axes) > 0 || m.include != nil || m.exclude != nil }

// names are the names that ${matrix.…} may use: the axes in their order, then
// what include adds, sorted.
func (m *matrix) names() []string {
	var names []string
	for _, a := range m.axes {
		names = append(names, a.name)
	}
	added := map[string]bool{}
	for _, e := range m.include.entries() {
		for n := range e {
			if !slices.Contains(names, n) {
				added[n] = true
			}
		}
	}
	return append(names, slices.Sorted(maps.Keys(added))...)
}

// has reports whether rows may have a value of that name.
func (m *matrix) has(name string) bool {
	return m.include != nil && m.include.late != "" || slices.Contains(m.names(), name)
}

// checkExclude finds entries of exclude that name no axis, or exclude nothing
// although all that they are compared with is in the file.
func (m *matrix) checkExclude() error {
	var errs []error
	var axes []string
	literal := m.exclude != nil && m.exclude.literal
	for _, a := range m.axes {
		axes = append(axes, a.name)
		literal = literal && a.literal && len(a.labels) > 0
	}
	for i, e := range m.exclude.entries() {
		at := m.exclude.at.Child(strconv.Itoa(i))
		for _, n := range slices.Sorted(maps.Keys(e)) {
			k := slices.Index(axes, n)
			if k < 0 {
				errs = append(errs, at.Child(n).KeyErrorf("the matrix has no list %q", n).WithHint("%s", suggest(n, axes, "exclude takes rows away; without lists there are none")))
			} else if l := label(e[n]); literal && !slices.Contains(m.axes[k].labels, l) {
				errs = append(errs, at.Child(n).Errorf("excludes nothing: the list %q has no %s", n, l).WithHint("%s", schema.Suggest(l, m.axes[k].labels)))
			}
		}
	}
	return schema.Join(errs)
}

// rows lists the rows of a matrix whose lists are known: the combinations, the
// last axis changing fastest, then those that include makes. The product is compared
// with maxRows factor by factor, before anything of that size is made.
func (m *matrix) rows(name string) ([]row, error) {
	total := min(1, len(m.axes))
	for _, a := range m.axes {
		if total *= len(a.values); total > maxRows {
			return nil, tooManyRows()
		}
	}
	combinations := make([]row, 0, total)
	for i := range total {
		r := row{values: make(map[string]any, len(m.axes)), labels: make(map[string]string, len(m.axes))}
		rest := i
		for k := len(m.axes) - 1; k >= 0; k-- {
			a := &m.axes[k]
			r.set(a.name, a.values[rest%len(a.values)])
			rest /= len(a.values)
		}
		combinations = append(combinations, r)
	}
	names := m.names()
	axes := names[:len(m.axes)]
	rows := m.without(combinations, axes)
	for i := range rows {
		rows[i].id = rowID(name, &rows[i], axes)
	}
	more, err := m.extend(rows, axes)
	if err != nil {
		return nil, err
	}
	for _, r := range more {
		r.id = rowID(name, &r, names)
		if rows = append(rows, r); len(rows) > maxRows {
			return nil, tooManyRows()
		}
	}
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.id] {
			return nil, schema.Errorf(schema.Invalid, "the matrix has two rows %s", r.id).WithHint("remove one of the entries of include")
		}
		seen[r.id] = true
	}
	return rows, nil
}

func tooManyRows() error {
	return schema.Errorf(schema.Invalid, "the matrix has more than %d rows", maxRows)
}

func (r *row) set(name string, v any) { r.values[name], r.labels[name] = v, label(v) }

// rowID names a row by its values of names, without those that are missing at the
// end. What include adds to a combination is not part of its name.
func rowID(name string, r *row, names []string) string {
	labels := make([]string, len(names))
	for i, n := range names {
		labels[i] = r.labels[n]
	}
	return name + "[" + strings.TrimRight(strings.Join(labels, ","), ",") + "]"
}
