// Gen writes the JSON Schema of every definition in the schema package to
// schema/json, one file a definition. Run it by `make generate`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
		data, err := generate(it.Value())
		if err != nil {
			return fmt.Errorf("generating %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name+".json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func generate(v cue.Value) ([]byte, error) {
	expr, err := jsonschema.Generate(v, &jsonschema.GenerateConfig{Version: jsonschema.VersionDraft2020_12})
	if err != nil {
		return nil, err
	}
	doc := v.Context().BuildExpr(expr)
	raw, err := doc.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, raw, "", "  "); err != nil {
		return nil, err
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}
