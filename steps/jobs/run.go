package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

// run runs one Job for requests and ends each with its outcome.
func (e *Executor) run(ctx context.Context, requests []*request) {
	w := &watch{executor: e, requests: requests, open: map[int]bool{}}
	for i := range requests {
		w.open[i] = true
	}
	w.driver = job.Driver{
		Cluster: e.client, Namespace: e.namespace, Name: e.name(requests[0].task), Poll: e.Poll,
		Log: w.report, Follow: w.follow, Needed: func(p kube.Pod) bool { return w.isOpen(p.Index) },
	}
	err := w.run(ctx)
	if err == nil {
		err = schema.Errorf(schema.Unavailable, "job %s ended and left no result", w.driver.Name)
	}
	for i := range requests {
		w.end(i, engine.TaskResult{}, err) // those that have none
	}
}

// watch is one Job under way. The goroutine of run creates, looks and deletes; those
// that follow logs only ask which tasks are open.
type watch struct {
	executor *Executor
	requests []*request // by index of the Job
	driver   job.Driver

	mu   sync.Mutex
	open map[int]bool // indices without an outcome
}

// end ends request i with its outcome, once.
func (w *watch) end(i int, res engine.TaskResult, err error) {
	w.mu.Lock()
	was := w.open[i]
	delete(w.open, i)
	w.mu.Unlock()
	if was {
		w.requests[i].end(res, err)
	}
}

func (w *watch) isOpen(i int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[i]
}

// report logs what is about the Job as a whole in its first task that has not
// ended, else in its first.
func (w *watch) report(format string, args ...any) {
	for i, r := range w.requests {
		if w.isOpen(i) {
			r.env.Log(format, args...)
			return
		}
	}
	w.requests[0].env.Log(format, args...)
}

// follow passes a Pod's log on to its task. The result in the log is not taken:
// the one that was delivered is.
func (w *watch) follow(p kube.Pod) func(string) {
	if p.Index >= len(w.requests) {
		return nil
	}
	env := w.requests[p.Index].env
	return func(line string) { process.Handle([]byte(line), env) }
}

// run sends the tasks, creates the Job, waits for it and deletes it. The clean-up is
// deferred before anything is created: a request that was answered with an error may
// have made the Job all the same.
func (w *watch) run(ctx context.Context) (err error) {
	e := w.executor
	tasks := make([]engine.Task, len(w.requests))
	for i, r := range w.requests {
		tasks[i] = r.task
	}
	plan, err := remote.Send(ctx, e.Shared, e.Store, tasks)
	if err != nil {
		return fmt.Errorf("sending the step to %s: %w", e.URI, err)
	}
	name := w.driver.Name
	o, err := e.job(name, tasks, plan)
	if err != nil {
		return err
	}
	if e.Pods.NoCleanup {
		w.report("job %s stays in namespace %s", name, e.namespace)
	} else {
		defer func() {
			// Its Secret goes with it.
			if derr := w.driver.Delete(ctx, o); derr != nil {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.left = append(e.left, schema.Errorf(schema.CodeOf(derr), "job %s in namespace %s is left behind: %w", name, e.namespace, derr).WithHint("kubectl delete job removes it"))
			}
		}()
	}
	if err := w.create(ctx, o, tasks); err != nil {
		return starting(err)
	}
	w.report("job %s in namespace %s: %s", name, e.namespace, e.image)
	return w.untilDone(ctx)
}

// create creates the Job and, before its Pods, the Secret that it owns. The Job comes
// first, suspended, because the owner must be there to be named: so no Secret is ever
// left without something that removes it.
func (w *watch) create(ctx context.Context, o kube.Object, tasks []engine.Task) error {
	if err := w.driver.Create(ctx, o); err != nil || len(secretsOf(tasks)) == 0 {
		return err
	}
	uid, err := w.executor.client.UID(ctx, o)
	if err != nil {
		return err
	}
	o["spec"].(map[string]any)["suspend"] = false
	return w.driver.Create(ctx, w.executor.secret(o.Name(), uid, tasks), o)
}

// starting adds the hint to errors of creating a Job.
func starting(err error) error {
	if schema.CodeOf(err) != schema.Unauthorized {
		return err
	}
	return schema.Errorf(schema.Unauthorized, "starting the step's Job: %w", err).
		WithHint("who runs the pipeline needs create, get, patch and delete on jobs, list on pods, get on pods/log, and create and patch on secrets where steps have any")
}

// untilDone takes each task's result as soon as it is there, until all are or
// the Job has ended.
func (w *watch) untilDone(ctx context.Context) error {
	for s, err := range w.driver.Watch(ctx) {
		if err != nil {
			return err
		}
		if err := w.collect(ctx, s); err != nil {
			return err
		}
		if len(w.open) == 0 {
			return nil
		}
		if s.Refused != "" {
			return schema.Errorf(schema.Failed, "the step's Pod cannot start: %s", s.Refused)
		}
		if len(s.Stuck) > 0 {
			p := s.Stuck[0]
			return schema.Errorf(schema.Failed, "the step's Pod %s cannot start: %s", p.Name, p.Trouble).WithHint("%s", job.Hint(p.Trouble, flag))
		}
	}
	return nil
}

// flag is how the command line writes a setting of Pods.
func flag(setting string) string { return "--" + schema.FlagName(setting) }

// collect takes the results of Pods that have ended. A Pod that was killed has
// none, and the Job starts another in its place until the Job has ended.
func (w *watch) collect(ctx context.Context, s job.Status) error {
	newest := map[int]kube.Pod{}
	for _, p := range s.Pods {
		newest[p.Index] = p // they come oldest first
	}
	for i, r := range w.requests {
		p, ok := newest[i]
		if !w.isOpen(i) || !s.Ended() && (!ok || p.Phase != "Succeeded" && p.Phase != "Failed") {
			continue
		}
		res, found, err := remote.Receive(ctx, r.task, w.executor.Shared, w.executor.Store)
		switch {
		case err != nil:
			return fmt.Errorf("reading the result of %s: %w", r.task.Step, err)
		case found:
			w.driver.Drain(ctx, p)
			w.end(i, res, nil)
		case s.Ended() || slices.Contains(ownExits(), p.Exit):
			w.end(i, engine.TaskResult{}, w.lost(s, p))
		}
	}
	return nil
}

// lost is the error of a Pod that ended without a result; p has no name if there
// was none.
func (w *watch) lost(s job.Status, p kube.Pod) error {
	late := s.Late() || strings.HasPrefix(p.Trouble, "DeadlineExceeded")
	switch {
	case p.Name == "" && s.Trouble != "":
		return schema.Errorf(schema.Unavailable, "job %s ended without a Pod for the step: %s", w.driver.Name, s.Trouble)
	case p.Name == "":
		return schema.Errorf(schema.Unavailable, "job %s ended without a Pod for the step", w.driver.Name)
	case strings.HasPrefix(p.Trouble, "OOMKilled"):
		return schema.Errorf(schema.Failed, "pod %s on node %s was killed: it needs more memory", p.Name, p.Node).WithHint("%s raises its limit", flag("memory"))
	case late && p.Node == "":
		return schema.Errorf(schema.Timeout, "pod %s did not start in time: %s", p.Name, p.Trouble)
	case late:
		return schema.Errorf(schema.Timeout, "pod %s on node %s took too long", p.Name, p.Node)
	}
	msg := fmt.Sprintf("pod %s on node %s ended with status %d and without a result", p.Name, p.Node, p.Exit)
	if p.Trouble != "" {
		msg += ": " + p.Trouble
	}
	return schema.Errorf(schema.Unavailable, "%s", msg)
}
