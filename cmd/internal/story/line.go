package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Line is one line of --log-json. Every line has every key; docs/events.md says
// what they hold.
type Line struct {
	Time    time.Time     `json:"time"`    // UTC
	Level   string        `json:"level"`   // debug, info, warn, error
	Type    string        `json:"type"`    // note, error, or that of an event: run, step, log, progress
	Message string        `json:"message"` // never empty
	Step    string        `json:"step"`    // of events
	Code    string        `json:"code"`    // of errors; see eidos exit-codes
	Pos     string        `json:"pos"`     // of errors: file:line:col
	Hint    string        `json:"hint"`    // of errors
	Event   *engine.Event `json:"event"`   // the whole event; null of notes and errors
}

// The levels and types of a line that are not an event's.
const (
	levelDebug = "debug"
	levelInfo  = "info"
	levelWarn  = "warn"
	levelError = "error"

	typeNote  = "note"
	typeError = "error"
)

// lineOf is an event as a line. An attempt that failed and is followed by another is a
// warning, and progress is for debugging, so that filters by level show what matters.
func lineOf(e engine.Event) Line {
	l := Line{Time: e.Time, Level: levelInfo, Type: string(e.Type), Step: e.Step, Event: &e}
	what := e.Step
	if e.Type == engine.EventRun {
		what = e.Pipeline
	}
	switch e.Type {
	case engine.EventLog:
		l.Message = e.Text
	case engine.EventProgress:
		l.Level = levelDebug
		l.Message = strings.TrimRight(fmt.Sprintf("%s: %d of %d %s", what, e.Done, e.Total, e.Unit), " ")
	default:
		l.Message = what + ": " + string(e.State)
		if e.Reason != "" {
			l.Message += ": " + e.Reason
		}
	}
	if e.Error != nil {
		l.Level = levelError
		if e.State == engine.Retrying {
			l.Level = levelWarn
		}
		l.Message = what + ": " + e.Error.Message
		l.Code, l.Pos, l.Hint = string(e.Error.Code), e.Error.Pos, e.Error.Hint
	}
	if l.Message == "" {
		l.Message = what
	}
	return l
}

// lineOfError is a problem as a line; its hint may have been printed already.
func lineOfError(err error, hint string) Line {
	l := Line{Level: levelError, Type: typeError, Message: safe(err.Error()), Code: string(schema.CodeOf(err)), Hint: hint}
	var se *schema.Error
	if errors.As(err, &se) {
		l.Pos = se.Pos
	}
	return l
}

// write puts l on one line. A log that cannot be written has nobody left to
// report to.
func (s *Story) write(l Line) {
	if l.Time.IsZero() {
		l.Time = time.Now()
	}
	l.Time = l.Time.UTC()
	data, err := json.Marshal(l)
	if err != nil {
		panic("BUG: a line of the log cannot be encoded: " + err.Error())
	}
	_, _ = s.w.Write(append(data, '\n'))
}
