package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// decider decides whether a step runs. It is used by Run and by Explain, so
// that a plan tells what a run does.
type decider struct {
	store    Store
	pipeline string
	resume   string           // run that is gone on with: its finished steps count as done
	retry    string           // run that is run again: the same
	finished map[string]Event // how the steps of that run ended that did so well
	dir      string
	now      func() time.Time
	environ  func(string) (string, bool)
}

// request is one step with all that its key is made of.
type request struct {
	id     string
	step   *step
	with   bound
	inputs []inDigest
	forced bool
	limit  int64 // bytes of a result beyond which it is taken not to be there, unread; 0: none
}

// decide returns the decision and, for ActionReuse, the entry to take.
func (d *decider) decide(ctx context.Context, q request) (Decision, []Part, Entry, error) {
	k := keyParts{kind: q.step.kind, with: q.with.text, inputs: q.inputs}
	dec := Decision{Step: q.id, Uses: q.step.kind.Name}
	extra, err := d.extra(ctx, q)
	if err != nil {
		return dec, nil, Entry{}, err
	}
	k.extra = extra
	dec.Key = k.digest()
	e, found, err := d.store.Lookup(dec.Key)
	if err != nil {
		return dec, nil, Entry{}, err
	}
	found = found && e.Outcome == ""
	age := d.now().Sub(e.Time)
	verdict := func(a Action, c ReasonCode, format string, args ...any) (Decision, []Part, Entry, error) {
		dec.Action, dec.Code, dec.Reason = a, c, fmt.Sprintf(format, args...)
		if a == ActionReuse {
			return dec, nil, e, nil
		}
		return dec, k.parts(), Entry{}, nil
	}
	s := q.step
	switch {
	case d.resumed(ctx, q, dec.Key, &e):
		return verdict(ActionReuse, CodeResumed, "%s", d.doneWhen())
	case q.forced:
		return verdict(ActionRun, CodeForced, "asked for")
	case s.cache.never:
		return verdict(ActionAlways, CodeCacheOff, "cache: false")
	case len(s.secrets) > 0 && !s.cache.safe && s.cache.ttl == 0:
		return verdict(ActionAlways, CodeSecret, "reads a secret")
	case s.kind.Effect && s.cache.ttl == 0:
		return verdict(ActionAlways, CodeEffect, "%s reads or changes the world", s.kind.Name)
	case found && s.cache.ttl > 0 && age > s.cache.ttl:
		return verdict(ActionRun, CodeExpired, "made %s ago, kept for %s", age.Round(time.Second), s.cache.ttl)
	case found && !d.holds(ctx, e, q.limit):
		return verdict(ActionRun, CodeResultLost, "the store lacks the result, or holds it damaged")
	case found && s.cache.ttl > 0:
		return verdict(ActionReuse, CodeFresh, "made %s ago, kept for %s", age.Round(time.Second), s.cache.ttl)
	case found:
		return verdict(ActionReuse, CodeUnchanged, "unchanged")
	}
	last, any, err := d.store.Last(d.pipeline, q.id)
	if err != nil {
		return dec, nil, Entry{}, err
	}
	if !any {
		return verdict(ActionRun, CodeNew, "no earlier result")
	}
	dec.Changes = Compare(last.Parts, k.parts())
	if len(dec.Changes) == 0 {
		return verdict(ActionRun, CodeNew, "the last attempt failed")
	}
	return verdict(ActionRun, CodeChanged, "%s", words(dec.Changes))
}

// holds reports whether the store has all that a result consists of. It is read
// for that: what is damaged is made anew here, and fails no step that wants it.
func (d *decider) holds(ctx context.Context, e Entry, limit int64) bool {
	var size int64
	return e.Artifact.Digest != "" && !slices.ContainsFunc(e.Content(), func(b Blob) bool {
		size += b.Size
		return limit > 0 && size > limit || !d.store.Has(ctx, b.Digest, b.Size) || readBlob(ctx, d.store, b.Digest) != nil
	})
}

// extra collects the parts that the kind, files and the environment add.
func (d *decider) extra(ctx context.Context, q request) ([]Part, error) {
	var out []Part
	if q.step.kind.Parts != nil {
		parts, err := q.step.kind.Parts(Env{Dir: d.dir}, q.with.params)
		if err != nil {
			return nil, err
		}
		out = append(out, parts...)
	}
	for i, f := range q.step.files {
		sum, err := hashFile(ctx, d.dir, f)
		if err != nil {
			return nil, q.step.at.child("files", itoa(i)).wrap(err)
		}
		out = append(out, Part{"file " + f, sum})
	}
	for _, name := range q.step.env {
		value := "unset"
		if v, ok := d.environ(name); ok {
			value = string(digestOf([]byte(v))) // the value itself may be one to hide
		}
		out = append(out, Part{"env " + name, value})
	}
	return out, nil
}

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
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return "", schema.Errorf(schema.Failed, "reading %q: %w", name, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// words tells changes in one line.
func words(changes []Change) string {
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

// brief shortens a digest or a long value.
func brief(s string) string {
	if strings.HasPrefix(s, "sha256:") && len(s) == 71 {
		return s[:15] + "…"
	}
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
