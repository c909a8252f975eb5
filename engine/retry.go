package engine

import (
	"context"
	"encoding/json"

	"github.com/NVIDIA/eidos/schema"
)

// Source is what a run was made of, kept in its first event so that it can be
// run again. It never holds a secret.
type Source struct {
	// File is the pipeline's path, absolute, or the name of one that eidos
	// brings; "" if it came from standard input.
	File string `json:"file,omitempty"`
	// Dir is what the pipeline's relative paths are relative to.
	Dir string `json:"dir,omitempty"`
	// Text is the pipeline as it was run, in the store while the run is kept.
	Text schema.Digest `json:"text,omitempty"`
	// Included names more in the store that the pipeline is made of.
	Included []schema.Digest   `json:"included,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	Values   json.RawMessage   `json:"values,omitempty"` // of --params-file
	// Kubeconfig and Context are of the caller, who reaches a cluster by them.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Context    string `json:"context,omitempty"`

	// What the Runner adds of its own.
	Force     []string `json:"force,omitempty"`
	Only      []string `json:"only,omitempty"`
	From      string   `json:"from,omitempty"`
	KeepGoing bool     `json:"keepGoing,omitempty"`
	Retry     string   `json:"retry,omitempty"` // run that this one runs again
}

// source is what the first event says.
func (r *Runner) source() *Source {
	if r.Source == nil {
		return nil
	}
	s := *r.Source
	s.Force, s.Only, s.From, s.KeepGoing, s.Retry = r.Force, r.Only, r.From, r.KeepGoing, r.Retry
	return &s
}

// recall reads what the run that is gone on with, or run again, has done.
func (d *decider) recall() error {
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
	d.finished = map[string]Event{}
	for _, e := range events {
		switch {
		case e.Type != EventStep || !e.State.Final():
		case e.State == Done && e.Key != "":
			d.finished[e.Step] = e
		default:
			delete(d.finished, e.Step)
		}
	}
	return nil
}

// resumed reports whether a step has done its work in the run that is gone on
// with or run again, and sets e to the result of that. Its key must be the
// same: a step that was changed since is another one.
func (d *decider) resumed(ctx context.Context, q request, key schema.Digest, e *Entry) bool {
	if d.retry != "" && q.step.finally {
		return false
	}
	if d.resume != "" { // the journal of a process that was killed may be behind
		last, ok, err := d.store.Last(d.pipeline, q.id)
		if err == nil && ok && last.Key == key && last.Run == d.resume && last.Outcome == "" && d.holds(ctx, last, q.limit) {
			*e = last
			return true
		}
	}
	done, ok := d.finished[q.id]
	if !ok || done.Key != keyStart(key) {
		return false
	}
	was := *e
	if was.Key != key || was.Artifact.Digest != done.Digest { // a later run had another result
		was = Entry{Key: key, Artifact: Artifact{MediaType: q.step.kind.Output, Digest: done.Digest, Size: done.Size}}
	}
	if !d.holds(ctx, was, q.limit) {
		return false
	}
	*e = was
	return true
}

// doneWhen says when a resumed step was done.
func (d *decider) doneWhen() string {
	if d.retry != "" {
		return "done in run " + d.retry
	}
	return "done before the run was interrupted"
}
