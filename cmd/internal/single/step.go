// Package single runs the pipelines of one step that commands are: the step, the
// addresses of its inputs and of its result make a pipeline, which runs in memory.
// Nothing is reused and nothing is kept but the result.
//
// A command thus does what a pipeline with this step does, with the same checks, time
// limits, clean-up and messages; only the paths of errors differ, for the user has
// written flags and no file (plainPaths).
package single

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// Step is a step that a command runs.
type Step struct {
	Name, Uses string
	With       map[string]any
	In         map[string]any         // input → address
	Out        string                 // where the result goes; "" keeps it for the command
	More       map[string]schema.Step // that the step needs, or that need it

	Format                  string // of the result
	Force                   bool   // replace an output that is there
	ValuesFrom              string // the tree that upstream's recipes refer to files of
	Kubeconfig, KubeContext string

	files map[string]schema.Position // parameters that a file sets, by their paths
}

// Pipeline is the pipeline that the step is. A key that is in a variable is one of its
// secrets.
func (s *Step) Pipeline() *schema.Pipeline {
	p := pipelines.One(s.Name, s.Uses, s.With, s.In, s.Out)
	key, _ := s.With["key"].(string)
	if name, ok := sign.KeySecret(key); ok {
		step := p.Steps[s.Name]
		step.Secrets = []string{name}
		p.Steps[s.Name] = step
		p.Secrets = map[string]schema.Secret{name: {Env: name}}
	}
	maps.Copy(p.Steps, s.More)
	return p
}

// Access is how the inputs' registries are reached: as the step's own.
func (s *Step) Access() oci.Access {
	plain, _ := s.With["plainHTTP"].(bool)
	insecure, _ := s.With["insecureTLS"].(bool)
	return oci.Access{PlainHTTP: plain, InsecureTLS: insecure}
}

// wiring is what the step is wired with: someone is at the terminal, and outputs are new
// unless --force.
func (s *Step) wiring() wire.Options {
	o := wire.Options{Force: s.Force, Fresh: true, Attended: true, Access: s.Access(),
		ValuesFrom: s.ValuesFrom, Kubeconfig: s.Kubeconfig, KubeContext: s.KubeContext}
	if s.Format == "json" || s.Format == "yaml" { // a table is not a document
		o.Format = s.Format
	}
	if s.Uses == "render" {
		o.ForceFlag = "--force"
	}
	return o
}

// Runner runs single steps.
type Runner struct {
	wire.Host
	// CleanUp allows a run a time to delete what it started once it was stopped,
	// until the function that it returns is called.
	CleanUp func(time.Duration) (over func())
}

// Run runs s and returns the result's document, also beside an error: the report of
// a check that failed. It is nil if there is none.
func (r Runner) Run(ctx context.Context, s *Step) (schema.Value, error) {
	return r.run(ctx, s, s.Pipeline(), s.Name)
}

// run runs the pipeline that s became and returns the result of one of its steps.
func (r Runner) run(ctx context.Context, s *Step, p *schema.Pipeline, of string) (schema.Value, error) {
	w := wire.New(r.Host, s.wiring())
	pl, err := plan.Compile(p, nil, w.Kinds, plan.Options{Parameter: schema.Parameter})
	if err != nil {
		return nil, s.plainPaths(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	// A file alone is reported by what reads it, which knows more about it.
	if err := pl.Missing(dir); len(schema.List(err)) > 1 {
		return nil, s.plainPaths(err)
	}
	address.Sweep(pl, dir)
	show := r.StageProgress()
	defer show.Close()
	// The result of a step alone is kept on its way to the output: reading it from the
	// store again takes as long as resolving half a recipe.
	var saved schema.Value
	save := func(ctx context.Context, env engine.Env, v schema.Value, to string) error {
		saved = v
		return w.Save(ctx, env, v, to)
	}
	e := &run.Runner{Store: store.NewMemory(), Load: w.Load, Save: save, Dir: dir, Events: show.Event}
	defer r.CleanUp(e.CleanUp(pl))()
	res, err := e.Run(ctx, pl)
	err = s.plainPaths(err)
	if res == nil || res.Step(of) == nil || res.Step(of).Artifact.Digest == "" {
		return nil, err
	}
	if len(p.Steps) == 1 && saved != nil {
		return saved, err
	}
	// The store ends with the process: the value is read before that.
	v, verr := res.Value(ctx, of)
	if verr != nil {
		return nil, verr
	}
	return v, err
}

// plainPaths returns err without the step that the user never wrote: its parameters
// are those of flags, or keys of a file that set them, and its inputs are named by
// their addresses.
func (s *Step) plainPaths(err error) error {
	if err == nil {
		return nil
	}
	var out []error
	for _, e := range schema.List(err) {
		var se *schema.Error
		if errors.As(e, &se) {
			e = s.plainPath(se)
		}
		out = append(out, e)
	}
	return schema.Join(out)
}

// plainPath is plainPaths for one error. A parameter is marked (schema.Parameter), and
// shown as a flag where the flags of the command are known.
func (s *Step) plainPath(e *schema.Error) *schema.Error {
	c := *e
	below, ok := strings.CutPrefix(c.Path, "steps."+s.Name)
	if !ok {
		return &c
	}
	c.Path = ""
	if param, ok := strings.CutPrefix(below, ".with."); ok {
		if at, ok := s.files[param]; ok {
			return c.At(at.Pos(), at.String())
		}
		c.Path = schema.Parameter(param)
	}
	if below == ".out" {
		c.Path = schema.Parameter("output")
	}
	return &c
}

// URI makes an argument what the engine takes for an address and never for the name
// of a step: a bare file name gets its "./".
func URI(arg string) string {
	if arg == "-" || strings.Contains(arg, "://") || filepath.IsAbs(arg) || strings.HasPrefix(arg, ".") {
		return arg
	}
	return "./" + arg
}
