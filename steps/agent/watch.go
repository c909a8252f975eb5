package agent

import (
	"context"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

// A step kind's time to clean up covers what its driver takes.
const _ = uint64(collect.AgentCleanUp - job.CleanUp)

// newDriver drives the Job of a run. The logs of a few Pods are followed while they run;
// those of a large fleet are read only where a result is missing.
func newDriver(c *kube.Client, r run, o Options) *job.Driver {
	d := &job.Driver{Cluster: c, Namespace: r.agent.Namespace, Name: r.name, Poll: o.Poll, Log: o.Log}
	if d.Poll == 0 {
		// The Pods of a fleet are many pages; nobody waits for the second.
		d.Poll = time.Second * time.Duration(1+len(r.nodes)/200)
	}
	if len(r.nodes) <= job.LiveLogs {
		d.Follow = func(p kube.Pod) func(string) {
			prefix := ""
			if len(r.nodes) > 0 {
				prefix = p.Node + ": "
			}
			var e envelope
			return func(line string) {
				if e.line(line) {
					o.Log("%s%s", prefix, strings.TrimPrefix(line, "eidos: "))
				}
			}
		}
	}
	return d
}

// untilDone waits for the Job's end and returns how it ended. It does not wait
// for Pods that can never start: a single one is an error, those of a fleet are
// in the status.
func untilDone(ctx context.Context, d *job.Driver, r run, o Options) (s job.Status, err error) {
	for s, err = range d.Watch(ctx) {
		if err != nil {
			return s, err
		}
		done := progress(s, r, o)
		switch {
		case s.Ended():
			d.Drain(ctx, s.Pods...)
		case len(s.Stuck) > 0 && len(r.nodes) == 0:
			p := s.Stuck[0]
			return s, schema.Errorf(schema.Failed, "the agent cannot start: pod %s: %s", p.Name, p.Trouble).WithHint("%s", hintFor(p.Trouble))
		case strings.Contains(s.Refused, "violates PodSecurity"):
			return s, schema.Errorf(schema.Failed, "the agent cannot start: %s", s.Refused).
				WithHint("use a namespace that allows privileged Pods, or leave out %s", schema.Parameter("agent.privileged"))
		case len(s.Stuck) > 0 && done+len(s.Stuck) == len(r.nodes):
			return s, nil
		}
	}
	return s, nil
}

// progress reports which agents have ended, and returns how many.
func progress(s job.Status, r run, o Options) (done int) {
	for _, p := range s.Pods {
		if p.Phase == "Succeeded" && r.answered != nil {
			r.answered(p.Node)
		}
		if p.Phase == "Succeeded" || p.Phase == "Failed" {
			done++
		}
	}
	if o.Progress != nil {
		o.Progress(int64(done), int64(max(1, len(r.nodes))), "nodes")
	}
	return done
}

// hintFor is what to do about a Pod that cannot start, with settings of the agent.
func hintFor(trouble string) string {
	return job.Hint(trouble, func(setting string) string { return schema.Parameter("agent." + setting) })
}
