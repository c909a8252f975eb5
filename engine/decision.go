package engine

import (
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Shorten shortens a digest or a long value.
func Shorten(s string) string {
	if strings.HasPrefix(s, "sha256:") && len(s) == 71 {
		return s[:15] + "…"
	}
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// Action is what becomes of a step.
type Action string

const (
	ActionRun      Action = "run"      // its result is not known
	ActionReuse    Action = "reuse"    // an earlier result is taken
	ActionAlways   Action = "always"   // it runs each time: it reads or changes external systems
	ActionDeferred Action = "deferred" // of a plan: known when what it waits for has run
	ActionSkip     Action = "skip"     // it is not to run
)

// ReasonCode is why, for programs.
type ReasonCode string

const (
	CodeNew             ReasonCode = "new"              // no earlier result
	CodeChanged         ReasonCode = "changed"          // a part of the key is another
	CodeUnchanged       ReasonCode = "unchanged"        // all parts of the key are as they were
	CodeOutputMissing   ReasonCode = "output-missing"   // unchanged, but `out` is not what was saved
	CodeResultLost      ReasonCode = "result-lost"      // the store lacks the result, or holds it damaged
	CodeExpired         ReasonCode = "expired"          // older than cache.ttl
	CodeFresh           ReasonCode = "fresh"            // not older than cache.ttl
	CodeEffect          ReasonCode = "effect"           // the kind reads or changes external systems
	CodeCacheOff        ReasonCode = "cache-off"        // cache: false
	CodeSecret          ReasonCode = "secret"           // it reads a secret and does not set cache: true
	CodeForced          ReasonCode = "forced"           // --force, --from
	CodeResumed         ReasonCode = "resumed"          // done before the run was interrupted
	CodeCached          ReasonCode = "cached"           // a shared cache had the result
	CodeUpstream        ReasonCode = "upstream"         // waits for a step that will run
	CodeWhen            ReasonCode = "when-false"       // its condition does not hold
	CodeUpstreamSkipped ReasonCode = "upstream-skipped" // what it takes was skipped
	CodeUpstreamFailed  ReasonCode = "upstream-failed"  // what it needs failed, or was skipped because of a failure
	CodeNotSelected     ReasonCode = "not-selected"     // --only names others
	CodeStopped         ReasonCode = "stopped"          // the run was stopped before its turn
	CodeLoad            ReasonCode = "load"             // reads a URI
	CodeRows            ReasonCode = "rows"             // its rows are known when running
)

// Decision is what becomes of one step, and why.
type Decision struct {
	Step    string        `json:"step"`
	Uses    string        `json:"uses"`
	Action  Action        `json:"action"`
	Code    ReasonCode    `json:"code"`
	Reason  string        `json:"reason"` // in words
	Key     schema.Digest `json:"key,omitempty"`
	Changes []Change      `json:"changes,omitempty"`
}

// Change is one part of a key that is not what it was.
type Change struct {
	Part string `json:"part"`
	Was  string `json:"was,omitempty"` // empty if it is new
	Is   string `json:"is,omitempty"`  // empty if it is gone
	// Because names the step that an input changed through, in words; it is
	// set for runs of the past.
	Because string `json:"because,omitempty"`
}

// Words describes what a part was and is, in short.
func (c Change) Words() string {
	var s string
	switch {
	case c.Was == "":
		s = "new: " + Shorten(c.Is)
	case c.Is == "":
		s = "gone: was " + Shorten(c.Was)
	default:
		s = Shorten(c.Was) + " → " + Shorten(c.Is)
	}
	if c.Because != "" {
		s += ", because " + c.Because
	}
	return s
}
