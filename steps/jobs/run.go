package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// cleanupLimit bounds the end of a Job, also after Ctrl-C.
const cleanupLimit = 30 * time.Second

// run runs one Job for waiters and gives each its outcome.
func (e *Executor) run(ctx context.Context, waiters []*waiter) {
	f := &following{executor: e, waiters: waiters, name: e.name(waiters[0].task), open: map[int]bool{}, logs: map[string]chan struct{}{}}
	for i := range waiters {
		f.open[i] = true
	}
	err := f.run(ctx)
	if err == nil {
		err = schema.Errorf(schema.Unavailable, "job %s ended and left no result", f.name)
	}
	for i := range waiters {
		f.end(i, engine.TaskResult{}, err) // those that have none
	}
}

// following is one Job that is watched.
type following struct {
	executor *Executor
	waiters  []*waiter
	name     string
	open     map[int]bool             // indices without an outcome
	logs     map[string]chan struct{} // by Pod; closed when all was heard
	trouble  string                   // the last that was told
}

// end gives waiter i its outcome, once.
func (f *following) end(i int, res engine.TaskResult, err error) {
	if f.open[i] {
		delete(f.open, i)
		f.waiters[i].end(res, err)
	}
}

// tell says something about the Job as a whole, in the story of its first task
// that is not over.
func (f *following) tell(format string, args ...any) {
	for i, w := range f.waiters {
		if f.open[i] {
			w.env.Log(format, args...)
			return
		}
	}
}

func (f *following) run(ctx context.Context) (err error) {
	e := f.executor
	tasks := make([]engine.Task, len(f.waiters))
	for i, w := range f.waiters {
		tasks[i] = w.task
	}
	plan, err := remote.Send(ctx, e.Between, e.Store, tasks)
	if err != nil {
		return fmt.Errorf("sending the step to %s: %w", e.URI, err)
	}
	job, err := e.job(f.name, tasks, plan)
	if err != nil {
		return err
	}
	if e.Pods.NoCleanup {
		f.tell("job %s stays in namespace %s", f.name, e.namespace)
	} else {
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
			defer cancel()
			// Its Secret goes with it.
			if derr := e.client.Delete(ctx, job); derr != nil {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.left = append(e.left, schema.Errorf(schema.CodeOf(derr), "job %s in namespace %s is left behind: %w", f.name, e.namespace, derr).WithHint("kubectl delete job removes it"))
			}
		}()
	}
	if err := e.create(ctx, job, tasks); err != nil {
		return err
	}
	f.tell("job %s in namespace %s: %s", f.name, e.namespace, e.image)
	return f.untilDone(ctx)
}

// create makes the Job and, before its Pods, the Secret that it owns.
func (e *Executor) create(ctx context.Context, job kube.Object, tasks []engine.Task) error {
	if err := e.client.Apply(ctx, job); err != nil {
		return starting(err)
	}
	if len(secretsOf(tasks)) == 0 {
		return nil
	}
	uid, err := e.client.UID(ctx, job)
	if err == nil {
		err = e.client.Apply(ctx, e.secret(job.Name(), uid, tasks))
	}
	if err == nil {
		job["spec"].(map[string]any)["suspend"] = false
		err = e.client.Apply(ctx, job)
	}
	return starting(err)
}

// starting gives errors of creating a Job their hint.
func starting(err error) error {
	if schema.CodeOf(err) != schema.Unauthorized {
		return err
	}
	return schema.Errorf(schema.Unauthorized, "starting the step's Job: %w", err).
		WithHint("who runs the pipeline needs create, get, patch and delete on jobs, list on pods, get on pods/log, and create and patch on secrets where steps have any")
}

// untilDone takes each task's result as soon as it is there, until all are or
// the Job has ended.
func (f *following) untilDone(ctx context.Context) error {
	e := f.executor
	poll := e.Poll
	if poll == 0 {
		poll = time.Second
	}
	live, stop := context.WithCancel(ctx)
	defer stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		job, err := e.client.Job(ctx, e.namespace, f.name)
		if schema.CodeOf(err) == schema.NotFound {
			return schema.Errorf(schema.Unavailable, "job %s was deleted while it ran", f.name)
		}
		if err != nil {
			return err
		}
		pods, err := e.client.JobPods(ctx, e.namespace, f.name)
		if err != nil {
			return err
		}
		f.follow(live, pods)
		if err := f.collect(ctx, pods, job.Complete || job.Failed); err != nil {
			return err
		}
		if len(f.open) == 0 || job.Complete || job.Failed {
			return nil
		}
		if err := f.look(ctx, pods); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// collect takes the results of Pods that have ended. A Pod that was killed has
// none, and the Job starts another in its place; last says that it does no
// more.
func (f *following) collect(ctx context.Context, pods []kube.Pod, last bool) error {
	newest := map[int]kube.Pod{}
	for _, p := range pods {
		if f.open[p.Index] {
			newest[p.Index] = p // they come oldest first
		}
	}
	for i := range f.waiters {
		p, ok := newest[i]
		if !f.open[i] || !last && (!ok || p.Phase != "Succeeded" && p.Phase != "Failed") {
			continue
		}
		res, found, err := remote.Receive(ctx, f.waiters[i].task, f.executor.Between, f.executor.Store)
		switch {
		case err != nil:
			return fmt.Errorf("reading the result of %s: %w", f.waiters[i].task.Step, err)
		case found:
			f.hearOut(ctx, i, p)
			f.end(i, res, nil)
		case last || ok && slices.Contains(ownExits(), p.Exit):
			f.end(i, engine.TaskResult{}, lost(f.name, p))
		}
	}
	return nil
}

// lost is the error of a Pod that ended without a result.
func lost(job string, p kube.Pod) error {
	switch {
	case p.Name == "":
		return schema.Errorf(schema.Unavailable, "job %s ended without a Pod for the step", job)
	case strings.HasPrefix(p.Trouble, "OOMKilled"):
		return schema.Errorf(schema.Failed, "pod %s on node %s was killed: it needs more memory", p.Name, p.Node).WithHint("--memory gives it more")
	case strings.HasPrefix(p.Trouble, "DeadlineExceeded"):
		return schema.Errorf(schema.Timeout, "pod %s on node %s took too long", p.Name, p.Node)
	}
	msg := fmt.Sprintf("pod %s on node %s ended with status %d and without a result", p.Name, p.Node, p.Exit)
	if p.Trouble != "" {
		msg += ": " + p.Trouble
	}
	return schema.Errorf(schema.Unavailable, "%s", msg)
}

// look tells what Pods wait for, and fails if they cannot get further.
func (f *following) look(ctx context.Context, pods []kube.Pod) error {
	trouble := ""
	for _, p := range pods {
		if p.Phase == "Succeeded" || p.Phase == "Failed" || !f.open[p.Index] {
			continue
		}
		if p.Hopeless {
			return schema.Errorf(schema.Failed, "the step's Pod %s cannot start: %s", p.Name, p.Trouble).WithHint("%s", hintFor(p.Trouble))
		}
		if p.Trouble != "" && trouble == "" {
			trouble = "pod " + p.Name + ": " + p.Trouble
		}
	}
	if len(pods) == 0 {
		warnings, err := f.executor.client.Warnings(ctx, "Job", f.executor.namespace, f.name)
		if err != nil {
			return err
		}
		for _, m := range warnings {
			if trouble = m; strings.Contains(m, "forbidden") {
				return schema.Errorf(schema.Failed, "the step's Pod cannot start: %s", m)
			}
		}
	}
	if trouble != "" && trouble != f.trouble {
		f.tell("waiting: %s", trouble)
	}
	f.trouble = trouble
	return nil
}

func hintFor(trouble string) string {
	switch {
	case strings.Contains(trouble, "Image"):
		return "is the image right, and can the cluster pull it? --image, --image-pull-secret"
	case strings.Contains(trouble, "runtime"):
		return "does the cluster have that RuntimeClass? --runtime-class"
	}
	return "kubectl describe pod says more; --no-cleanup keeps it"
}
