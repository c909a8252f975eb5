package engine

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// ours is the package whose parameter types have a definition in CUE.
var ours = reflect.TypeFor[schema.Pipeline]().PkgPath()

// decodeOwn reads parameters of a type that a program brings itself: it has no
// definition, so its JSON fields are all there is to hold them against.
func decodeOwn(at place, with map[string]any, p any) error {
	known := map[string]bool{}
	t := reflect.TypeOf(p).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = t.Field(i).Name
		}
		known[name] = true
	}
	names := sortedKeys(known)
	var errs []error
	for _, k := range sortedKeys(with) {
		if !known[k] {
			errs = append(errs, at.child(k).keyErrorf("unknown key %q", k).WithHint("%s", suggest(k, names, "there are no parameters")))
		}
	}
	if len(errs) > 0 {
		return schema.Join(errs)
	}
	data, err := schema.Encode(with)
	if err != nil {
		return at.wrap(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		if te, ok := err.(*json.UnmarshalTypeError); ok {
			return at.child(strings.Split(te.Field, ".")...).errorf("must be %s, not %s", te.Type, te.Value)
		}
		return at.wrap(err)
	}
	return nil
}
