package jobs

import (
	"context"
	"time"

	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/steps/kube"
)

const (
	// liveLogs is the greatest number of Pods whose logs are followed as they
	// come; those of others are read when they have ended.
	liveLogs = 16
	// lastWords is how long the end of a log may take to come after its Pod's.
	lastWords = 5 * time.Second
)

// follow starts to follow the log of every Pod that has one.
func (f *following) follow(ctx context.Context, pods []kube.Pod) {
	for _, p := range pods {
		if !p.Started || f.logs[p.Name] != nil || p.Index >= len(f.waiters) || len(f.logs) >= liveLogs {
			continue
		}
		done := make(chan struct{})
		f.logs[p.Name] = done
		w := f.waiters[p.Index]
		go func() {
			defer close(done)
			if err := f.listen(ctx, w, p.Name, true); err != nil && ctx.Err() == nil {
				w.env.Log("following the log of pod %s: %v", p.Name, err)
			}
		}()
	}
}

// listen passes on what a Pod says. The result in it is not taken: the one that
// was delivered is.
func (f *following) listen(ctx context.Context, w *waiter, pod string, follow bool) error {
	return f.executor.client.PodLog(ctx, f.executor.namespace, pod, follow, func(line string) {
		process.Hear([]byte(line), w.env)
	})
}

// hearOut waits for the end of a Pod's log, so that what a step said comes
// before its end.
func (f *following) hearOut(ctx context.Context, i int, p kube.Pod) {
	if done := f.logs[p.Name]; done != nil {
		select {
		case <-done:
		case <-time.After(lastWords):
		case <-ctx.Done():
		}
		return
	}
	if p.Name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	if err := f.listen(ctx, f.waiters[i], p.Name, false); err != nil {
		f.waiters[i].env.Log("reading the log of pod %s: %v", p.Name, err)
	}
}
