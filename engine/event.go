package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// NewEventError returns err as events hold it. Hint, position and path are those
// of its first problem.
func NewEventError(err error) *EventError {
	out := &EventError{Code: schema.CodeOf(err), Message: schema.ErrorText(err)}
	var se *schema.Error
	if errors.As(err, &se) {
		out.Hint, out.Pos, out.Path = se.Hint, se.Pos, se.Path
	}
	return out
}

// EventType is what an event is about.
type EventType string

const (
	EventRun      EventType = "run"      // the run began (State running) or ended (done, failed, canceled)
	EventStep     EventType = "step"     // a step is in another state
	EventLog      EventType = "log"      // a step logged a line
	EventProgress EventType = "progress" // long work moved on
)

// Event is one record of the one stream that everything which shows a run is
// made of: the terminal, CI logs, --progress json, reports, and the journal
// runs/<id>/events.jsonl, which is these as JSON lines.
//
// A run begins with a run event and ends with one. Of each step there is an
// event when it starts to run, when an attempt failed and another follows
// (retrying), and when it is done, failed, skipped or canceled; a step that is
// reused goes to done at once. Uses is in the first event of a step,
// Action and Code in every one, Reason and Key in the one that ends it. The last
// event of a run has a Reason if nothing was done in it.
type Event struct {
	Seq      int           `json:"seq"`                // from 1, without gaps
	Time     time.Time     `json:"time"`               // UTC
	Type     EventType     `json:"type"`               //
	Run      string        `json:"run,omitempty"`      // of run events: its id
	Pipeline string        `json:"pipeline,omitempty"` // of run events: its name
	Source   *Source       `json:"source,omitempty"`   // of the first event: what runs it again
	Plan     schema.Digest `json:"plan,omitempty"`     // of the first event: Plan.Digest
	Steps    int           `json:"steps,omitempty"`    // of run events: how many there are
	Step     string        `json:"step,omitempty"`     // id: render[eks,helm]
	Uses     string        `json:"uses,omitempty"`     // kind; load for a URI
	State    State         `json:"state,omitempty"`
	Action   Action        `json:"action,omitempty"` // what was decided
	Code     ReasonCode    `json:"code,omitempty"`   // and why
	Reason   string        `json:"reason,omitempty"` // in words
	Attempt  int           `json:"attempt,omitempty"`
	Text     string        `json:"text,omitempty"`   // of log events: one line
	Done     int64         `json:"done,omitempty"`   // of progress events
	Total    int64         `json:"total,omitempty"`  // 0: not known
	Unit     string        `json:"unit,omitempty"`   // bytes, images, …
	Key      string        `json:"key,omitempty"`    // how the step's key begins: 12 hex digits
	Digest   schema.Digest `json:"digest,omitempty"` // of the result
	Size     int64         `json:"size,omitempty"`   // of the result, in bytes
	Out      string        `json:"out,omitempty"`    // where the result was saved
	Millis   int64         `json:"ms,omitempty"`     // how long it took, in milliseconds
	Error    *EventError   `json:"error,omitempty"`
}

// EventError is why a step or a run failed.
type EventError struct {
	Code    schema.Code `json:"code"`
	Message string      `json:"message"`
	Pos     string      `json:"pos,omitempty"`
	Path    string      `json:"path,omitempty"` // of what it is about: steps.bundle.with.repo
	Hint    string      `json:"hint,omitempty"`
}

// Err is the error that e was made of, as far as e holds it.
func (e *EventError) Err() *schema.Error {
	msg := strings.TrimPrefix(e.Message, e.Path+": ")
	if e.Pos != "" {
		msg = strings.TrimSuffix(msg, " ("+e.Pos+")")
	}
	return &schema.Error{Code: e.Code, Msg: msg, Pos: e.Pos, Path: e.Path, Hint: e.Hint}
}

// Text is the message, "" of no error.
func (e *EventError) Text() string {
	if e == nil {
		return ""
	}
	return e.Message
}

// ParseEvents reads a journal, without the lines that are no events.
func ParseEvents(data []byte) []Event {
	var out []Event
	for line := range bytes.Lines(data) {
		var e Event
		if json.Unmarshal(line, &e) == nil && e.Type != "" {
			out = append(out, e)
		}
	}
	return out
}
