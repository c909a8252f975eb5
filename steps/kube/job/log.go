package job

import (
	"context"

	"github.com/NVIDIA/eidos/steps/kube"
)

// follow starts to follow the log of every Pod that has one, up to LiveLogs.
func (d *Driver) follow(ctx context.Context, pods []kube.Pod) {
	if d.Follow == nil {
		return
	}
	for _, p := range pods {
		if !p.Started || d.logs[p.Name] != nil || len(d.logs) >= LiveLogs {
			continue
		}
		each := d.Follow(p)
		if each == nil {
			continue
		}
		done := make(chan struct{})
		d.logs[p.Name] = done
		d.readers.Go(func() {
			defer close(done)
			if err := d.Cluster.PodLog(ctx, d.Namespace, p.Name, true, each); err != nil && ctx.Err() == nil {
				d.Log("following the log of pod %s: %v", p.Name, err)
			}
		})
	}
}

// Drain waits until the logs of Pods that have ended have come, so that what they
// printed is there before their result; it waits a few seconds at most. A log
// that was not followed is read now. It is called while Watch is under way.
func (d *Driver) Drain(ctx context.Context, pods ...kube.Pod) {
	ctx, cancel := context.WithTimeout(ctx, lastLines)
	defer cancel()
	for _, p := range pods {
		if done := d.logs[p.Name]; done != nil {
			select {
			case <-done:
			case <-ctx.Done():
			}
			continue
		}
		if d.Follow == nil || !p.Started {
			continue
		}
		if each := d.Follow(p); each != nil {
			if err := d.Cluster.PodLog(ctx, d.Namespace, p.Name, false, each); err != nil {
				d.Log("reading the log of pod %s: %v", p.Name, err)
			}
		}
	}
}

// Tail returns the last n lines of a Pod's log.
func (d *Driver) Tail(ctx context.Context, pod string, n int) ([]string, error) {
	var lines []string
	err := d.Cluster.PodLog(ctx, d.Namespace, pod, false, func(line string) {
		if lines = append(lines, line); len(lines) >= 2*n {
			lines = append(lines[:0], lines[len(lines)-n:]...)
		}
	})
	return lines[max(0, len(lines)-n):], err
}
