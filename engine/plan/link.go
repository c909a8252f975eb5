package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// link resolves the names that d uses to steps. It runs when all steps of all files
// are declared, so that a step may name one that is written below it; whether that
// makes a cycle is order.go's question. A step inside an included pipeline has the
// conditions of the step that includes it before its own.
func (c *compiler) link(d *draft) {
	c.axes(d)
	c.needs(d)
	if d.src.When != "" {
		c.condition(d)
	}
	if o := d.scope.outer; o != nil {
		d.Step.Guards = append(append([]guard(nil), o.Guards...), d.Step.Guards...)
		d.Step.Refs = append(d.Step.Refs, o.Refs...)
	}
	if d.src.Include != "" {
		return
	}
	if d.filled = refers(d.src.With); d.filled {
		c.references(d, "with", d.src.With)
	}
	if d.src.Out != "" {
		c.references(d, "out", d.src.Out)
	}
	if d.Kind != nil {
		c.inputs(d)
	}
}

// needs notes the order-only edges: what is waited for, without a value.
func (c *compiler) needs(d *draft) {
	for i, n := range d.src.Needs {
		at := d.At.Child("needs", strconv.Itoa(i))
		if from := c.find(d, n, at); from != nil {
			d.Step.needs = append(d.Step.needs, from)
			d.places = append(d.places, at)
		}
	}
}

// find looks a step's name up, or notes that there is none.
func (c *compiler) find(d *draft, name string, at schema.Position) *Step {
	from := d.scope.names[name]
	switch {
	case from == nil:
		c.failAs(func() error {
			return at.Errorf("no step %q", name).WithHint("%s", schema.Suggest(name, slices.Sorted(maps.Keys(d.scope.names))))
		})
		return nil
	case from.Finally && !d.Finally:
		c.fail(at.Errorf("step %q runs in the end, under finally; nothing before can wait for it", name))
		return nil
	}
	return from
}

// inputs reads `in` and checks it against the ports of the kind. A missing input is
// not reported beside an unknown one, which is most often the same one misspelt.
func (c *compiler) inputs(d *draft) {
	var unknown []string
	for name := range d.src.In {
		if _, ok := d.Kind.Port(name); !ok {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		e := d.At.Child("in", name).KeyErrorf("%s has no input %q", d.Kind.Name, name)
		c.failAs(func() error {
			var ports []string
			for _, p := range d.Kind.Inputs {
				ports = append(ports, p.Name)
			}
			return e.WithHint("%s", suggest(name, ports, d.Kind.Name+" takes none"))
		})
	}
	for _, p := range d.Kind.Inputs {
		if v, ok := d.src.In[p.Name]; ok {
			c.port(d, p, v, d.At.Child("in", p.Name))
		} else if len(unknown) == 0 && !p.Optional {
			c.failAs(func() error {
				return d.At.KeyErrorf("input %q is missing: %s needs a %s", p.Name, d.Kind.Name, schema.ShortType(p.MediaType)).WithHint("%s", c.makers(d, p))
			})
		}
	}
}

// port links the values of a port. A port that takes one value may have a list of one.
func (c *compiler) port(d *draft, p engine.Port, v any, at schema.Position) {
	switch v := v.(type) {
	case nil:
		c.fail(at.Errorf("input %q is empty", p.Name).WithHint("name a step, or a path like ./%s.yaml", p.Name))
	case string:
		c.input(d, p, v, at)
	case []any:
		d.Step.inputs = slices.Grow(d.Step.inputs, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				c.fail(at.Child(strconv.Itoa(i)).Errorf("must be a step's name or a path, not %s", schema.TypeWord(e)))
				continue
			}
			c.input(d, p, s, at.Child(strconv.Itoa(i)))
		}
		if !p.List && len(v) != 1 {
			c.fail(at.Errorf("input %q takes one value, not %d", p.Name, len(v)))
		}
	default:
		c.fail(at.Errorf("must be a step's name or a path, not %s", schema.TypeWord(v)))
	}
}

// makers is the hint for a missing input: the steps that make a document of its type.
func (c *compiler) makers(d *draft, p engine.Port) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.scope.names)) {
		if s := d.scope.names[name]; s.Kind != nil && s.Kind.Output == p.MediaType && s != d.Step && !s.Finally {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("add in: {%s: ./%s.yaml}, or a step that makes a %s", p.Name, p.Name, schema.ShortType(p.MediaType))
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d other steps make one", strings.Join(names[:3], ", "), len(names)-3)
	}
	return fmt.Sprintf("add in: {%s: %s}", p.Name, strings.Join(names, "} or {"+p.Name+": "))
}

// input links one value of a port: now if nothing in its text is left open, when the
// rows of the matrix are known if it uses them.
func (c *compiler) input(d *draft, p engine.Port, s string, at schema.Position) {
	s, late, ok := c.fillStatic(d, s, at)
	switch {
	case !ok:
	case !late:
		if in, ok := c.source(d, p, s, at); ok {
			d.Step.inputs = append(d.Step.inputs, in)
		}
	case d.Step.Dynamic:
		in := input{port: p, at: at, uri: s}
		if name, row := SplitRow(s); row != "" && d.scope.names[name] != nil {
			if in, ok = c.source(d, p, name, at); ok {
				in.row = s
			}
		}
		if ok {
			d.Step.inputs = append(d.Step.inputs, in)
		}
	default:
		c.inputByRow(d, p, s, at)
	}
}

// inputByRow links a value whose text uses the matrix: each row may take another
// step, row or path.
func (c *compiler) inputByRow(d *draft, p engine.Port, s string, at schema.Position) {
	rows, err := d.Step.matrix.rows(d.Name)
	if err != nil {
		return // reported when they are expanded
	}
	t, err := parseText(s)
	if err != nil {
		return // noted
	}
	in := input{port: p, at: at, byRow: map[string]input{}}
	for _, r := range rows {
		v, err := t.value(d.scope.look(r.values))
		if err != nil {
			c.fail(at.Wrap(err))
			return
		}
		one, ok := c.source(d, p, scalarText(v), at)
		if !ok {
			return
		}
		in.byRow[r.id] = one
	}
	d.Step.inputs = append(d.Step.inputs, in)
}

// source finds what s, in which nothing is left to fill in, names: a step, a
// row of one, or a place to load from.
func (c *compiler) source(d *draft, p engine.Port, s string, at schema.Position) (in input, ok bool) {
	name, row := SplitRow(s)
	from := d.scope.names[s]
	if from == nil && row != "" {
		from = d.scope.names[name]
	}
	if from == nil && isURI(s) {
		if outer, _, cut := strings.Cut(s, "/"); cut && d.scope.names[outer] != nil && d.scope.names[outer].Kind == nil {
			c.find(d, s, at)
			return input{}, false
		}
		return input{port: p, at: at, uri: s}, true
	}
	if from == nil {
		c.failAs(func() error { return at.Errorf("no step %q", s).WithHint("%s", suggestStep(s, d)) })
		return input{}, false
	}
	if from = c.find(d, from.Name[len(d.scope.prefix):], at); from == nil {
		return input{}, false
	}
	if from == d.Step {
		c.fail(at.Errorf("step %q cannot take its own result", s))
		return input{}, false
	}
	if from.Kind == nil {
		if d.scope.names[s].included() {
			c.fail(at.Errorf("%q is an included pipeline, not a step", s).WithHint("name one of its steps: %s/STEP", s))
		}
		return input{}, false // an unknown kind was noted
	}
	if from.Kind.Output != p.MediaType {
		c.failAs(func() error {
			return at.Errorf("input %q takes a %s, but step %q makes a %s", p.Name, schema.ShortType(p.MediaType), s, schema.ShortType(from.Kind.Output)).WithHint("%s", c.makers(d, p))
		})
		return input{}, false
	}
	in = input{port: p, at: at, from: from}
	if row != "" {
		in.row = d.scope.prefix + s
	}
	return in, true
}

// included reports whether s is an included pipeline, which has no result.
func (s *Step) included() bool { return s != nil && s.include != "" }

// suggestStep is the hint for a name in `in` that no step has.
func suggestStep(got string, d *draft) string {
	var names []string
	for n, s := range d.scope.names {
		if s != d.Step {
			names = append(names, n)
		}
	}
	if n := schema.Nearest(got, names); n != "" {
		return "did you mean " + n + "?"
	}
	return "a file is written ./" + got
}

// isURI reports whether s is an address to load from, not a step's name.
func isURI(s string) bool { return strings.ContainsAny(s, "/.:") || strings.HasPrefix(s, "-") }

// SplitRow cuts render[eks,helm] into render and eks,helm.
func SplitRow(s string) (name, row string) {
	if i := strings.IndexByte(s, '['); i > 0 && strings.HasSuffix(s, "]") {
		return s[:i], s[i+1 : len(s)-1]
	}
	return s, ""
}

// references notes the steps that the texts of v use, and checks the rest of
// what they name. Values are filled in later; here only names are looked up, so this
// finds mistakes in texts that no row would reach.
func (c *compiler) references(d *draft, key string, v any) {
	walkTexts(v, nil, func(path []string, s string) any {
		at := d.At.Child(key).Child(path...)
		t, err := parseText(s)
		if err != nil {
			c.fail(at.Wrap(err))
			return s
		}
		for _, r := range t.refs {
			c.reference(d, r.path, r.String(), at)
		}
		return s
	})
}

// reference checks one path of params, matrix or steps.
func (c *compiler) reference(d *draft, path []string, shown string, at schema.Position) {
	rest := path[1:]
	switch path[0] {
	case "params":
		if len(rest) == 0 {
			c.fail(at.Errorf("%s names no parameter", shown))
			return
		}
		if _, ok := d.scope.decl[rest[0]]; !ok {
			c.failAs(func() error {
				return at.Errorf("%s: no parameter %q", shown, rest[0]).WithHint("%s", suggestParam(rest[0], slices.Sorted(maps.Keys(d.scope.decl))))
			})
		}
	case "matrix":
		if len(rest) > 0 && d.Step.matrix.has(rest[0]) {
			return
		}
		names := d.Step.matrix.names()
		c.failAs(func() error {
			return at.Errorf("%s: the step's matrix has no %q", shown, strings.Join(rest, ".")).WithHint("%s", suggest(strings.Join(rest, "."), names, "the step has no matrix"))
		})
	case "steps":
		if len(rest) == 0 {
			c.fail(at.Errorf("%s names no step", shown))
			return
		}
		from := c.find(d, rest[0], at)
		if from == nil {
			return
		}
		if from.Kind == nil {
			if from.included() {
				c.fail(at.Errorf("%s: %q is an included pipeline, not a step", shown, rest[0]))
			}
			return
		}
		d.Step.Refs = append(d.Step.Refs, Ref{From: from, at: at})
	case "run":
		if !d.Finally {
			c.fail(at.Errorf("%s: how the run ended is known only under finally", shown))
		}
	default:
		c.fail(at.Errorf("%s refers to nothing", shown).WithHint("a reference begins with params, matrix or steps"))
	}
}

// condition compiles `when` and notes what it refers to: each is an edge, so that a
// condition is decided when all that it reads is known.
func (c *compiler) condition(d *draft) {
	at := d.At.Child("when")
	if c.opts.When == nil {
		c.fail(at.Errorf("conditions cannot be used here"))
		return
	}
	cond, err := c.opts.When(d.src.When)
	if err != nil {
		c.fail(at.Wrap(err))
		return
	}
	// CUE reads steps.gpu-check as a difference. It is refused only if that is the name
	// of a step and steps.gpu is not one: else the calculation is what was meant.
	if of, name := cond.Unquoted[0], cond.Unquoted[1]; name != "" {
		names := c.names(d, of)
		if names[name] && !names[name[:strings.IndexAny(name, "-/")]] {
			c.fail(at.Errorf("%s.%s is read as a calculation", of, name).WithHint("write %s[%q]", of, name))
			return
		}
	}
	for _, p := range cond.Refs {
		c.reference(d, p, strings.Join(p, "."), at)
	}
	d.Step.Guards = append(d.Step.Guards, guard{Condition: cond, params: d.scope.params, prefix: d.scope.prefix, at: at})
}

// names are what a reference that begins with params, matrix or steps may name.
func (c *compiler) names(d *draft, of string) map[string]bool {
	out := map[string]bool{}
	switch of {
	case "params":
		for n := range d.scope.decl {
			out[n] = true
		}
	case "steps":
		for n := range d.scope.names {
			out[n] = true
		}
	case "matrix":
		for _, n := range d.Step.matrix.names() {
			out[n] = true
		}
	}
	return out
}
