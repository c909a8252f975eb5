// Package pipelines holds the pipelines that eidos brings, and makes the
// one-step ones that its commands are.
package pipelines

import (
	"embed"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

//go:embed *.pipeline.yaml
var files embed.FS

const suffix = ".pipeline.yaml"

// Names lists the pipelines, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("BUG: the pipelines are not embedded: " + err.Error())
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), suffix))
	}
	sort.Strings(out)
	return out
}

// Read returns the text of one pipeline. NotFound if there is none of that name.
func Read(name string) ([]byte, error) {
	data, err := files.ReadFile(strings.TrimSuffix(name, suffix) + suffix)
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "no pipeline %q comes with eidos", name).
			WithHint("%s", schema.Suggest(name, Names()))
	}
	return data, nil
}

// One is the pipeline of a single step: what the command of that name stands
// for. in maps input names to URIs; out may be "".
func One(name, uses string, with map[string]any, in map[string]any, out string) *schema.Pipeline {
	step := schema.Step{Uses: uses, Out: literal(out).(string)}
	if len(with) > 0 {
		step.With = literal(with).(map[string]any)
	}
	if len(in) > 0 {
		step.In = literal(in).(map[string]any)
	}
	return &schema.Pipeline{
		Kind:       "Pipeline",
		APIVersion: schema.APIVersion,
		Metadata:   schema.PipelineMetadata{Name: name},
		Steps:      map[string]schema.Step{name: step},
	}
}

// literal writes texts so that a pipeline takes them as they stand: "${" in a
// flag is the user's, not a reference.
func literal(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "${", "$${")
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = literal(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = literal(e)
		}
		return out
	}
	return v
}
