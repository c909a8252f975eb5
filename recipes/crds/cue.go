package crds

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/version"
)

// CUE writes the kinds of a library as CUE package kinds, by file name, not
// formatted: #Object accepts what Kind.Check does, of the newest release of each
// kind, and of kinds that nothing is known of, anything. Nothing of CUE is needed
// to write it.
func (l Library) CUE() (map[string]string, error) {
	kinds, err := l.newest()
	if err != nil {
		return nil, err
	}
	types := map[string]string{} // definitions of core types, by name
	out := map[string]string{"object.cue": objectCUE}
	for _, k := range kinds {
		w := cueWriter{Kind: k, types: types, shared: map[string]string{}}
		out[strings.TrimSuffix(FileName(&k.KindFacts), ".json")+".cue"] = w.file()
	}
	var b strings.Builder
	b.WriteString("package kinds\n\n// Types of Kubernetes that definitions of kinds copy.\n\n")
	for _, name := range sorted(types) {
		b.WriteString(name + ": " + types[name] + "\n\n")
	}
	out["core.cue"] = b.String()
	return out, nil
}

const objectCUE = `// Package kinds has the fields of custom resources, written from the fact files in
// recipes/crds by make generate. What is wrong in a manifest that is not a template,
// stock cue finds:
//
//	cue vet -c -d '#Object' ./recipes/kinds manifest.yaml
package kinds

// #Object is an object of Kubernetes: with the fields of its kind where they are
// known, else with any.
#Object: {
	apiVersion!: string
	kind!:       string
	let Known = #Kinds[apiVersion][kind]
	[if Known != _|_ {Known}, {...}][0]
}

// #Kinds are the kinds whose fields are known, by apiVersion and kind.
#Kinds: [string]: [string]: _
`

// newest are the kinds of a library, by name: of each the first folder that has it,
// and there the newest release.
func (l Library) newest() ([]*Kind, error) {
	found := map[string]*Kind{}
	for _, folder := range l.folders {
		names, err := fs.Glob(folder, "*_*_*.json")
		if err != nil {
			return nil, fmt.Errorf("listing the fields of kinds: %w", err)
		}
		here := map[string]*Kind{}
		for _, name := range names {
			var f schema.KindFacts
			if err := read(folder, name, &f); err != nil {
				return nil, err
			}
			k, err := New(&f)
			if err != nil {
				return nil, err
			}
			if id := FileName(&f); here[id] == nil || older(here[id].Release, f.Release) {
				here[id] = k
			}
		}
		for id, k := range here {
			if found[id] == nil {
				found[id] = k
			}
		}
	}
	var out []*Kind
	for _, id := range sorted(found) {
		out = append(out, found[id])
	}
	return out, nil
}

// older compares the versions of two releases, each CHART VERSION. One that is not
// a version is the oldest.
func older(a, b string) bool {
	y, err := version.Parse(b[strings.LastIndex(b, " ")+1:])
	if err != nil {
		return false
	}
	x, err := version.Parse(a[strings.LastIndex(a, " ")+1:])
	return err != nil || version.Compare(x, y) < 0
}

// cueWriter writes one kind.
type cueWriter struct {
	*Kind
	types  map[string]string // definitions of core types, by name, of all kinds
	shared map[string]string // definitions of this kind, by name
}

func (w *cueWriter) file() string {
	api := w.Version
	if w.Group != "" {
		api = w.Group + "/" + w.Version
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#Kinds: %s: %s: {\napiVersion: %s\nkind: %s\nmetadata?: {...}\nstatus?: _\n",
		strconv.Quote(api), strconv.Quote(w.Kind.Kind), strconv.Quote(api), strconv.Quote(w.Kind.Kind))
	for _, name := range sorted(w.root.sub) {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, name) {
			b.WriteString(w.field(name, w.root.sub[name]))
		}
	}
	b.WriteString("}\n")
	for _, name := range slices.Sorted(maps.Keys(w.shared)) {
		b.WriteString("\n" + name + ": " + w.shared[name] + "\n")
	}
	head := "package kinds\n\n"
	for _, pkg := range []string{"list", "strings"} {
		if strings.Contains(b.String(), pkg+".M") {
			head += "import " + strconv.Quote(pkg) + "\n\n"
		}
	}
	if w.Release != "" {
		head += "// As of " + w.Release + ".\n"
	}
	return head + b.String()
}

func (w *cueWriter) field(name string, n *node) string {
	mark := "?"
	if n.Required {
		mark = "!"
	}
	return strconv.Quote(name) + mark + ": " + w.value(n) + "\n"
}

// value is what a path accepts, as Kind.Check has it.
func (w *cueWriter) value(n *node) string {
	switch {
	case n.Same != "":
		name := w.define(n.Same)
		if _, done := w.shared[name]; !done {
			w.shared[name] = "" // it may be part of itself
			w.shared[name] = w.value(w.find(n.Same))
		}
		return name
	case n.Preserve || n.Open || n.Embedded:
		return "_"
	case n.Nullable:
		with := *n
		with.Nullable = false
		return "null | " + w.value(&with)
	case n.Core != "":
		return w.ofCore(n.Core)
	case n.IntOrString:
		return scalarCUE("intOrString")
	}
	switch n.Type {
	case "object":
		return w.mapping(n)
	case "array":
		limits := bounds("list.MinItems(%d)", n.MinItems, "list.MaxItems(%d)", n.MaxItems)
		entry := ""
		if n.items != nil {
			entry = w.value(n.items)
		}
		if strings.HasPrefix(entry, "{") && limits != nil {
			// Beside a limit CUE closes entries only if they are a definition.
			name := w.define(fmt.Sprint("entry", len(w.shared)))
			w.shared[name], entry = entry, name
		}
		return strings.Join(append([]string{"[..." + entry + "]"}, limits...), " & ")
	}
	return scalar(n.KindField)
}

// define names a definition of this kind.
func (w *cueWriter) define(name string) string {
	return "_#" + identifier(name+"_of_"+w.Kind.Kind+"_"+w.Group+"_"+w.Version)
}

func (w *cueWriter) mapping(n *node) string {
	var b strings.Builder
	b.WriteString("{\n")
	names := sorted(n.sub)
	for _, name := range names {
		b.WriteString(w.field(name, n.sub[name]))
	}
	if n.values != nil {
		others := "string"
		if len(names) > 0 {
			for i, name := range names {
				names[i] = regexp.QuoteMeta(name)
			}
			others = "!~" + strconv.Quote("^("+strings.Join(names, "|")+")$")
		}
		b.WriteString("[" + others + "]: " + w.value(n.values) + "\n")
	}
	return b.String() + "}"
}

// scalar is a value that is neither a mapping nor a list.
func scalar(f schema.KindField) string {
	if len(f.Enum) > 0 {
		var words, texts []string
		for _, e := range f.Enum {
			text, err := json.Marshal(e)
			if err != nil {
				panic("BUG: a word of a kind is not JSON: " + err.Error()) // it was read from JSON
			}
			words = append(words, string(text))
			texts = append(texts, fmt.Sprint(e))
		}
		return strings.Join(words, " | ") + " | error(" + strconv.Quote("is not one of "+strings.Join(texts, ", ")) + ")"
	}
	parts := []string{scalarCUE(f.Type)}
	switch f.Type {
	case "string":
		parts = append(parts, bounds("strings.MinRunes(%d)", f.MinLength, "strings.MaxRunes(%d)", f.MaxLength)...)
		// What only other engines read is not checked.
		if _, err := regexp.Compile(f.Pattern); f.Pattern != "" && err == nil {
			parts = append(parts, "=~"+strconv.Quote(f.Pattern))
		}
	case "integer", "number":
		for op, bound := range map[string]*float64{">=": f.Min, "<=": f.Max} {
			if bound != nil {
				parts = append(parts, op+strconv.FormatFloat(*bound, 'f', -1, 64))
			}
		}
		slices.Sort(parts[1:])
	}
	return strings.Join(parts, " & ")
}

func bounds(low string, least *int64, high string, most *int64) []string {
	var out []string
	if least != nil && *least > 0 {
		out = append(out, fmt.Sprintf(low, *least))
	}
	if most != nil {
		out = append(out, fmt.Sprintf(high, *most))
	}
	return out
}

func scalarCUE(name string) string {
	switch name {
	case "string", "time":
		return "string"
	case "boolean":
		return "bool"
	case "integer":
		return "int"
	case "number":
		return "number"
	case "intOrString":
		return "int | string"
	case "quantity":
		return "number | string"
	}
	return "_"
}

// ofCore is a copy of a type of Kubernetes. Kinds share its definition, but where
// fields of it, or of a type in it, are missing.
func (w *cueWriter) ofCore(name string) string {
	if of, ok := strings.CutPrefix(name, "[]"); ok {
		return "[..." + w.ofCore(of) + "]"
	}
	if of, ok := strings.CutPrefix(name, "{}"); ok {
		return "{[string]: " + w.ofCore(of) + "}"
	}
	t, ok := w.core.Types[name]
	if !ok {
		return scalarCUE(name)
	}
	def := "#" + name
	if w.lacks(name, map[string]bool{}) {
		def = w.define(name)
	}
	if _, done := w.types[def]; done {
		return def
	}
	w.types[def] = "" // it may be part of itself
	var b strings.Builder
	b.WriteString("{\n")
	for _, field := range sorted(t.Fields) {
		if slices.Contains(w.Without[name], field) {
			continue
		}
		mark, value := "?", w.ofCore(t.Fields[field])
		if slices.Contains(t.Required, field) {
			mark = "!"
		}
		if words := w.core.Enums[name+"."+field]; words != nil {
			var f schema.KindField
			for _, word := range words {
				f.Enum = append(f.Enum, word)
			}
			value = scalar(f)
		}
		b.WriteString(strconv.Quote(field) + mark + ": " + value + "\n")
	}
	w.types[def] = b.String() + "}"
	return def
}

// lacks reports whether this kind's copy of a core type, or of one in it, is
// without some of its fields.
func (w *cueWriter) lacks(name string, seen map[string]bool) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "[]"), "{}")
	t, ok := w.core.Types[name]
	if !ok || seen[name] {
		return false
	}
	seen[name] = true
	if len(w.Without[name]) > 0 {
		return true
	}
	for _, of := range t.Fields {
		if w.lacks(of, seen) {
			return true
		}
	}
	return false
}

// identifier is a text with all that identifiers cannot have replaced.
func identifier(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, text)
}
