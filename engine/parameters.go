package engine

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// schemaPackage is the package whose parameter types have a definition in CUE.
var schemaPackage = reflect.TypeFor[schema.Pipeline]().PkgPath()

// decodeExternal reads parameters of a type that a program brings itself: it has no
// definition, so its JSON fields are all there is to hold them against.
func (k Kind) decodeExternal(at schema.Position, with map[string]any, p any) error {
	var unknown []string
	decode := json.Unmarshal
	for key, v := range with {
		switch v.(type) {
		case map[string]any, []any:
			decode = decodeStrictly
		}
		if !k.HasParameter(key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		var errs []error
		for _, key := range unknown {
			errs = append(errs, at.Child(key).KeyErrorf("unknown key %q", key).WithHint("%s", parameterHint(key, k.parameters())))
		}
		return schema.Join(errs)
	}
	data, err := schema.Encode(with)
	if err != nil {
		return at.Wrap(err)
	}
	if err := decode(data, p); err != nil {
		if te, ok := err.(*json.UnmarshalTypeError); ok {
			return at.Child(strings.Split(te.Field, ".")...).Errorf("must be %s, not %s", te.Type, te.Value)
		}
		return at.Wrap(err)
	}
	return nil
}

// decodeStrictly is json.Unmarshal that refuses keys which p has no field for.
func decodeStrictly(data []byte, p any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(p)
}

// parameters are the names of the kind's parameters, sorted.
func (k Kind) parameters() []string {
	var names []string
	for i := range k.params.NumField() {
		names = append(names, parameterName(k.params.Field(i)))
	}
	slices.Sort(names)
	return names
}

// parameterName is the name of the parameter that a field holds.
func parameterName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		return f.Name
	}
	return name
}

func parameterHint(got string, known []string) string {
	if len(known) == 0 {
		return "there are no parameters"
	}
	return schema.Suggest(got, known)
}
