package agent

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

// readers is how many results are read at once.
const readers = 8

// tail is how many of the last lines of a failed agent's log are kept.
const tail = 5

// gather reads the result of every Pod: its ConfigMap or, if it could not write
// that, its log.
func gather(ctx context.Context, c *kube.Client, r run, s job.Status, o Options) []result {
	out := make([]result, max(1, len(r.nodes)))
	var g errgroup.Group
	g.SetLimit(readers)
	for i := range out {
		g.Go(func() error {
			out[i] = gatherOne(ctx, c, r, i, last(s.Pods, i), s, o)
			return nil
		})
	}
	_ = g.Wait() // its functions return nil: errors are results
	return out
}

// last returns the newest Pod of an index.
func last(pods []kube.Pod, index int) *kube.Pod {
	for _, p := range slices.Backward(pods) {
		if p.Index == index {
			return &p
		}
	}
	return nil
}

// gatherOne reads the result of one Pod; p is nil if the index had none. A Pod that was
// killed by the Job's deadline is late, whatever its own state says by now.
func gatherOne(ctx context.Context, c *kube.Client, r run, index int, p *kube.Pod, status job.Status, o Options) result {
	switch {
	case p == nil && status.Late():
		return result{err: tooLong(r, status.Trouble)}
	case p == nil:
		return result{err: noPod(r, status.Job)}
	case status.Late() && p.Phase != "Succeeded" && p.Phase != "Failed":
		return result{node: p.Node, err: tooLate(r, p, status.Trouble)}
	case p.Hopeless:
		return result{node: p.Node, err: schema.Errorf(schema.Failed, "the agent on node %s cannot start: %s", p.Node, p.Trouble).WithHint("%s", hintFor(p.Trouble))}
	}
	res := result{node: p.Node}
	where := r.output(index)
	text, err := written(ctx, c, r, index)
	if schema.CodeOf(err) == schema.NotFound && p.Started {
		text, err = fromLog(ctx, c, r, p)
		if err == nil {
			o.Log("the agent could not write cm://%s/%s; its snapshot comes from its log", r.agent.Namespace, where)
		}
	} else if err != nil && p.Phase == "Failed" {
		err = failure(p, nil)
	}
	if err != nil {
		// A Pod that the Job took away may be seen as failed before it is gone.
		if status.Late() && p.Trouble == "" && (p.Exit == 0 || p.Exit > 128) {
			err = tooLate(r, p, status.Trouble)
		}
		res.err = err
		return res
	}
	var s schema.Snapshot
	if err := schema.Decode("cm://"+r.agent.Namespace+"/"+where, text, &s); err != nil {
		res.err = err
		return res
	}
	res.snapshot = &s
	return res
}

// written reads the ConfigMap that a Pod wrote. NotFound if it wrote none: one that is as
// it was before the run is of an earlier run with the same name.
func written(ctx context.Context, c *kube.Client, r run, index int) ([]byte, error) {
	if old := r.before[index]; old != "" {
		v, err := c.ResourceVersion(ctx, r.configMap(index))
		if err != nil {
			return nil, err
		}
		if v == old {
			return nil, schema.Errorf(schema.NotFound, "%s is as it was", r.output(index))
		}
	}
	return c.ReadConfigMap(ctx, r.agent.Namespace, r.output(index))
}

// fromLog finds the snapshot in a Pod's log. Without one the error is why the
// agent ended.
func fromLog(ctx context.Context, c *kube.Client, r run, p *kube.Pod) ([]byte, error) {
	var e envelope
	var story []string
	err := c.PodLog(ctx, r.agent.Namespace, p.Name, false, func(line string) {
		if e.line(line) {
			story = append(story[max(0, len(story)-tail+1):], line)
		}
	})
	if err != nil {
		return nil, failure(p, nil)
	}
	text, err := e.document()
	if text == nil && err == nil {
		err = failure(p, story)
	}
	return text, err
}

// tooLate is the error of a Pod that ran when the Job's time was up.
func tooLate(r run, p *kube.Pod, trouble string) error {
	if len(r.nodes) == 0 || p.Node == "" {
		return tooLong(r, trouble)
	}
	msg := fmt.Sprintf("the agent on node %s did not end within %s", p.Node, r.limit)
	if p.Trouble != "" {
		msg += ": " + p.Trouble
	}
	return schema.Errorf(schema.Timeout, "%s", msg).WithHint("%s gives it longer", schema.Parameter("agent.timeout"))
}

// failure is the error of an agent that ended without a result: its exit status
// has the code, its last lines say why.
func failure(p *kube.Pod, story []string) error {
	code := schema.Failed
	for _, info := range schema.Codes() {
		if p.Exit != 0 && info.Exit == p.Exit {
			code = info.Code
		}
	}
	msg := fmt.Sprintf("the agent on node %s failed", p.Node)
	if p.Trouble != "" {
		msg += ": " + p.Trouble
	}
	for _, line := range story {
		msg += "\n  " + line
	}
	return schema.Errorf(code, "%s", msg)
}

// noPod is the error of a Job that never had a Pod for an index.
func noPod(r run, ended kube.Job) error {
	if ended.Failed {
		return schema.Errorf(schema.Failed, "job %s failed: %s: %s", r.name, ended.Reason, ended.Message)
	}
	return schema.Errorf(schema.Failed, "job %s ended without a Pod", r.name)
}
