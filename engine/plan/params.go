package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// given are the values of a caller for parameters: texts from flags, typed
// values from a file or from an including pipeline. Texts win.
type given struct {
	texts  map[string]string
	values map[string]any
	at     *schema.Position // of values, if they are in a pipeline; nil: from a file or flags
	doc    *schema.Doc      // that values are from, if at is nil
}

// fillParams sets every declared parameter: from the text of a flag, else from a
// value, else its default. One without any is left out, and an error only if it is
// required: ${params.NAME} of it is an error where it is used. All problems at once.
func fillParams(decl map[string]schema.Param, at schema.Position, g given) (map[string]any, error) {
	var errs schema.Problems
	out := make(map[string]any, len(decl))
	names := slices.Sorted(maps.Keys(decl))
	for _, n := range slices.Sorted(maps.Keys(g.texts)) {
		if _, ok := decl[n]; !ok {
			errs.Add(schema.Errorf(schema.Invalid, "no parameter %q", n).WithHint("%s", suggestParam(n, names)).At("", paramFlag(n)))
		}
	}
	for _, n := range slices.Sorted(maps.Keys(g.values)) {
		if _, ok := decl[n]; !ok {
			errs.Add(g.place(n).KeyErrorf("no parameter %q", n).WithHint("%s", suggestParam(n, names)))
		}
	}
	for _, n := range names {
		p := decl[n]
		typ := paramType(p)
		if p.Default != nil {
			if err := checkParam(n, typ, p, p.Default); err != nil {
				errs.Add(at.Child(n, "default").Wrap(err))
				continue
			}
		}
		v, from := p.Default, at.Child(n)
		if gv, ok := g.values[n]; ok {
			v, from = gv, g.place(n)
		}
		if s, ok := g.texts[n]; ok {
			var err error
			if v, err = readParam(n, typ, s); err == nil {
				err = checkParam(n, typ, p, v)
			}
			if err != nil {
				errs.Add(own(err).At("", paramFlag(n)))
				continue
			}
		}
		if v == nil {
			if p.Required {
				if g.at != nil {
					errs.Add(g.at.KeyErrorf("parameter %q needs a value", n).WithHint("add with: {%s: VALUE}", n))
				} else {
					errs.Add(at.Child(n).KeyErrorf("parameter %q needs a value", n).WithHint("give --param %s=VALUE", n))
				}
			}
			continue
		}
		if err := checkParam(n, typ, p, v); err != nil {
			errs.Add(from.Wrap(err))
			continue
		}
		out[n] = v
	}
	return out, errs.Err()
}

func (g given) place(name string) schema.Position {
	if g.at != nil {
		return g.at.Child(name)
	}
	return schema.Position{Doc: g.doc, Path: []string{name}}
}

// paramFlag is the path of a parameter that was set on the command line.
func paramFlag(name string) string { return "--param " + name }

func suggestParam(got string, names []string) string {
	if len(names) == 0 {
		return "the pipeline has no parameters"
	}
	return schema.Suggest(got, names)
}

// paramType is the declared type, else that of the default, else string.
func paramType(p schema.Param) string {
	if p.Type != "" {
		return p.Type
	}
	switch p.Default.(type) {
	case bool:
		return "bool"
	case int64, uint64:
		return "int"
	case []any:
		return "list"
	}
	return "string"
}

// readParam reads the text of a flag as the declared type. A list is JSON, or its
// elements with commas between them.
func readParam(name, typ, s string) (any, error) {
	switch typ {
	case "int":
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "parameter %q is a whole number, not %q", name, s)
		}
		return i, nil
	case "bool":
		if s != "true" && s != "false" {
			return nil, schema.Errorf(schema.Invalid, "parameter %q is true or false, not %q", name, s)
		}
		return s == "true", nil
	case "list":
		if strings.HasPrefix(strings.TrimSpace(s), "[") {
			var v []any
			if err := json.Unmarshal([]byte(s), &v); err != nil {
				return nil, schema.Errorf(schema.Invalid, "parameter %q is a list, and %q is not one: %w", name, s, err)
			}
			doc, err := schema.Parse("the value of parameter "+name, []byte(s))
			if err != nil {
				return nil, err
			}
			return doc.Exact(), nil
		}
		list := []any{}
		for _, e := range strings.Split(s, ",") {
			if e = strings.TrimSpace(e); e != "" {
				list = append(list, e)
			}
		}
		return list, nil
	}
	return s, nil
}

// checkParam compares a value with the declared type and the words of enum. Numbers
// of JSON, YAML and flags are of three Go types and one type here.
func checkParam(name, typ string, p schema.Param, v any) error {
	ok := false
	switch v.(type) {
	case string:
		ok = typ == "string"
	case bool:
		ok = typ == "bool"
	case int64, uint64, int:
		ok = typ == "int"
	case []any:
		ok = typ == "list"
	}
	if !ok {
		want := map[string]string{"string": "text", "bool": "true or false", "int": "a whole number", "list": "a list"}[typ]
		return schema.Errorf(schema.Invalid, "parameter %q is %s, not %s", name, want, schema.TypeWord(v))
	}
	if len(p.Enum) == 0 {
		return nil
	}
	var words []string
	for _, e := range p.Enum {
		if reflect.DeepEqual(e, v) {
			return nil
		}
		words = append(words, fmt.Sprint(e))
	}
	return schema.Errorf(schema.Invalid, "parameter %q cannot be %q", name, fmt.Sprint(v)).WithHint("%s", schema.Suggest(fmt.Sprint(v), words))
}
