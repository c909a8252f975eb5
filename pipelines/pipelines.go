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
	step := schema.Step{Uses: uses, Out: out}
	if len(with) > 0 {
		step.With = with
	}
	if len(in) > 0 {
		step.In = in
	}
	return &schema.Pipeline{
		Kind:       "Pipeline",
		APIVersion: schema.APIVersion,
		Metadata:   schema.PipelineMetadata{Name: name},
		Steps:      map[string]schema.Step{name: step},
	}
}
