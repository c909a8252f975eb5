package jobs

import (
	"context"
	"time"
)

// Rows of a matrix come one by one within a moment, each from its own attempt.
// A batch waits until all rows have come, or none has for a while: some may be
// reused, or wait for others.
const quiet = 300 * time.Millisecond

// batch is the tasks of one Job.
type batch struct {
	requests []*request
	timer    *time.Timer
}

// add puts w into the batch of its matrix step, or runs it by itself. The last of all
// rows fires the batch at once. Rows that come after that are a batch of their own.
func (e *Executor) add(w *request) {
	e.open.Add(1) // one for each task until its batch runs
	if w.task.Of == "" {
		e.start([]*request{w})
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := w.task.Of
	b := e.waiting[key]
	if b == nil {
		b = &batch{}
		b.timer = time.AfterFunc(quiet, func() { e.fire(key, b) })
		e.waiting[key] = b
	}
	b.requests = append(b.requests, w)
	b.timer.Reset(quiet)
	if len(b.requests) >= w.task.Rows {
		b.timer.Reset(0)
	}
}

// fire runs a batch, once: the timer may have fired while the last row was added.
func (e *Executor) fire(key string, b *batch) {
	e.mu.Lock()
	if e.waiting[key] != b {
		e.mu.Unlock()
		return
	}
	delete(e.waiting, key)
	e.mu.Unlock()
	e.start(b.requests)
}

// start runs a Job for requests until all of them have an outcome, or nobody
// waits any more. The Job's context is not that of one request: a row that is stopped
// must not end the others.
func (e *Executor) start(requests []*request) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(requests[0].ctx))
	left := make(chan struct{}, len(requests))
	for _, w := range requests {
		context.AfterFunc(w.ctx, func() { left <- struct{}{} })
	}
	over := make(chan struct{})
	go func() {
		for range requests {
			select {
			case <-left:
			case <-over:
				return
			}
		}
		cancel()
	}()
	go func() {
		defer func() {
			cancel()
			close(over)
			e.open.Add(-len(requests))
		}()
		e.run(ctx, requests)
	}()
}
