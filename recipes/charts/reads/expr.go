package reads

import (
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
			v.refs[i] = union(v.refs[i], r)
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
	ref  *ref
	text string // of a literal
	lit  bool
	fn   string // name of a function
	file bool   // .Files.Get and the like, on the file named next
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
		r := root
		if n.Ident[0] != "$" {
			r = nil
			if i := v.find(n.Ident[0]); i >= 0 {
				r = v.refs[i]
			}
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
		return arg{text: n.Text, lit: true}
	case *parse.NumberNode:
		return arg{text: n.Text, lit: true}
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
	if args[0].file && len(args) > 1 && args[1].lit {
		return &ref{file: args[1].text}
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
		if len(args) > 1 && args[0].lit {
			w.call(args[0].text, args[1].ref)
		}
		return nil
	case "tpl":
		w.template(args)
		return nil
	case "index", "get", "pick", "hasKey":
		return w.index(fn, args)
	case "dig":
		return w.dig(args)
	case "dict":
		return dictOf(args)
	case "list", "tuple":
		var elems *ref
		for _, a := range args {
			elems = union(elems, a.ref)
		}
		return &ref{elems: elems}
	case "set":
		if len(args) == 3 && args[1].lit {
			return union(args[0].ref, &ref{fields: map[string]*ref{args[1].text: args[2].ref}})
		}
		return all(args)
	case "default", "coalesce", "ternary", "and", "or", "required", "merge", "mergeOverwrite", "mustMerge",
		"mustMergeOverwrite", "deepCopy", "mustDeepCopy", "omit", "concat", "append", "prepend", "uniq",
		"without", "compact", "reverse", "sortAlpha", "rest", "initial", "slice", "fail", "lookup":
		return all(args)
	case "first", "last":
		if len(args) == 1 && args[0].ref != nil && args[0].ref.elems != nil {
			return args[0].ref.elems
		}
		return nil
	case "toYaml", "toJson", "toPrettyJson", "toRawJson", "toToml", "mustToJson", "mustToPrettyJson",
		"toYamlPretty", "fromYaml", "keys", "values", "range", "toString", "quote", "squote", "join", "cat", "print",
		"printf", "println", "sha256sum", "b64enc":
		whole := fn != "quote" && fn != "squote" && fn != "toString" && fn != "print" && fn != "printf" && fn != "cat" && fn != "b64enc"
		for _, a := range args {
			w.read(a.ref, whole)
		}
	}
	return nil
}

func all(args []arg) *ref {
	var out *ref
	for _, a := range args {
		out = union(out, a.ref)
	}
	return out
}

func dictOf(args []arg) *ref {
	out := &ref{fields: map[string]*ref{}}
	for i := 0; i+1 < len(args); i += 2 {
		if args[i].lit {
			out.fields[args[i].text] = args[i+1].ref
		}
	}
	return out
}

// index follows keys that are literals; others may be any key.
func (w *walker) index(fn string, args []arg) *ref {
	if len(args) < 2 {
		return nil
	}
	r := args[0].ref
	if fn == "pick" {
		out := &ref{fields: map[string]*ref{}}
		for _, a := range args[1:] {
			if !a.lit {
				w.read(r, true)
				return r
			}
			out.fields[a.text] = w.chain(r, []string{a.text})
		}
		return out
	}
	for _, a := range args[1:] {
		if !a.lit {
			w.read(r, true)
			return nil
		}
		r = w.chain(r, []string{a.text})
	}
	return r
}

// dig follows its keys; the last two arguments are the default and the map.
func (w *walker) dig(args []arg) *ref {
	if len(args) < 3 {
		return nil
	}
	r := args[len(args)-1].ref
	for _, a := range args[:len(args)-2] {
		if !a.lit {
			w.read(r, true)
			return nil
		}
		r = w.chain(r, []string{a.text})
	}
	return union(r, args[len(args)-2].ref)
}

// template visits what tpl runs: the defaults of values, and files.
func (w *walker) template(args []arg) {
	if len(args) < 2 {
		return
	}
	on := args[1].ref
	w.read(args[0].ref, false)
	w.inline(args[0].text, on)
	r := args[0].ref
	if r.empty() {
		return
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
