package job

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// Status is a Job at one look.
type Status struct {
	kube.Job
	// Pods are all that were seen, by index, the newest of each last. When the
	// Job's time is up its controller deletes the Pods that run: those are as they
	// were before.
	Pods []kube.Pod
	// Trouble is what the first Pod that has to wait waits for, or why none can be
	// created; it stays when those Pods are gone.
	Trouble string
	// Stuck are the Pods for which waiting longer does not help.
	Stuck []kube.Pod
	// Refused is why the API server does not admit the Job's Pods, "" if it does.
	Refused string
}

// Ended reports whether the Job has come to its end.
func (s Status) Ended() bool { return s.Complete || s.Failed }

// Late reports whether the Job has failed because its time was up.
func (s Status) Late() bool { return s.Reason == deadlineExceeded }

// Watch looks at the Job until it has ended, which is the last status. An error
// comes with the last status that was known, and is the last: of the API server,
// Unavailable if the Job is gone, or that of ctx. Logs are followed no longer
// than the loop runs.
func (d *Driver) Watch(ctx context.Context) iter.Seq2[Status, error] {
	return func(yield func(Status, error) bool) {
		live, stop := context.WithCancel(ctx)
		defer d.readers.Wait()
		defer stop()
		d.seen, d.logs = map[string]kube.Pod{}, map[string]chan struct{}{}
		poll := d.Poll
		if poll == 0 {
			poll = defaultPoll
		}
		tick := time.NewTicker(poll)
		defer tick.Stop()
		for {
			s, err := d.look(ctx, live)
			if !yield(s, err) || err != nil || s.Ended() {
				return
			}
			select {
			case <-ctx.Done():
				yield(s, ctx.Err())
				return
			case <-tick.C:
			}
		}
	}
}

// look reads the Job before its Pods, so that those of a Job that has ended are
// all there.
func (d *Driver) look(ctx, live context.Context) (Status, error) {
	s := Status{Pods: d.pods(), Trouble: d.trouble}
	job, err := d.Cluster.Job(ctx, d.Namespace, d.Name)
	if schema.CodeOf(err) == schema.NotFound {
		return s, d.deleted()
	}
	if err != nil {
		return s, err
	}
	s.Job = job
	pods, err := d.Cluster.JobPods(ctx, d.Namespace, d.Name)
	if err != nil {
		return s, err
	}
	d.follow(live, pods)
	for _, p := range pods {
		if !s.Late() || p.Phase == "Succeeded" {
			d.seen[p.Name] = p
		}
	}
	s.Pods = d.pods()
	if s.Ended() {
		return s, nil
	}
	return s, d.assess(ctx, &s, pods)
}

func (d *Driver) pods() []kube.Pod {
	return slices.SortedFunc(maps.Values(d.seen), kube.PodOrder)
}

// assess finds out what Pods wait for, and reports it when it has changed.
func (d *Driver) assess(ctx context.Context, s *Status, pods []kube.Pod) error {
	trouble, waiting := "", false
	for _, p := range pods {
		if p.Phase == "Succeeded" || p.Phase == "Failed" || d.Needed != nil && !d.Needed(p) {
			continue
		}
		waiting = true
		if p.Hopeless {
			s.Stuck = append(s.Stuck, p)
		}
		if p.Trouble != "" && trouble == "" {
			trouble = "pod " + p.Name + ": " + p.Trouble
		}
	}
	if !waiting {
		trouble = s.Trouble
	}
	if len(pods) == 0 {
		warnings, err := d.Cluster.Warnings(ctx, "Job", d.Namespace, d.Name)
		if err != nil {
			return err
		}
		for _, w := range warnings {
			if strings.HasPrefix(w, deadlineExceeded) {
				continue
			}
			if trouble = w; strings.Contains(w, "forbidden") {
				s.Refused = w
			}
		}
	}
	if trouble != "" && trouble != d.trouble {
		d.Log("waiting: %s", trouble)
	}
	d.trouble, s.Trouble = trouble, trouble
	return nil
}
