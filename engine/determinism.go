package engine

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/NVIDIA/eidos/schema"
)

// again runs a pure step a second time and holds its result against the
// first, canonical bytes against canonical bytes.
func (x *run) again(ctx context.Context, j job, params any, in Inputs, first []byte) error {
	v, err := j.node.step.kind.Run(ctx, x.env(ctx, j, &recorder{Blobs: x.Store}), params, in)
	if err != nil {
		return schema.Errorf(schema.CodeOf(err), "the second time: %w", err)
	}
	second, err := schema.Encode(v)
	if err != nil {
		return err
	}
	if string(first) == string(second) {
		return nil
	}
	var a, b any
	if err := json.Unmarshal(first, &a); err != nil {
		return err
	}
	if err := json.Unmarshal(second, &b); err != nil {
		return err
	}
	path, was, is := differ(nil, a, b)
	return schema.Errorf(schema.Failed, "run twice it gives two results: %s is %s, then %s", orWhole(schema.PathString(path...)), brief(show(was)), brief(show(is))).
		WithHint("a kind without Effect gives the same result for the same inputs: sort what comes of a map, and leave out times and random numbers")
}

func orWhole(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

func show(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return typeWord(v)
	}
	return string(data)
}

// differ returns the first path at which two documents are not the same, and
// what stands there.
func differ(path []string, a, b any) ([]string, any, any) {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			break
		}
		for _, k := range sortedKeys(a) {
			if !reflect.DeepEqual(a[k], b[k]) {
				return differ(append(path, k), a[k], b[k])
			}
		}
		for _, k := range sortedKeys(b) {
			if _, ok := a[k]; !ok {
				return append(path, k), nil, b[k]
			}
		}
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			break
		}
		for i := range a {
			if !reflect.DeepEqual(a[i], b[i]) {
				return differ(append(path, itoa(i)), a[i], b[i])
			}
		}
	}
	return path, a, b
}
