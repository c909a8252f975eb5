// Package reads finds the values that Helm templates look at, by walking the
// syntax of the templates with what each dot and variable may refer to. Nothing
// is rendered: what only one branch reads is found as well. A key that is made
// up at run time (index .Values $name) is not found; the map that it is looked
// up in then counts as passed through whole.
package reads

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
)

// Path is one value that some template reads.
type Path struct {
	Keys []string
	// Whole is whether it is passed through or ranged over, so that keys below it
	// have an effect too.
	Whole bool
}

// Set is a group of templates that share their definitions: a chart with its
// subcharts, or one manifest.
type Set struct {
	entries []entry
	defines map[string]*parse.Tree
	// Text returns the texts of defaults at or below a path, for values that are
	// templates themselves. It may be nil.
	Text func(keys []string) []string
	// File returns a file of the chart for .Files.Get. It may be nil.
	File func(name string) string
}

type entry struct {
	tree  *parse.Tree
	scope []string
}

// Add parses the template text. scope is where its .Values is in the values of
// the whole: a subchart's alias. A partial is not rendered by itself.
func (s *Set) Add(name, text string, scope []string, partial bool) error {
	if s.defines == nil {
		s.defines = map[string]*parse.Tree{}
	}
	t := parse.New(name)
	t.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	t, err := t.Parse(text, "", "", trees)
	if err != nil {
		return fmt.Errorf("parsing template %q: %w", name, err)
	}
	for n, d := range trees {
		if n != name {
			s.defines[n] = d
		}
	}
	if !partial && t.Root != nil {
		s.entries = append(s.entries, entry{t, scope})
	}
	return nil
}

// Check is whether a text is a template, and if not the line that is wrong. It knows no
// functions.
func Check(text string) (line int, err error) {
	t := parse.New("")
	t.Mode = parse.SkipFuncCheck
	if _, err = t.Parse(text, "", "", map[string]*parse.Tree{}); err == nil {
		return 0, nil
	}
	// "template: NAME:LINE: why", the name empty.
	at, why, _ := strings.Cut(strings.TrimPrefix(err.Error(), "template: :"), ": ")
	if line, numberErr := strconv.Atoi(at); numberErr == nil {
		return line, errors.New(why)
	}
	return 1, err
}

// Paths walks all templates and returns what they read, sorted.
func (s *Set) Paths() []Path {
	w := walker{set: s, seen: map[string]bool{}, found: map[string]Path{}}
	for _, e := range s.entries {
		root := &ref{root: true, scope: e.scope}
		w.body(e.tree.Root, root, root, &vars{})
	}
	out := make([]Path, 0, len(w.found))
	for _, p := range w.found {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool {
		return strings.Join(out[i].Keys, "\x00") < strings.Join(out[j].Keys, "\x00")
	})
	return out
}

// ref is what an expression may refer to: the object that a template starts
// with, values, or a map that a template has made.
type ref struct {
	root   bool
	scope  []string // of root
	at     [][]string
	fields map[string]*ref
	elems  *ref // of a list that a template has made
	file   string
}

func (r *ref) empty() bool {
	return r == nil || !r.root && len(r.at) == 0 && len(r.fields) == 0 && r.elems == nil && r.file == ""
}

// key tells refs apart for the memory of visited definitions.
func (r *ref) key(depth int) string {
	if r.empty() || depth > 6 {
		return ""
	}
	var b strings.Builder
	if r.root {
		b.WriteString("$" + strings.Join(r.scope, "."))
	}
	at := make([]string, len(r.at))
	for i, p := range r.at {
		at[i] = strings.Join(p, "\x00")
	}
	sort.Strings(at)
	b.WriteString("@" + strings.Join(at, "|"))
	names := make([]string, 0, len(r.fields))
	for n := range r.fields {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		b.WriteString("{" + n + ":" + r.fields[n].key(depth+1) + "}")
	}
	if r.elems != nil {
		b.WriteString("[" + r.elems.key(depth+1) + "]")
	}
	return b.String()
}

// union is what either may refer to.
func union(a, b *ref) *ref {
	switch {
	case a.empty():
		return b
	case b.empty() || a == b:
		return a
	}
	out := &ref{root: a.root || b.root, scope: a.scope, file: a.file, fields: map[string]*ref{}}
	if !a.root {
		out.scope = b.scope
	}
	seen := map[string]bool{}
	for _, p := range append(append([][]string{}, a.at...), b.at...) {
		if k := strings.Join(p, "\x00"); !seen[k] {
			seen[k] = true
			out.at = append(out.at, p)
		}
	}
	for _, fields := range []map[string]*ref{a.fields, b.fields} {
		for n, f := range fields {
			out.fields[n] = union(out.fields[n], f)
		}
	}
	out.elems = union(a.elems, b.elems)
	return out
}
