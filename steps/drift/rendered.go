package drift

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// maxRendered is the longest file that is compared by what is in it.
const maxRendered = 4 << 20 // bytes

// derived are the files of a bundle that follow from the others, and from what
// it was made from: nothing deploys them.
var derived = []string{"checksums.txt", "recipe.yaml", "bundle.yaml"}

// Rendered finds what two trees of files to deploy have different: bundles, or
// what a Git repository has for a cluster. YAML is compared object by object and
// value by value, also where it is the text of a value; all else by lines.
func Rendered(before, now fs.FS, from, to schema.DriftSide, p schema.DiffParams) (*schema.Drift, error) {
	r := newReport(p, from, to)
	a, err := contents(before)
	if err != nil {
		return nil, err
	}
	b, err := contents(now)
	if err != nil {
		return nil, err
	}
	for _, name := range union(a, b) {
		x, inA := a[name]
		y, inB := b[name]
		switch {
		case !inA:
			r.compare(name, schema.Change{Change: "added", Reason: holds(name, y)})
		case !inB:
			r.compare(name, schema.Change{Change: "removed", Reason: holds(name, x)})
		case bytes.Equal(x, y):
			r.compare(name, schema.Change{})
		default:
			r.file(name, x, y)
		}
	}
	return r.done(), nil
}

// contents reads the files of a tree that are deployed.
func contents(tree fs.FS) (map[string][]byte, error) {
	out := map[string][]byte{}
	return out, fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("reading the tree: %w", err)
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir() || slices.Contains(derived, p):
			return nil
		case !d.Type().IsRegular():
			return schema.Errorf(schema.Invalid, "%q is not a regular file", p)
		}
		f, err := tree.Open(p)
		if err != nil {
			return fmt.Errorf("reading the tree: %w", err)
		}
		defer f.Close()
		if out[p], err = io.ReadAll(io.LimitReader(f, maxRendered+1)); err != nil {
			return fmt.Errorf("reading %q: %w", p, err)
		}
		if len(out[p]) > maxRendered {
			return schema.Errorf(schema.Invalid, "%q has more than %d MiB", p, maxRendered>>20)
		}
		return nil
	})
}

// file compares two files of one name that are not the same.
func (r *report) file(name string, x, y []byte) {
	a, okA := documents(name, x)
	b, okB := documents(name, y)
	if !okA || !okB {
		r.compare(name, schema.Change{Change: "changed", Reason: lines(x, y)})
		return
	}
	n := len(r.drift.Changes)
	only := map[string][2][]string{} // kind → keys that one side has only
	for _, key := range union(a, b) {
		old, inA := a[key]
		now, inB := b[key]
		kind, _, _ := strings.Cut(key, " ")
		switch o := only[kind]; {
		case !inA:
			only[kind] = [2][]string{o[0], append(o[1], key)}
		case !inB:
			only[kind] = [2][]string{append(o[0], key), o[1]}
		default:
			r.values(join(name, key), old, now)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(only)) {
		o := only[kind]
		if len(o[0]) == 1 && len(o[1]) == 1 { // one with another name
			r.values(join(name, o[1][0]), a[o[0][0]], b[o[1][0]])
			continue
		}
		for _, key := range o[0] {
			r.compare(join(name, key), schema.Change{Change: "removed"})
		}
		for _, key := range o[1] {
			r.compare(join(name, key), schema.Change{Change: "added"})
		}
	}
	if len(r.drift.Changes) == n { // comments, order, quotes
		r.compare(name, schema.Change{})
	}
}

func join(name, key string) string { return strings.TrimSuffix(name+" "+key, " ") }

// documents are the YAML documents of a file by kind, namespace and name; the key
// of one that is no object is empty.
func documents(name string, data []byte) (map[string]any, bool) {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".lock":
	default:
		return nil, false
	}
	out := map[string]any{}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var v any
		err := dec.Decode(&v)
		if err == io.EOF {
			return out, true
		}
		if err != nil {
			return nil, false
		}
		key := objectKey(v)
		if _, twice := out[key]; twice {
			return nil, false
		}
		out[key] = v
	}
}

// objectKey is KIND NAMESPACE/NAME.
func objectKey(v any) string {
	m, _ := v.(map[string]any)
	kind, _ := m["kind"].(string)
	meta, _ := m["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	if kind == "" || name == "" {
		return ""
	}
	if ns, _ := meta["namespace"].(string); ns != "" {
		name = ns + "/" + name
	}
	return kind + " " + name
}

// holds lists the objects of a file.
func holds(name string, data []byte) string {
	docs, ok := documents(name, data)
	if !ok {
		return ""
	}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(docs)), func(k string) bool { return k == "" })
	if more := len(keys) - 5; more > 0 {
		keys = append(keys[:5], fmt.Sprintf("%d more", more))
	}
	return strings.Join(keys, ", ")
}

// values compares two values, leaf by leaf; where is the file and the object.
func (r *report) values(where string, x, y any) {
	a, b := map[string]string{}, map[string]string{}
	leaves("", x, a)
	leaves("", y, b)
	for _, p := range union(a, b) {
		from, inA := a[p]
		to, inB := b[p]
		c := schema.Change{From: schema.Safe(from), To: schema.Safe(to)}
		switch {
		case !inA:
			c.Change = "added"
		case !inB:
			c.Change = "removed"
		case from != to:
			c.Change = "changed"
		}
		r.compare(where+" "+p, c)
	}
}

// leaves puts the scalars below v into out by path. Elements of a list that have
// names are found by them: one that is put before others changes only itself.
func leaves(at string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			out[at] = "{}"
		}
		for k, e := range v {
			if strings.ContainsAny(k, `."[] `) {
				k = strconv.Quote(k)
			}
			leaves(strings.TrimPrefix(at+"."+k, "."), e, out)
		}
	case []any:
		if len(v) == 0 {
			out[at] = "[]"
		}
		names := elements(v)
		for i, e := range v {
			leaves(at+"["+names[i]+"]", e, out)
		}
	case string:
		var inner any
		if strings.Contains(v, "\n") && yaml.Unmarshal([]byte(v), &inner) == nil {
			if m, ok := inner.(map[string]any); ok && len(m) > 0 {
				leaves(at, m, out)
				return
			}
		}
		out[at] = v
	case nil:
		out[at] = "null"
	default:
		out[at] = fmt.Sprint(v)
	}
}

// elements are the names of a list's elements, if all have one of their own, else
// their indices.
func elements(list []any) []string {
	names := make([]string, len(list))
	seen := map[string]bool{"": true}
	for i, e := range list {
		m, _ := e.(map[string]any)
		names[i], _ = m["name"].(string)
		if seen[names[i]] {
			for k := range names {
				names[k] = strconv.Itoa(k)
			}
			break
		}
		seen[names[i]] = true
	}
	return names
}

// lines counts the lines that one of two texts has only.
func lines(x, y []byte) string {
	if bytes.IndexByte(x, 0) >= 0 || bytes.IndexByte(y, 0) >= 0 {
		return fmt.Sprintf("%d bytes, %d before", len(y), len(x))
	}
	count := map[string]int{}
	for line := range strings.Lines(string(x)) {
		count[line]--
	}
	for line := range strings.Lines(string(y)) {
		count[line]++
	}
	added, removed := 0, 0
	for _, n := range count {
		added, removed = added+max(n, 0), removed+max(-n, 0)
	}
	return fmt.Sprintf("lines: %d added, %d removed", added, removed)
}
