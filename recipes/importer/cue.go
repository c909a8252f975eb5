package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// raw is CUE as it is.
type raw string

// writeCUE writes v, of maps, lists, scalars and raw, indented with tabs. JSON
// is CUE; objects of one field are written on one line, as CUE's own tools do.
func writeCUE(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case raw:
		b.WriteString(string(v))
	case map[string]any:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteString("{\n")
		writeFields(b, v, indent+"\t")
		b.WriteString(indent + "}")
	default:
		b.WriteString(literal(v))
	}
}

func writeFields(b *strings.Builder, m map[string]any, indent string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		b.WriteString(indent)
		v := m[k]
		fmt.Fprintf(b, "%s: ", label(k))
		for sub, ok := v.(map[string]any); ok && len(sub) == 1; sub, ok = v.(map[string]any) {
			for k, e := range sub {
				fmt.Fprintf(b, "%s: ", label(k))
				v = e
			}
		}
		writeCUE(b, v, indent)
		b.WriteString("\n")
	}
}

// label writes a field's name: bare where that can be nothing else.
func label(k string) string {
	for i, r := range k {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return literal(k)
		}
	}
	switch k {
	case "", "true", "false", "null", "package", "import", "for", "if", "in", "let":
		return literal(k)
	}
	return k
}

// literal writes a value as JSON.
func literal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("BUG: a value of a document is not JSON: " + err.Error())
	}
	return strings.TrimSpace(b.String())
}

// set stores v at path in a tree of maps.
func set(tree map[string]any, v any, path ...string) {
	for _, k := range path[:len(path)-1] {
		next, ok := tree[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[k] = next
		}
		tree = next
	}
	tree[path[len(path)-1]] = v
}
