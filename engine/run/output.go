package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// save writes v to out, and returns where that is: "" if out is not on this machine,
// as for a step that runs for another, whose caller saves it (engine.ErrNotHere).
func (w *worker) save(ctx context.Context, env engine.Env, v schema.Value, out string) (string, error) {
	if w.Save == nil {
		return "", schema.Errorf(schema.Failed, "cannot save to %q: nothing here can", out)
	}
	err := w.Save(ctx, env, v, out)
	if errors.Is(err, engine.ErrNotHere) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("saving to %q: %w", out, err)
	}
	return out, nil
}

// reuse takes an earlier result; `out` is written again if it is not that. The
// decision stays "reuse" then, with the reason why it was written: the function did
// not run.
func (w *worker) reuse(ctx context.Context, j attempt, dec engine.Decision, e engine.Entry, out string) outcome {
	o := outcome{decision: dec, artifact: e.Artifact, blobs: e.Blobs}
	if out == "" {
		return o
	}
	o.out = out
	env := w.env(ctx, j, &content.Recorder{Blobs: w.Store})
	missing := w.missing(ctx, env, e.Artifact, out)
	if missing == "" {
		return o
	}
	if o.err = ctx.Err(); o.err != nil {
		return o // stopped while it looked: nothing is known about the output
	}
	o.decision.Code, o.decision.Reason = engine.CodeOutputMissing, missing
	v, err := w.values.get(ctx, e.Artifact)
	if err == nil {
		o.out, err = w.save(ctx, env, v, out)
	}
	o.err = err
	return o
}

// missing describes, for the reason of a decision, why out has to be written, "" if it holds a.
func (w *worker) missing(ctx context.Context, env engine.Env, a engine.Artifact, out string) string {
	return missingOutput(ctx, w.Load, env, a, out)
}

// missingOutput reads out as a document and compares digests, not bytes: the same
// document in YAML or with other spaces is not written again. What cannot be read
// for another reason than that it is not there counts as changed.
func missingOutput(ctx context.Context, load engine.Loader, env engine.Env, a engine.Artifact, out string) string {
	if out == "-" || load == nil {
		return "unchanged; written to " + out + " each time"
	}
	v, err := load(ctx, env, out, a.MediaType)
	if schema.CodeOf(err) == schema.NotFound {
		return "unchanged, but output missing: " + out
	}
	if err == nil {
		if data, eerr := schema.Encode(v); eerr == nil && schema.DigestOf(data) == a.Digest {
			return ""
		}
	}
	return "unchanged, but output changed: " + out
}

// load reads a URI and puts the document into the store. It has no key: files change
// without notice, so it is read in every run, and those who take it are reused by
// the digest of what was read.
func (w *worker) load(ctx context.Context, j attempt) outcome {
	n := j.node
	o := outcome{decision: loadDecision(n)}
	if w.Load == nil {
		o.err = schema.Errorf(schema.Failed, "cannot read %q: nothing here can", n.URI)
		return o
	}
	if o.err = n.Within(w.dir, plan.Params{}, ""); o.err != nil {
		return o
	}
	w.send(message{what: msgStarted, node: n.Index, attempt: j.attempt, decision: o.decision})
	blobs := &content.Recorder{Blobs: w.Store}
	v, err := w.Load(ctx, w.env(ctx, j, blobs), n.URI, n.MediaType)
	if err == nil && v.MediaType() != n.MediaType {
		err = schema.Errorf(schema.Invalid, "%q is a %s, not a %s", n.URI, schema.ShortType(v.MediaType()), schema.ShortType(n.MediaType))
	}
	if err == nil {
		o.artifact, _, err = content.Write(ctx, w.Store, v)
		o.blobs = blobs.Sorted()
	}
	o.err = err
	return o
}

func loadDecision(n *plan.Node) engine.Decision {
	return engine.Decision{Step: n.ID, Uses: "load", Action: engine.ActionAlways, Code: engine.CodeLoad, Reason: "reads " + n.URI}
}
