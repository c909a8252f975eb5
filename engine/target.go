package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/schema"
)

// ErrNotHere is what a Saver returns for a place that is on another machine:
// nothing is saved, and nothing fails.
var ErrNotHere = errors.New("the place is on another machine")

// save writes v to out, and returns where that is: "" if it is not here.
func (x *run) save(ctx context.Context, env Env, v schema.Value, out string) (string, error) {
	if x.Save == nil {
		return "", schema.Errorf(schema.Failed, "cannot save to %q: nothing here can", out)
	}
	err := x.Save(ctx, env, v, out)
	if errors.Is(err, ErrNotHere) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("saving to %q: %w", out, err)
	}
	return out, nil
}

// reuse takes an earlier result; `out` is written again if it is not that.
func (x *run) reuse(ctx context.Context, j job, dec Decision, e Entry, out string) outcome {
	o := outcome{decision: dec, artifact: e.Artifact, blobs: e.Blobs}
	if out == "" {
		return o
	}
	o.out = out
	env := x.env(ctx, j, &recorder{Blobs: x.Store})
	missing := x.missing(ctx, env, e.Artifact, out)
	if missing == "" {
		return o
	}
	if o.err = ctx.Err(); o.err != nil {
		return o // stopped while it looked: nothing is known about the output
	}
	o.decision.Code, o.decision.Reason = CodeOutputMissing, missing
	v, err := x.values.get(ctx, e.Artifact)
	if err == nil {
		o.out, err = x.save(ctx, env, v, out)
	}
	o.err = err
	return o
}

// missing says in words why out has to be written, "" if it holds a.
func (x *run) missing(ctx context.Context, env Env, a Artifact, out string) string {
	return missingOutput(ctx, x.Load, env, a, out)
}

func missingOutput(ctx context.Context, load Loader, env Env, a Artifact, out string) string {
	if out == "-" || load == nil {
		return "unchanged; written to " + out + " each time"
	}
	v, err := load(ctx, env, out, a.MediaType)
	if schema.CodeOf(err) == schema.NotFound {
		return "unchanged, but output missing: " + out
	}
	if err == nil {
		if data, eerr := schema.Encode(v); eerr == nil && digestOf(data) == a.Digest {
			return ""
		}
	}
	return "unchanged, but output changed: " + out
}

// load reads a URI.
func (x *run) load(ctx context.Context, j job) outcome {
	n := j.node
	o := outcome{decision: loadDecision(n)}
	if x.Load == nil {
		o.err = schema.Errorf(schema.Failed, "cannot read %q: nothing here can", n.uri)
		return o
	}
	if o.err = n.within(x.dir, bound{}, ""); o.err != nil {
		return o
	}
	x.send(message{what: started, node: n.index, attempt: j.attempt, decision: o.decision})
	blobs := &recorder{Blobs: x.Store}
	v, err := x.Load(ctx, x.env(ctx, j, blobs), n.uri, n.media)
	if err == nil && v.MediaType() != n.media {
		err = schema.Errorf(schema.Invalid, "%q is a %s, not a %s", n.uri, short(v.MediaType()), short(n.media))
	}
	if err == nil {
		o.artifact, _, err = storeValue(ctx, x.Store, v)
		o.blobs = blobs.sorted()
	}
	o.err = err
	return o
}

func loadDecision(n *node) Decision {
	return Decision{Step: n.id, Uses: "load", Action: ActionAlways, Code: CodeLoad, Reason: "reads " + n.uri}
}
