package run

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// decider decides whether a step runs. It is used by Run and by Explain, so
// that a plan shows what a run does.
type decider struct {
	store    engine.Store
	pipeline string
	resume   string                  // run that is resumed: its finished steps count as done
	retry    string                  // run that is run again: the same
	finished map[string]engine.Event // how the steps of that run ended that did so well
	dir      string
	now      func() time.Time
	environ  func(string) (string, bool)
}

// request is one step with all that its key is made of.
type request struct {
	id     string
	step   *plan.Step
	with   plan.Params
	inputs []key.Input
	forced bool  // by --force or --from: no result is taken
	limit  int64 // bytes of a result beyond which it is taken not to be there, unread; 0: none
}

// decide returns the decision and, for ActionReuse, the entry to take; for all other
// decisions the parts of the key, which are recorded with the result.
//
// The order of the cases is what users see as the reason: what a resumed run has
// done counts before all else, then what the user asked for, then what the file
// says, and only then whether there is a result. Store.Last is read for the reason
// alone, so it comes after everything that does not need it.
func (d *decider) decide(ctx context.Context, q request) (engine.Decision, []engine.Part, engine.Entry, error) {
	k := key.Key{Kind: q.step.Kind, With: q.with.JSON, Inputs: q.inputs}
	dec := engine.Decision{Step: q.id, Uses: q.step.Kind.Name}
	extra, err := d.extra(ctx, q)
	if err != nil {
		return dec, nil, engine.Entry{}, err
	}
	k.Extra = extra
	dec.Key = k.Digest()
	e, found, err := d.store.Lookup(dec.Key)
	if err != nil {
		return dec, nil, engine.Entry{}, err
	}
	found = found && e.Outcome == "" // an entry with one is of an attempt that failed
	age := d.now().Sub(e.Time)
	verdict := func(a engine.Action, c engine.ReasonCode, reason string) (engine.Decision, []engine.Part, engine.Entry, error) {
		dec.Action, dec.Code, dec.Reason = a, c, reason
		if a == engine.ActionReuse {
			return dec, nil, e, nil
		}
		return dec, k.Parts(), engine.Entry{}, nil
	}
	s := q.step
	switch {
	case d.resumed(ctx, q, dec.Key, &e):
		return verdict(engine.ActionReuse, engine.CodeResumed, d.resumedReason())
	case q.forced:
		return verdict(engine.ActionRun, engine.CodeForced, "asked for")
	case s.Cache.Never:
		return verdict(engine.ActionAlways, engine.CodeCacheOff, "cache: false")
	case len(s.Secrets) > 0 && !s.Cache.Safe && s.Cache.TTL == 0:
		return verdict(engine.ActionAlways, engine.CodeSecret, "reads a secret")
	case s.Kind.Effect && s.Cache.TTL == 0:
		return verdict(engine.ActionAlways, engine.CodeEffect, s.Kind.Name+" reads or changes external systems")
	case found && s.Cache.TTL > 0 && age > s.Cache.TTL:
		return verdict(engine.ActionRun, engine.CodeExpired, fmt.Sprintf("made %s ago, kept for %s", age.Round(time.Second), s.Cache.TTL))
	case found && !d.complete(ctx, e, q.limit):
		return verdict(engine.ActionRun, engine.CodeResultLost, "the store lacks the result, or holds it damaged")
	case found && s.Cache.TTL > 0:
		return verdict(engine.ActionReuse, engine.CodeFresh, fmt.Sprintf("made %s ago, kept for %s", age.Round(time.Second), s.Cache.TTL))
	case found:
		return verdict(engine.ActionReuse, engine.CodeUnchanged, "unchanged")
	}
	last, any, err := d.store.Last(d.pipeline, q.id)
	if err != nil {
		return dec, nil, engine.Entry{}, err
	}
	if !any {
		return verdict(engine.ActionRun, engine.CodeNew, "no earlier result")
	}
	dec.Changes = key.Compare(last.Parts, k.Parts())
	if len(dec.Changes) == 0 {
		return verdict(engine.ActionRun, engine.CodeNew, "the last attempt failed")
	}
	return verdict(engine.ActionRun, engine.CodeChanged, words(dec.Changes))
}

// complete reports whether the store has all that a result consists of. It is read
// for that: what is damaged is made anew here, and fails no step that wants it. Over
// limit bytes in all it reports false without reading further.
func (d *decider) complete(ctx context.Context, e engine.Entry, limit int64) bool {
	var size int64
	return e.Artifact.Digest != "" && !slices.ContainsFunc(e.Content(), func(b engine.Blob) bool {
		size += b.Size
		return limit > 0 && size > limit || !d.store.Has(ctx, b.Digest, b.Size) || content.Verify(ctx, d.store, b.Digest) != nil
	})
}

// extra collects the parts that the kind, files and the environment add. Files are
// hashed each time: their time and size say nothing about a checkout.
func (d *decider) extra(ctx context.Context, q request) ([]engine.Part, error) {
	var out []engine.Part
	if q.step.Kind.Parts != nil {
		parts, err := q.step.Kind.Parts(engine.Env{Dir: d.dir}, q.with.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, parts...)
	}
	for i, f := range q.step.Files {
		sum, err := hashFile(ctx, d.dir, f)
		if err != nil {
			return nil, q.step.At.Child("files", strconv.Itoa(i)).Wrap(err)
		}
		out = append(out, engine.Part{Name: "file " + f, Value: sum})
	}
	for _, name := range q.step.Env {
		value := "unset"
		if v, ok := d.environ(name); ok {
			value = string(schema.DigestOf([]byte(v))) // the value itself may be one to hide
		}
		out = append(out, engine.Part{Name: "env " + name, Value: value})
	}
	return out, nil
}

// hashFile returns the digest of a file. It is read as a stream, of any size, and a
// stopped run does not wait for the end of it.
func hashFile(ctx context.Context, dir, name string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	f, err := userfile.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", schema.Errorf(schema.NotFound, "no file %q", name)
	}
	if err != nil {
		return "", schema.Errorf(schema.Failed, "reading %q: %w", name, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, content.Reader{Context: ctx, Reader: f}); err != nil {
		return "", schema.Errorf(schema.Failed, "reading %q: %w", name, err)
	}
	return string(schema.DigestOfSum(h.Sum(nil))), nil
}

// words describes changes in one line, the first three of them.
func words(changes []engine.Change) string {
	var out []string
	for _, c := range changes {
		verb := "is"
		if c.Was != "" && c.Is != "" {
			verb = "changed:"
		}
		out = append(out, c.Part+" "+verb+" "+c.Words())
		if len(out) == 3 && len(changes) > 3 {
			out = append(out, fmt.Sprintf("and %d more", len(changes)-3))
			break
		}
	}
	return strings.Join(out, "; ")
}
