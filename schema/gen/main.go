// Gen writes the JSON Schema of every definition in the schema package to
// schema/json, one file a definition. Run it by `make generate`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/encoding/jsonschema"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run generates for the schema package in dir.
func run(dir string) error {
	ctx := cuecontext.New()
	inst := load.Instances([]string{"."}, &load.Config{Dir: dir})[0]
	if inst.Err != nil {
		return inst.Err
	}
	root := ctx.BuildInstance(inst)
	if err := root.Err(); err != nil {
		return err
	}
	out := filepath.Join(dir, "json")
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	it, err := root.Fields(cue.Definitions(true))
	if err != nil {
		return err
	}
	for it.Next() {
		name := strings.TrimPrefix(it.Selector().String(), "#")
		if !strings.HasPrefix(it.Selector().String(), "#") {
			continue
		}
		data, err := generate(root, it.Value(), name)
		if err != nil {
			return fmt.Errorf("generating %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name+".json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func generate(root, v cue.Value, name string) ([]byte, error) {
	expr, err := jsonschema.Generate(v, &jsonschema.GenerateConfig{Version: jsonschema.VersionDraft2020_12})
	if err != nil {
		return nil, err
	}
	doc := cuecontext.New().BuildExpr(expr)
	raw, err := doc.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	tree = tidy(tree)
	if err := local(root, name, tree); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ") // one space: they are part of the program
	err = enc.Encode(tree)
	return buf.Bytes(), err
}

var defName = regexp.MustCompile(`^#(\w+)`)

// tidy says the same in the words JSON Schema has for it: a choice of types is
// a list of types, a number that is an integer is an integer, and comments
// name definitions without CUE's "#".
func tidy(n any) any {
	switch n := n.(type) {
	case []any:
		for i := range n {
			n[i] = tidy(n[i])
		}
	case map[string]any:
		for k := range n {
			n[k] = tidy(n[k])
		}
		if d, ok := n["description"].(string); ok {
			n["description"] = defName.ReplaceAllString(d, "$1")
		}
		if types := onlyTypes(n["anyOf"]); types != nil {
			delete(n, "anyOf")
			n["type"] = types
		}
		if all, ok := n["allOf"].([]any); ok && len(all) == 2 {
			first, _ := all[0].(map[string]any)
			second, _ := all[1].(map[string]any)
			if len(first) == 1 && first["type"] == "number" && second["type"] == "integer" {
				delete(n, "allOf")
				maps.Copy(n, second)
			}
		}
	}
	return n
}

// onlyTypes returns the types of alternatives that say nothing else.
func onlyTypes(v any) []any {
	alts, _ := v.([]any)
	var out []any
	for _, a := range alts {
		m, _ := a.(map[string]any)
		t, ok := m["type"].(string)
		if !ok || len(m) != 1 {
			return nil
		}
		out = append(out, t)
	}
	return out
}
