package steptask

import (
	"context"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// Rows are the ids of the rows of a matrix step of the plan: those of a list that
// another step has made are known when that has left its result.
func (s *Session) Rows(ctx context.Context) ([]string, error) {
	p, r, one, err := s.single("success")
	if err != nil {
		return nil, err
	}
	return r.Rows(ctx, p, one)
}

// runPlanned runs one step of a plan. All of the plan is compiled for it, as what the
// step takes depends on the rest; that is milliseconds.
func (s *Session) runPlanned(ctx context.Context) error {
	p, r, one, err := s.single(s.Status)
	if err != nil {
		return err
	}
	show := s.RunProgress(false)
	r.Events = show.Event
	over := s.CleanUp(r.CleanUp(p))
	res, err := r.RunSingle(ctx, p, one)
	over()
	show.Close()
	if res == nil || res.Step(s.Step).Artifact.Digest == "" {
		return err
	}
	return schema.Join([]error{err, s.JSON(res.Step(s.Step).Artifact)})
}

// single reads the plan and makes what one step of it runs with; status is how the
// run went so far.
func (s *Session) single(status string) (*plan.Plan, *run.Runner, run.Single, error) {
	one := run.Single{Run: s.Run, Step: s.Step, Results: s.cache}
	if s.Run == "" || s.Step == "" {
		return nil, nil, one, schema.Errorf(schema.Invalid, "a step of a plan belongs to a run").WithHint("add --step ID and --run NAME, the same for all steps of a run")
	}
	var ok bool
	if one.Status, ok = statusOf(status); !ok {
		return nil, nil, one, schema.Errorf(schema.Invalid, "--status: %q is not one", status).WithHint("use success, failure or canceled")
	}
	d, err := pipelinefile.ReadWritten(s.Plan, s.text)
	if err != nil {
		return nil, nil, one, err
	}
	s.Pipeline = d.Source()
	p, err := d.Compile(s.Kinds)
	if err != nil {
		return nil, nil, one, err
	}
	dir, err := os.Getwd()
	return p, &run.Runner{
		Store: s.store, Load: s.Load, Save: remoteOnly(s.Save), Dir: dir,
		CacheFrom: []engine.Cache{s.cache}, CacheTo: []engine.Cache{s.cache}, Secret: s.Secret,
	}, one, err
}

// statusOf reads how a run went: the words of `run.status` in conditions, and
// those of Argo's workflow.status.
func statusOf(s string) (string, bool) {
	switch s {
	case "success", "failure", "canceled":
		return s, true
	case "Succeeded":
		return "success", true
	case "Failed", "Error":
		return "failure", true
	}
	return "", false
}

// remoteOnly is save for where nobody looks for files: a result that is to go
// to one stays in the store.
func remoteOnly(save engine.Saver) engine.Saver {
	return func(ctx context.Context, env engine.Env, v schema.Value, uri string) error {
		if uri == "-" || !strings.Contains(uri, "://") {
			env.Log("out: %s is for the machine of who runs the pipeline; the result stays in the store", uri)
			return engine.ErrNotHere
		}
		return save(ctx, env, v, uri)
	}
}
