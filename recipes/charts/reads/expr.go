package reads

import (
	"maps"
	"strconv"
	"strings"
	"text/template/parse"
)

// pipe evaluates a pipeline and declares or assigns its variables.
func (w *walker) pipe(p *parse.PipeNode, dot, root *ref, v *vars) *ref {
	if p == nil {
		return nil
	}
	r := w.expr(p, dot, root, v)
	for _, d := range p.Decl {
		if i := v.find(d.Ident[0]); p.IsAssign && i >= 0 {
			v.refs[i] = either(v.refs[i], r)
		} else {
			v.declare(d.Ident[0], r)
		}
	}
	return r
}

// expr evaluates the commands of a pipeline, each with the result of the one
// before it as its last argument.
func (w *walker) expr(p *parse.PipeNode, dot, root *ref, v *vars) *ref {
	var last *ref
	var piped []arg
	for _, c := range p.Cmds {
		args := make([]arg, 0, len(c.Args)+1)
		for _, a := range c.Args {
			args = append(args, w.arg(a, dot, root, v))
		}
		last = w.command(append(args, piped...), dot)
		piped = []arg{{ref: last}}
	}
	return last
}

// arg is an operand of a command.
type arg struct {
	ref    *ref
	number string // a literal one
	fn     string // name of a function
	file   bool   // .Files.Get and the like, on the file named next
}

// keys are the texts that the operand may be; nil if it is made up at run time.
func (a arg) keys() []string {
	if a.ref == nil || !a.ref.literal() || a.ref.unknown {
		return nil
	}
	return a.ref.texts
}

func (w *walker) arg(n parse.Node, dot, root *ref, v *vars) arg {
	switch n := n.(type) {
	case *parse.DotNode:
		return arg{ref: dot}
	case *parse.FieldNode:
		if dot != nil && dot.root && len(n.Ident) == 2 && n.Ident[0] == "Files" {
			return arg{file: true}
		}
		return arg{ref: w.chain(dot, n.Ident)}
	case *parse.VariableNode:
		var r *ref
		if i := v.find(n.Ident[0]); i >= 0 {
			r = v.refs[i]
		} else if n.Ident[0] == "$" {
			r = root
		}
		if r != nil && r.root && len(n.Ident) == 3 && n.Ident[1] == "Files" {
			return arg{file: true}
		}
		return arg{ref: w.chain(r, n.Ident[1:])}
	case *parse.ChainNode:
		return arg{ref: w.chain(w.arg(n.Node, dot, root, v).ref, n.Field)}
	case *parse.PipeNode:
		return arg{ref: w.pipe(n, dot, root, v)}
	case *parse.IdentifierNode:
		return arg{fn: n.Ident}
	case *parse.StringNode:
		return arg{ref: &ref{texts: []string{n.Text}}}
	case *parse.NumberNode:
		return arg{number: n.Text}
	}
	return arg{}
}

// chain follows keys, and notes that the value at their end is looked at.
func (w *walker) chain(r *ref, keys []string) *ref {
	for _, k := range keys {
		r = w.field(r, k)
	}
	if len(keys) > 0 {
		w.read(r, false)
	}
	return r
}

// command evaluates one command of a pipeline.
func (w *walker) command(args []arg, dot *ref) *ref {
	if len(args) == 0 {
		return nil
	}
	if args[0].file && len(args) > 1 && len(args[1].keys()) == 1 {
		return &ref{file: args[1].keys()[0]}
	}
	if args[0].fn == "" {
		if args[0].ref == nil && len(args) > 1 {
			return args[len(args)-1].ref
		}
		return args[0].ref
	}
	fn, args := args[0].fn, args[1:]
	switch fn {
	case "include":
		if len(args) > 1 {
			for _, name := range args[0].keys() {
				w.call(name, args[1].ref)
			}
		}
		return nil
	case "tpl":
		w.template(args)
		return nil
	case "index", "get", "hasKey":
		return w.index(args)
	case "pick":
		return w.pick(args)
	case "pluck":
		return w.pluck(args)
	case "dig":
		return w.dig(args)
	case "dict":
		out := &ref{fields: map[string]*ref{}}
		for i := 0; i+1 < len(args); i += 2 {
			out.put(args[i].keys(), args[i+1].ref)
		}
		return out
	case "set":
		if len(args) != 3 {
			return nil
		}
		if r := args[0].ref; r != nil && !args[2].ref.reaches(r, 0) {
			r.put(args[1].keys(), args[2].ref)
			return r
		}
		return all(args)
	case "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite":
		// The first map is changed, and may be looked at afterwards.
		r, more := args[0].ref, all(args[1:])
		if r != nil && more != nil && !r.root && len(r.at) == 0 && !more.reaches(r, 0) {
			*r = *union(r, more)
			r.fields = maps.Clone(r.fields)
			return r
		}
		return all(args)
	case "list", "tuple":
		return listOf(args)
	case "append", "push", "mustAppend", "mustPush", "prepend", "mustPrepend":
		if len(args) != 2 {
			return nil
		}
		return union(anyOrder(args[0].ref), anyOrder(listOf(args[1:])))
	case "concat", "uniq", "without", "compact", "reverse", "sortAlpha", "slice":
		return anyOrder(all(args))
	case "first", "last", "rest", "initial", "mustFirst", "mustLast", "mustRest", "mustInitial":
		if len(args) != 1 {
			return nil
		}
		return w.part(strings.ToLower(strings.TrimPrefix(fn, "must")), args[0].ref)
	case "ternary":
		return all(args[:min(2, len(args))])
	case "default", "coalesce", "and", "or", "required", "deepCopy", "mustDeepCopy", "omit", "fail", "lookup":
		return all(args)
	case "toYaml", "toJson", "toPrettyJson", "toRawJson", "toToml", "mustToJson", "mustToPrettyJson",
		"toYamlPretty", "fromYaml", "keys", "values", "range", "join", "println", "sha256sum":
		for _, a := range args {
			w.read(a.ref, true)
		}
		return text(args)
	case "toString", "quote", "squote", "cat", "print", "printf", "b64enc", "trim", "trimAll", "trimPrefix", "trimSuffix",
		"indent", "nindent", "replace", "lower", "upper":
		for _, a := range args {
			w.read(a.ref, false)
		}
		return text(args)
	}
	return nil
}

func all(args []arg) *ref {
	refs := make([]*ref, len(args))
	for i, a := range args {
		refs[i] = a.ref
	}
	return either(refs...)
}

// text is what a text that is made of args refers to: tpl may run it.
func text(args []arg) *ref {
	r := all(args)
	if r.literal() {
		return nil // another text than these
	}
	return r
}

// put adds what is under keys, nil for any; what is there may still be.
func (r *ref) put(keys []string, value *ref) {
	if r.fields == nil {
		r.fields = map[string]*ref{}
	}
	if keys == nil {
		keys = []string{"*"}
	}
	for _, k := range keys {
		if old, ok := r.fields[k]; ok {
			value = either(old, value)
		}
		r.fields[k] = value
	}
}

func listOf(args []arg) *ref {
	out := &ref{items: make([]*ref, len(args)), elems: all(args)}
	for i, a := range args {
		out.items[i] = a.ref
	}
	return out
}

// anyOrder is a list with the elements of r at other positions.
func anyOrder(r *ref) *ref {
	if r == nil || r.items == nil {
		return r
	}
	out := *r
	out.items = nil
	return &out
}

// part is an end of a list, or the list without it.
func (w *walker) part(fn string, r *ref) *ref {
	if r == nil {
		return nil
	}
	n := len(r.items)
	switch {
	case n == 0 && (fn == "first" || fn == "last"):
		w.note(r, true)
		return r.elems
	case n == 0:
		return r
	case fn == "first":
		return r.items[0]
	case fn == "last":
		return r.items[n-1]
	}
	out := *r
	if out.items = r.items[1:]; fn == "initial" {
		out.items = r.items[:n-1]
	}
	return &out
}

// index follows keys and positions that are literals; others may be any.
func (w *walker) index(args []arg) *ref {
	if len(args) < 2 {
		return nil
	}
	return w.follow(args[0].ref, args[1:])
}

func (w *walker) follow(r *ref, steps []arg) *ref {
	for _, a := range steps {
		i, err := strconv.Atoi(a.number)
		switch {
		case r == nil:
			return nil
		case err == nil && i >= 0 && i < len(r.items):
			r = r.items[i]
		case a.number != "" || a.keys() == nil:
			w.note(r, true)
			any := r.elems
			for _, f := range r.fields {
				any = union(any, f)
			}
			r = any
		default:
			var next *ref
			for _, k := range a.keys() {
				next = union(next, w.chain(r, []string{k}))
			}
			r = next
		}
	}
	return r
}

func (w *walker) pick(args []arg) *ref {
	if len(args) < 2 {
		return nil
	}
	out := &ref{fields: map[string]*ref{}}
	for _, a := range args[1:] {
		if a.keys() == nil {
			w.read(args[0].ref, true)
			return args[0].ref
		}
		for _, k := range a.keys() {
			out.fields[k] = w.chain(args[0].ref, []string{k})
		}
	}
	return out
}

// pluck lists what maps have under one key.
func (w *walker) pluck(args []arg) *ref {
	if len(args) < 2 {
		return nil
	}
	out := &ref{}
	for _, m := range args[1:] {
		out.elems = union(out.elems, w.follow(m.ref, args[:1]))
	}
	return out
}

// dig follows its keys; the last two arguments are the default and the map.
func (w *walker) dig(args []arg) *ref {
	if len(args) < 3 {
		return nil
	}
	n := len(args) - 2
	return union(w.follow(args[n+1].ref, args[:n]), args[n].ref)
}

// template visits what tpl runs: literals, the defaults of values, and files.
func (w *walker) template(args []arg) {
	if len(args) < 2 || args[0].ref == nil {
		return
	}
	r, on := args[0].ref, args[1].ref
	w.read(r, false)
	for _, t := range r.texts {
		w.inline(t, on)
	}
	if r.file != "" && w.set.File != nil {
		w.inline(w.set.File(r.file), on)
	}
	if w.set.Text != nil {
		for _, keys := range r.at {
			for _, text := range w.set.Text(keys) {
				w.inline(text, on)
			}
		}
	}
}
