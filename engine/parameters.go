package engine

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// schemaPackage is the package whose parameter types have a definition in CUE.
var schemaPackage = reflect.TypeFor[schema.Pipeline]().PkgPath()

// decodeExternal reads parameters of a type that a program brings itself: it has no
// definition, so its JSON fields are all there is to hold them against.
func decodeExternal(at schema.Position, with map[string]any, p any) error {
	known := map[string]bool{}
	t := reflect.TypeOf(p).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = t.Field(i).Name
		}
		known[name] = true
	}
	names := slices.Sorted(maps.Keys(known))
	var errs []error
	for _, k := range slices.Sorted(maps.Keys(with)) {
		if !known[k] {
			errs = append(errs, at.Child(k).KeyErrorf("unknown key %q", k).WithHint("%s", parameterHint(k, names)))
		}
	}
	if len(errs) > 0 {
		return schema.Join(errs)
	}
	data, err := schema.Encode(with)
	if err != nil {
		return at.Wrap(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		if te, ok := err.(*json.UnmarshalTypeError); ok {
			return at.Child(strings.Split(te.Field, ".")...).Errorf("must be %s, not %s", te.Type, te.Value)
		}
		return at.Wrap(err)
	}
	return nil
}

func parameterHint(got string, known []string) string {
	if len(known) == 0 {
		return "there are no parameters"
	}
	return schema.Suggest(got, known)
}
