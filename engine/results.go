package engine

import (
	"context"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Content is everything that an entry names: the result last, so that who has
// it has the rest.
func (e Entry) Content() []Blob {
	out := append([]Blob(nil), e.Blobs...)
	if e.Artifact.Digest != "" {
		out = append(out, Blob{e.Artifact.Digest, e.Artifact.Size})
	}
	return out
}

// Store keeps results by content, and what is known about how they were made.
// It is safe for concurrent use. store.Open keeps them in a directory, also for
// several processes at once; NewMemory for as long as the process lives.
type Store interface {
	Blobs
	// Has reports whether the bytes of d, size of them, are there. It does not
	// read them.
	Has(ctx context.Context, d schema.Digest, size int64) bool
	// Lookup returns the newest entry of a key. Its parts may be left out: who has
	// the key knows what it is made of.
	Lookup(key schema.Digest) (Entry, bool, error)
	// Last returns the newest entry of a step of a pipeline, whatever its key.
	Last(pipeline, step string) (Entry, bool, error)
	// Record adds an entry. It is there for the next process when Record
	// returns, and on the disk after Sync.
	Record(Entry) error
	Sync() error
	// Journal opens the journal of a run to append to.
	Journal(run string) (Journal, error)
	// Events reads the journal of a run. NotFound if there is none.
	Events(run string) ([]Event, error)
}

// Journal keeps the events of one run, one JSON line each.
type Journal interface {
	// Append may gather lines, but does not keep line: its bytes are used again. Flush
	// makes them visible to other processes.
	Append(line []byte) error
	Flush() error
	Close() error
}

// Entry records the result of a step.
type Entry struct {
	Key      schema.Digest `json:"key"`
	Pipeline string        `json:"pipeline,omitempty"`
	Step     string        `json:"step"`
	Run      string        `json:"run,omitempty"`
	Artifact Artifact      `json:"artifact"`
	Time     time.Time     `json:"time"` // of the end of the step, UTC
	Parts    []Part        `json:"parts"`
	// Blobs are the bytes that the step stored beside its result.
	Blobs []Blob `json:"blobs,omitempty"`
	// Outcome is "" for success. A result beside an error is kept to be read,
	// and never reused; without a result the entry is there for its parts.
	Outcome schema.Code `json:"outcome,omitempty"`
	// State, Code, Reason and Error are in entries that a process leaves for
	// others, which have no journal of it; see remote.Deliver and run.Runner.RunSingle.
	State  State       `json:"state,omitempty"`
	Code   ReasonCode  `json:"code,omitempty"`
	Reason string      `json:"reason,omitempty"`
	Error  *EventError `json:"error,omitempty"`
}

// Blob names stored bytes.
type Blob struct {
	Digest schema.Digest `json:"digest"`
	Size   int64         `json:"size"`
}
