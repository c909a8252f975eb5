package schema

import (
	"fmt"
	"strings"
	"testing"
)

// Where nothing gives a value its type, a number is a number only if it would be
// written as it is in the file. What it is read as is written back the same.
func TestExact(t *testing.T) {
	places := map[string]struct {
		text string
		read func(data string) (any, error)
	}{
		"a parameter's default": {"{apiVersion: eidos.nvidia.com/v1alpha1, kind: Pipeline, metadata: {name: a}, params: {p: {default: %s}}, steps: {s: {uses: resolve}}}",
			readPipeline(func(p *Pipeline) any { return p.Params["p"].Default })},
		"a parameter's enum": {"{apiVersion: eidos.nvidia.com/v1alpha1, kind: Pipeline, metadata: {name: a}, params: {p: {enum: [%s]}}, steps: {s: {uses: resolve}}}",
			readPipeline(func(p *Pipeline) any { return p.Params["p"].Enum[0] })},
		"with": {"{apiVersion: eidos.nvidia.com/v1alpha1, kind: Pipeline, metadata: {name: a}, steps: {s: {include: b.yaml, with: {p: %s}}}}",
			readPipeline(func(p *Pipeline) any { return p.Steps["s"].With["p"] })},
		"a matrix": {"{apiVersion: eidos.nvidia.com/v1alpha1, kind: Pipeline, metadata: {name: a}, steps: {s: {uses: resolve, matrix: {m: [%s]}}}}",
			readPipeline(func(p *Pipeline) any { return p.Steps["s"].Matrix["m"].([]any)[0] })},
		"a snapshot": {"{apiVersion: eidos.nvidia.com/v1alpha1, kind: Snapshot, metadata: {source: a, version: v1, timestamp: 2026-11-25T00:00:00Z}, measurements: [{type: OS, subtypes: [{subtype: release, data: {a: %s}}]}]}",
			func(data string) (any, error) {
				var s Snapshot
				if err := Decode("s.yaml", []byte(data), &s); err != nil {
					return nil, err
				}
				return s.Measurements[0].Subtypes[0].Data["a"], nil
			}},
		"a file of parameters": {"{p: %s}", func(data string) (any, error) {
			d, err := Parse("p.yaml", []byte(data))
			if err != nil {
				return nil, err
			}
			return d.Exact().(map[string]any)["p"], nil
		}},
	}
	values := []struct {
		text string
		want any
	}{
		{"1.10", "1.10"}, {"2.0", "2.0"}, {"24.04", 24.04}, {"1.5", 1.5}, {"0640", "0640"}, {"640", int64(640)}, {"+5", "+5"},
		{"1e3", "1e3"}, {"1E5", "1E5"}, {"1e+21", 1e21}, {"0x1F", "0x1F"}, {"1_000", "1_000"}, {"-0", "-0"}, {"-1", int64(-1)},
		{"yes", "yes"}, {"no", "no"}, {"on", "on"}, {"true", true}, {`"1.1"`, "1.1"}, {"2026-11-25", "2026-11-25"},
		{"18446744073709551615", uint64(18446744073709551615)}, {"12:30", "12:30"},
	}
	for name, place := range places {
		for _, v := range values {
			got, err := place.read(fmt.Sprintf(place.text, v.text))
			if err != nil || got != v.want {
				t.Errorf("%s: %s is read as %T %v, %v, want %T %v", name, v.text, got, got, err, v.want, v.want)
				continue
			}
			again, err := Encode(map[string]any{"p": got})
			if err != nil {
				t.Fatal(err)
			}
			if d, err := Parse("again.yaml", again); err != nil || d.Exact().(map[string]any)["p"] != v.want {
				t.Errorf("%s: %s is written as %s, which is something else", name, v.text, again)
			}
		}
	}
}

func readPipeline(at func(*Pipeline) any) func(string) (any, error) {
	return func(data string) (any, error) {
		var p Pipeline
		if err := Decode("p.yaml", []byte(data), &p); err != nil {
			return nil, err
		}
		return at(&p), nil
	}
}

// A number where only text is allowed is refused, shown as it is written.
func TestNumberAsText(t *testing.T) {
	var c RecipeCriteria
	for text, want := range map[string]string{"1.10": "1.10", "0640": "0640", "1e3": "1e3"} {
		err := Decode("c.yaml", []byte("apiVersion: eidos.nvidia.com/v1alpha1\nkind: RecipeCriteria\nmetadata: {name: a}\nspec:\n  os: "+text+"\n"), &c)
		if got, want := fmt.Sprint(err), "not "+want+" (c.yaml:5:7)"; err == nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}
