package run

import (
	"context"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/schema"
)

// source is what the first event holds: all that eidos retry needs to make the same
// plan again.
func (r *Runner) source() *engine.Source {
	if r.Source == nil {
		return nil
	}
	s := *r.Source
	s.Force, s.Only, s.From, s.KeepGoing, s.Retry = r.Force, r.Only, r.From, r.KeepGoing, r.Retry
	return &s
}

// loadFinished reads what the run that is resumed, or run again, has done. The last
// final event of a step counts. A killed process may have left no journal yet: its run
// is resumed with what the store has.
func (d *decider) loadFinished() error {
	run := d.resume
	if d.retry != "" {
		run = d.retry
	}
	if run == "" {
		return nil
	}
	events, err := d.store.Events(run)
	if err != nil && (d.retry != "" || schema.CodeOf(err) != schema.NotFound) {
		return err
	}
	d.finished = map[string]engine.Event{}
	for _, e := range events {
		switch {
		case e.Type != engine.EventStep || !e.State.Final():
		case e.State == engine.Done && e.Key != "":
			d.finished[e.Step] = e
		default:
			delete(d.finished, e.Step)
		}
	}
	return nil
}

// resumed reports whether a step has done its work in the run that is resumed or run
// again, and sets e to the result of that. Its key must be the same: a step that was
// changed since is another one. This is what keeps an effect from being repeated, so
// the entry of the store counts as well as the journal: it is on the disk first.
func (d *decider) resumed(ctx context.Context, q request, k schema.Digest, e *engine.Entry) bool {
	if d.retry != "" && q.step.Finally {
		return false
	}
	if d.resume != "" { // the journal of a process that was killed may be behind
		last, ok, err := d.store.Last(d.pipeline, q.id)
		if err == nil && ok && last.Key == k && last.Run == d.resume && last.Outcome == "" && d.complete(ctx, last, q.limit) {
			*e = last
			return true
		}
	}
	done, ok := d.finished[q.id]
	if !ok || done.Key != key.Short(k) {
		return false
	}
	was := *e
	if was.Key != k || was.Artifact.Digest != done.Digest { // a later run had another result
		was = engine.Entry{Key: k, Artifact: engine.Artifact{MediaType: q.step.Kind.Output, Digest: done.Digest, Size: done.Size}}
	}
	if !d.complete(ctx, was, q.limit) {
		return false
	}
	*e = was
	return true
}

// resumedReason is when a resumed step was done.
func (d *decider) resumedReason() string {
	if d.retry != "" {
		return "done in run " + d.retry
	}
	return "done before the run was interrupted"
}
