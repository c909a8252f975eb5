package run

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// checkDeterminism runs a pure step a second time and compares its result with the
// first, as canonical bytes. It gets the same decoded inputs, which `unchanged` has
// compared after the first time: a difference is one of the function.
func (w *worker) checkDeterminism(ctx context.Context, j attempt, params any, in engine.Inputs, first []byte) error {
	v, err := j.node.Step.Kind.Run(ctx, w.env(ctx, j, &content.Recorder{Blobs: w.Store}), params, in)
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
	path, was, is := firstDifference(nil, a, b)
	return schema.Errorf(schema.Failed, "run twice it has two results: %s is %s, then %s", orWhole(schema.PathString(path...)), engine.Shorten(show(was)), engine.Shorten(show(is))).
		WithHint("a kind without Effect returns the same result for the same inputs: sort what comes of a map, and leave out times and random numbers")
}

// orWhole is a path in a message; the empty one is the document itself.
func orWhole(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

func show(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return schema.TypeWord(v)
	}
	return string(data)
}

// firstDifference returns the first path at which two documents are not the same, and
// what is there. Keys are sorted, so that the message is the same each time.
func firstDifference(path []string, a, b any) ([]string, any, any) {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			break
		}
		for _, k := range slices.Sorted(maps.Keys(a)) {
			if !reflect.DeepEqual(a[k], b[k]) {
				return firstDifference(append(path, k), a[k], b[k])
			}
		}
		for _, k := range slices.Sorted(maps.Keys(b)) {
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
				return firstDifference(append(path, strconv.Itoa(i)), a[i], b[i])
			}
		}
	}
	return path, a, b
}
