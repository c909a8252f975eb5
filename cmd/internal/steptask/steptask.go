// Package steptask runs one step for another process: a task that an executor made,
// or a step of a plan that was written for other machines. Inputs are taken from a
// store by digest and the result is left there; Open opens the two, and who calls it
// decides what to run.
//
// The process keeps no journal, resumes nothing and asks nobody: whoever started it
// does that. It ends with the status of the step's error. What it leaves is the result
// alone, under a key of the run, the step and the attempt; delivered twice, it is the
// same. With Attended it ends when whoever started it does, also after kill -9.
package steptask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// Options are what is asked for.
type Options struct {
	Plan     string // of a plan or tasks: a file, -, or the digest of what the store holds
	Step     string // its id
	Indexed  bool   // the task with the index of this Pod of an Indexed Job, not Step
	Attended bool   // standard input stays open for as long as whoever started this lives
	Store    string // directory or oci://REGISTRY/REPOSITORY
	Run      string // what the steps of a plan have in common
	Status   string // how that run went so far: see statusOf
	Secrets  string // directory with a file for each secret of a task; "" for none
	Access   oci.Access
}

// Session is a plan or tasks with the store that its step reads and writes.
type Session struct {
	Options
	*wire.Wiring
	// CleanUp allows a run a time to delete what it started once it was stopped,
	// until the function that it returns is called.
	CleanUp func(time.Duration) (over func())

	text  []byte       // of the plan or the tasks
	tasks bool         // or a plan
	store engine.Store // of this process
	cache engine.Cache // between the machines
	done  func() error
}

// Open reads what o.Plan names and opens the store; check may refuse what was read,
// before a store is made, by whether it is tasks. The caller closes the session.
func Open(ctx context.Context, h wire.Host, o Options, check func(tasks bool) error) (*Session, error) {
	s := &Session{Options: o, Wiring: wire.New(h, wire.Options{Force: true})}
	inStore := strings.HasPrefix(o.Plan, "sha256:")
	var err error
	if !inStore { // before a store is made
		if err := s.read(ctx, check); err != nil {
			return nil, err
		}
	}
	if s.cache, err = s.OpenCache(o.Store, o.Access); err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	if inStore {
		if err := s.read(ctx, check); err != nil {
			return nil, err
		}
	}
	s.store, s.done, err = openStore(s.cache)
	return s, err
}

// Close removes what the session has made for itself.
func (s *Session) Close() error { return s.done() }

// read reads the plan or the tasks.
func (s *Session) read(ctx context.Context, check func(tasks bool) error) error {
	var err error
	if s.text, err = s.readPlan(ctx); err != nil {
		return err
	}
	var doc struct {
		Kind  string          `json:"kind"`
		Tasks json.RawMessage `json:"tasks"`
	}
	if err := json.Unmarshal(s.text, &doc); err != nil || doc.Kind != pipelinefile.PlanKind && doc.Tasks == nil {
		return schema.Errorf(schema.Invalid, "--plan: %q holds neither a plan nor tasks", s.Plan).WithHint("eidos compile --to plan writes one")
	}
	s.tasks = doc.Tasks != nil
	return check(s.tasks)
}

// readPlan reads the document of --plan, at most schema.MaxBytes of it. From the store it
// is checked by its digest.
func (s *Session) readPlan(ctx context.Context) ([]byte, error) {
	if strings.HasPrefix(s.Plan, "sha256:") {
		r, err := s.cache.Fetch(ctx, schema.Digest(s.Plan))
		if err != nil {
			return nil, fmt.Errorf("--plan: %w", err)
		}
		defer r.Close()
		data, err := engine.Expected{Digest: schema.Digest(s.Plan), Size: -1, Limit: schema.MaxBytes}.Bytes(r)
		if err != nil {
			return nil, fmt.Errorf("--plan: reading %s: %w", s.Plan, err)
		}
		return data, nil
	}
	if s.Attended && s.Plan == "-" { // which does not end
		var doc json.RawMessage
		err := json.NewDecoder(io.LimitReader(s.In, schema.MaxBytes)).Decode(&doc)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "--plan: reading standard input: %w", err)
		}
		return doc, nil
	}
	data, err := pipelinefile.ReadInput(s.In, s.Plan)
	if err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	return data, nil
}

// openStore opens where a step puts its bytes: the store itself if that is a
// directory, else one for as long as the step takes, in front of the registry.
func openStore(cache engine.Cache) (engine.Store, func() error, error) {
	if s, ok := cache.(content.Shared); ok {
		return s.Store, s.Store.(*store.Directory).Close, nil
	}
	dir, err := os.MkdirTemp("", "eidos-step-*")
	if err != nil {
		return nil, nil, schema.Errorf(schema.Failed, "making a directory for the step: %w", err).WithHint("point TMPDIR at one that can be written")
	}
	s, err := store.Open(dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return content.ReadThrough{Store: s, Cache: cache, Sizes: &content.Sizes{}}, func() error {
		return errors.Join(s.Close(), os.RemoveAll(dir))
	}, nil
}
