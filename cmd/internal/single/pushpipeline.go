package single

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// PipelineText reads what push was given if that is the file of a pipeline; nil
// if it is something else, or not there: then it is a bundle, or a mistake that is
// reported where bundles are read.
func PipelineText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	if strings.HasSuffix(path, ".cue") {
		return nil, schema.Errorf(schema.Invalid, "%q is CUE; a pipeline is pushed as YAML or JSON", path).WithHint("cue export --out yaml %s writes it so", path)
	}
	f, err := userfile.Open(path)
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "reading %q: %w", path, err)
	}
	defer f.Close()
	text, err := pipelinefile.ReadLimited(f, path)
	if err != nil {
		return nil, err
	}
	doc, err := schema.Parse(path, text)
	if err != nil {
		return nil, err
	}
	if m, ok := doc.Value().(map[string]any); !ok || m["kind"] != "Pipeline" {
		return nil, nil
	}
	return text, nil
}

// PushPipeline pushes a pipeline for others to include, as s would push a bundle.
// What an included one may not have is refused.
func (r Runner) PushPipeline(ctx context.Context, s *Step, path string, text []byte) (*schema.Reference, error) {
	p, doc, err := pipelinefile.Parse(path, text)
	if err != nil {
		return nil, err
	}
	if s.With["annotations"] != nil {
		return nil, schema.Errorf(schema.Invalid, "--annotations is for bundles")
	}
	var errs []error
	for name, step := range p.Steps {
		if step.Include != "" && !strings.HasPrefix(step.Include, "oci://") {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q does not go with the pipeline into a registry", step.Include).
				At(doc.Pos("steps", name, "include"), "steps."+name+".include").WithHint("push that one first, and include it as oci://…@sha256:…"))
		}
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	to, _ := s.With["to"].(string)
	w := wire.New(r.Host, wire.Options{})
	return w.Registries.PushPipeline(ctx, engine.Env{Dir: wd}, filepath.Base(path), text, to, s.Access())
}
