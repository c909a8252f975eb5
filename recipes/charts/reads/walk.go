package reads

import (
	"strings"
	"text/template/parse"
)

// walker visits templates and notes what they read.
type walker struct {
	set   *Set
	seen  map[string]bool // definitions, with what they were called on
	found map[string]Path
	depth int
}

// maxDepth bounds definitions that include each other on ever new maps.
const maxDepth = 60

// vars are the variables of a template. One that is assigned in a branch may
// refer to either value after it.
type vars struct {
	names []string
	refs  []*ref
}

func (v *vars) declare(name string, r *ref) {
	v.names, v.refs = append(v.names, name), append(v.refs, r)
}

func (v *vars) find(name string) int {
	for i := len(v.names) - 1; i >= 0; i-- {
		if v.names[i] == name {
			return i
		}
	}
	return -1
}

// read notes that r is looked at.
func (w *walker) read(r *ref, whole bool) {
	if r.empty() {
		return
	}
	for _, keys := range r.at {
		if len(keys) == 0 && !whole {
			continue // .Values itself
		}
		k := strings.Join(keys, "\x00")
		old := w.found[k]
		w.found[k] = Path{Keys: keys, Whole: old.Whole || whole}
	}
	if whole {
		for _, f := range r.fields {
			w.read(f, true)
		}
		w.read(r.elems, true)
	}
}

// field is the value below r under one key.
func (w *walker) field(r *ref, key string) *ref {
	if r.empty() {
		return nil
	}
	out := &ref{}
	if r.root {
		switch key {
		case "Values":
			out = &ref{at: [][]string{r.scope}, scope: r.scope}
			if len(r.scope) > 0 {
				out.root = false
			}
		case "Subcharts":
			out = &ref{fields: map[string]*ref{"": {root: true, scope: r.scope}}}
		}
		return union(out, r.fields[key])
	}
	if sub := r.fields[""]; sub != nil && sub.root { // .Subcharts.NAME
		return &ref{root: true, scope: below(sub.scope, key)}
	}
	for _, p := range r.at {
		out.at = append(out.at, below(p, key))
		// A subchart's global values are the parent's too.
		if key == "global" && len(p) > 0 && same(p, r.scope) {
			out.at = append(out.at, []string{"global"})
		}
	}
	return union(out, r.fields[key])
}

func same(a, b []string) bool { return strings.Join(a, "\x00") == strings.Join(b, "\x00") }

func below(p []string, key string) []string { return append(append([]string{}, p...), key) }

// body visits nodes in order. Variables that they declare end with it.
func (w *walker) body(n parse.Node, dot, root *ref, v *vars) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		mark := len(v.names)
		for _, e := range n.Nodes {
			w.body(e, dot, root, v)
		}
		v.names, v.refs = v.names[:mark], v.refs[:mark]
	case *parse.ActionNode:
		r := w.pipe(n.Pipe, dot, root, v)
		if len(n.Pipe.Decl) == 0 {
			w.read(r, false)
		}
	case *parse.IfNode:
		w.branch(&n.BranchNode, dot, root, v)
	case *parse.WithNode:
		w.branch(&n.BranchNode, dot, root, v)
	case *parse.RangeNode:
		w.branch(&n.BranchNode, dot, root, v)
	case *parse.TemplateNode:
		w.call(n.Name, w.pipe(n.Pipe, dot, root, v))
	}
}

// branch visits an if, with or range. Its condition may declare variables for
// both lists.
func (w *walker) branch(n *parse.BranchNode, dot, root *ref, v *vars) {
	mark := len(v.names)
	switch n.NodeType {
	case parse.NodeRange:
		r := w.expr(n.Pipe, dot, root, v)
		w.read(r, true)
		elem := &ref{}
		if r != nil {
			elem = union(elem, r.elems)
			for _, f := range r.fields {
				elem = union(elem, f)
			}
		}
		for i, d := range n.Pipe.Decl {
			if i == len(n.Pipe.Decl)-1 {
				v.declare(d.Ident[0], elem)
			} else {
				v.declare(d.Ident[0], nil)
			}
		}
		w.body(n.List, elem, root, v)
	default:
		r := w.pipe(n.Pipe, dot, root, v)
		w.read(r, false)
		inner := dot
		if n.NodeType == parse.NodeWith {
			inner = r
		}
		w.body(n.List, inner, root, v)
	}
	if n.ElseList != nil {
		w.body(n.ElseList, dot, root, v)
	}
	v.names, v.refs = v.names[:mark], v.refs[:mark]
}

// call visits a definition, once for each thing that it is called on.
func (w *walker) call(name string, dot *ref) {
	t := w.set.defines[name]
	k := name + "\x00" + dot.key(0)
	if t == nil || w.seen[k] || w.depth > maxDepth {
		return
	}
	w.seen[k] = true
	w.depth++
	w.body(t.Root, dot, dot, &vars{})
	w.depth--
}

// inline visits text that is a template itself.
func (w *walker) inline(text string, dot *ref) {
	if !strings.Contains(text, "{{") || w.depth > maxDepth {
		return
	}
	t := parse.New("inline")
	t.Mode = parse.SkipFuncCheck
	t, err := t.Parse(text, "", "", map[string]*parse.Tree{})
	if err != nil || t.Root == nil {
		return // helm reports it when the chart is rendered
	}
	w.depth++
	w.body(t.Root, dot, dot, &vars{})
	w.depth--
}
