package engine

import (
	"encoding/json"
	"reflect"

	"github.com/NVIDIA/eidos/schema"
)

// Types are the documents that kinds make and take, by media type: those of
// package schema, and those that a program defines itself.
type Types map[string]reflect.Type

// NewTypes collects the documents of kinds; a nil kind has none.
func NewTypes(kinds ...*Kind) Types {
	t := Types{}
	for _, k := range kinds {
		if k == nil {
			continue
		}
		t[k.Output] = k.out
		for i := range k.in.NumField() {
			ft := k.in.Field(i).Type
			if ft.Kind() == reflect.Slice {
				ft = ft.Elem()
			}
			t[zero(ft).MediaType()] = ft
		}
	}
	return t
}

// Decode reads a document from the bytes that were stored of it. Failed if the
// media type is unknown.
func (t Types) Decode(mediaType string, data []byte) (schema.Value, error) {
	v := t.empty(mediaType)
	if v == nil {
		return nil, schema.Errorf(schema.Failed, "the store holds a %q, which this eidos does not know", mediaType)
	}
	var err error
	if defined(v) {
		err = schema.DecodeCanonical(data, v)
	} else {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Check checks bytes that another machine made against the definition of their
// document; name is for messages. A document of the program's own has none.
func (t Types) Check(name, mediaType string, data []byte) error {
	v := t.empty(mediaType)
	if v == nil || !defined(v) {
		return nil
	}
	return schema.Decode(name, data, v)
}

func (t Types) empty(mediaType string) schema.Value {
	if rt, ok := t[mediaType]; ok {
		return zero(rt)
	}
	return schema.New(mediaType)
}

// defined reports whether package schema defines the type of v.
func defined(v schema.Value) bool { return reflect.TypeOf(v).Elem().PkgPath() == schemaPackage }
