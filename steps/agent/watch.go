package agent

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// liveLogs is the greatest number of Pods whose logs are followed as they come:
// more are no story that anybody reads.
const liveLogs = 16

// deadlineExceeded is a Job's reason to fail when its time is up.
const deadlineExceeded = "DeadlineExceeded"

// watch follows one Job.
type watch struct {
	client    *kube.Client
	run       run
	options   Options
	following map[string]bool // Pods by name
	seen      map[string]kube.Pod
	logs      sync.WaitGroup
	trouble   string // the last that was told
}

// untilDone waits for the Job's end and returns its Pods, and the Job's failure
// if it has one that is not a Pod's. It does not wait for Pods that can never
// start. When the Job's time is up, its controller deletes the Pods that run:
// those are returned as they were.
func (w *watch) untilDone(ctx context.Context) ([]kube.Pod, kube.Job, error) {
	live, stop := context.WithCancel(ctx)
	defer w.logs.Wait()
	defer stop()
	poll := w.options.Poll
	if poll == 0 {
		// The Pods of a fleet are many pages; nobody waits for the second.
		poll = time.Second * time.Duration(1+len(w.run.nodes)/200)
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		job, err := w.client.Job(ctx, w.run.agent.Namespace, w.run.name)
		if schema.CodeOf(err) == schema.NotFound {
			return nil, job, schema.Errorf(schema.Failed, "job %s was deleted while it ran", w.run.name)
		}
		if err != nil {
			return nil, job, err
		}
		pods, err := w.client.JobPods(ctx, w.run.agent.Namespace, w.run.name)
		if err != nil {
			return nil, job, err
		}
		w.follow(live, pods)
		if job.Reason != deadlineExceeded {
			for _, p := range pods {
				w.seen[p.Name] = p
			}
		}
		if job.Complete || job.Failed {
			w.finish(stop)
			return w.pods(), job, nil
		}
		if done, err := w.look(ctx, pods); err != nil || done {
			return w.pods(), job, err
		}
		select {
		case <-ctx.Done():
			return nil, job, ctx.Err()
		case <-tick.C:
		}
	}
}

// pods are all Pods that were seen, by index, the newest of each last.
func (w *watch) pods() []kube.Pod {
	return slices.SortedFunc(maps.Values(w.seen), kube.PodOrder)
}

// finish gives the logs of Pods that have ended a moment to come in.
func (w *watch) finish(stop func()) {
	done := make(chan struct{})
	go func() {
		w.logs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		stop()
	}
}

// follow starts to follow the log of every Pod that has one and is not
// followed yet.
func (w *watch) follow(ctx context.Context, pods []kube.Pod) {
	if len(w.run.nodes) > liveLogs {
		return
	}
	for _, p := range pods {
		if !p.Started || w.following[p.Name] {
			continue
		}
		w.following[p.Name] = true
		prefix := ""
		if len(w.run.nodes) > 0 {
			prefix = p.Node + ": "
		}
		w.logs.Go(func() {
			var e envelope
			err := w.client.PodLog(ctx, w.run.agent.Namespace, p.Name, true, func(line string) {
				if e.line(line) {
					w.options.Log("%s%s", prefix, strings.TrimPrefix(line, "eidos: "))
				}
			})
			if err != nil && ctx.Err() == nil {
				w.options.Log("%sfollowing the agent's log: %v", prefix, err)
			}
		})
	}
}

// look tells how far the Pods are, and fails if the only one cannot get
// further. Of a fleet it reports whether those that are not done never will be.
func (w *watch) look(ctx context.Context, pods []kube.Pod) (over bool, err error) {
	done, hopeless := 0, 0
	trouble := ""
	for _, p := range pods {
		if p.Phase == "Succeeded" && w.run.answered != nil {
			w.run.answered(p.Node)
		}
		if p.Phase == "Succeeded" || p.Phase == "Failed" {
			done++
			continue
		}
		if p.Hopeless && len(w.run.nodes) == 0 {
			return true, schema.Errorf(schema.Failed, "the agent cannot start: pod %s: %s", p.Name, p.Trouble).WithHint("%s", hintFor(p.Trouble))
		}
		if p.Hopeless {
			hopeless++
		}
		if p.Trouble != "" && trouble == "" {
			trouble = "pod " + p.Name + ": " + p.Trouble
		}
	}
	if w.options.Progress != nil {
		w.options.Progress(int64(done), int64(max(1, len(w.run.nodes))), "nodes")
	}
	if len(pods) == 0 {
		warnings, err := w.client.Warnings(ctx, "Job", w.run.agent.Namespace, w.run.name)
		if err != nil {
			return false, err
		}
		// Pods that were deleted because the Job's time is up leave what they
		// waited for.
		trouble = w.trouble
		for _, m := range warnings {
			if strings.HasPrefix(m, deadlineExceeded) {
				continue
			}
			trouble = m
			if strings.Contains(m, "violates PodSecurity") {
				return true, schema.Errorf(schema.Failed, "the agent cannot start: %s", m).
					WithHint("use a namespace that allows privileged Pods, or leave out %s", schema.Parameter("agent.privileged"))
			}
		}
	}
	if trouble != "" && trouble != w.trouble {
		w.options.Log("waiting: %s", trouble)
	}
	w.trouble = trouble
	return hopeless > 0 && done+hopeless == len(w.run.nodes), nil
}

func hintFor(trouble string) string {
	switch {
	case strings.Contains(trouble, "Image"):
		return "is the image right, and can the cluster pull it? " + schema.Parameter("agent.image") + ", " + schema.Parameter("agent.imagePullSecret")
	case strings.Contains(trouble, "Unschedulable"):
		return schema.Parameter("agent.nodeSelector") + " and " + schema.Parameter("agent.toleration") + " say where it may run"
	case strings.Contains(trouble, "runtime"):
		return "does the cluster have that RuntimeClass? " + schema.Parameter("agent.runtimeClass")
	}
	return "kubectl describe pod says more; " + schema.Parameter("agent.noCleanup") + " keeps it"
}
