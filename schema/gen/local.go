package main

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
)

// localWords are what @local may say: see schema.Local.
var localWords = []string{"no", "read", "read,assigned", "read,implied", "write", "write,implied", "write,layout"}

// local copies what definitions say in @local into their JSON Schemas, as
// x-local, in tree and in what that defines for itself.
func local(root cue.Value, name string, tree any) error {
	top, _ := tree.(map[string]any)
	defs, _ := top["$defs"].(map[string]any)
	for def, sub := range defs {
		if err := local(root, def, sub); err != nil {
			return err
		}
	}
	fields, _ := top["properties"].(map[string]any)
	def := root.LookupPath(cue.MakePath(cue.Def(name)))
	if len(fields) == 0 || !def.Exists() {
		return nil
	}
	it, err := def.Fields(cue.Optional(true))
	if err != nil {
		return err
	}
	for it.Next() {
		a := it.Value().Attribute("local")
		field, ok := fields[it.Selector().Unquoted()].(map[string]any)
		if a.Err() != nil || !ok {
			continue
		}
		word := strings.ReplaceAll(a.Contents(), " ", "")
		if !slices.Contains(localWords, word) {
			return fmt.Errorf("#%s.%s: @local(%s) is not one of %s", name, it.Selector(), word, strings.Join(localWords, "; "))
		}
		field["x-local"] = word
	}
	return nil
}
