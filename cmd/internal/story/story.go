// Package story is what a command logs on stderr: notes, warnings and errors,
// as words for people, key=value lines, or JSON objects.
//
// Everything that is printed there goes through it, so a mode holds for all of it: with
// --log-json every line is one object with the same keys. Text of users and of other
// programs is printed without keys and without control characters (safe). Errors come
// with the line of the file that they are about, unless that line may hold a credential.
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Mode is the form of the log.
type Mode int

const (
	Words Mode = iota // for people: "eidos: error: …"
	Debug             // key=value with level and source
	JSON              // one object a line
)

// Story logs on one writer. It is safe for concurrent use.
type Story struct {
	// Columns is the width of what is written to, for words: lines are wrapped at
	// spaces. Nil and 0 are no limit.
	Columns func() int

	mu    sync.Mutex
	w     io.Writer
	mode  Mode
	color bool // errors in red
	quiet bool // errors only
	log   slog.Handler
}

// New makes a story that writes to w; it never closes that. color is for terminals only.
// What cannot be written is dropped, as there is nowhere to report it.
func New(w io.Writer, mode Mode, color bool) *Story {
	s := &Story{w: w, mode: mode, color: color}
	if mode == Debug {
		s.log = slog.NewTextHandler(w, &slog.HandlerOptions{AddSource: true})
	}
	return s
}

// Quiet leaves out all but errors from here on. Call it before others use s: it takes no
// lock.
func (s *Story) Quiet() { s.quiet = true }

// Note logs something worth knowing.
func (s *Story) Note(format string, args ...any) {
	s.note(slog.LevelInfo, caller(0), safe(fmt.Sprintf(format, args...)))
}

// NoteFor is Note for a function that logs for its caller.
func (s *Story) NoteFor(format string, args ...any) {
	s.note(slog.LevelInfo, caller(1), safe(fmt.Sprintf(format, args...)))
}

// Warn logs something the user should look at.
func (s *Story) Warn(format string, args ...any) {
	s.note(slog.LevelWarn, caller(0), safe(fmt.Sprintf(format, args...)))
}

func (s *Story) note(level slog.Level, pc uintptr, msg string) {
	if s.quiet {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, prefix := levelInfo, ""
	if level == slog.LevelWarn {
		name, prefix = levelWarn, "warning: "
	}
	switch s.mode {
	case JSON:
		s.write(Line{Level: name, Type: typeNote, Message: msg})
	case Debug:
		s.debug(level, pc, msg)
	default:
		s.words("eidos: " + prefix + msg)
	}
}

// caller is who called the function that calls it, or skip frames above that: the source
// of a line for debugging.
func caller(skip int) uintptr {
	var pcs [1]uintptr
	runtime.Callers(skip+3, pcs[:]) // without Callers, caller and the function
	return pcs[0]
}

// debug writes a line for debugging, with pc as its source: the methods of slog.Logger
// would take their own caller, in this file, for that. Callers hold mu.
func (s *Story) debug(level slog.Level, pc uintptr, msg string, args ...any) {
	r := slog.NewRecord(time.Now(), level, msg, pc)
	r.Add(args...)
	_ = s.log.Handle(context.Background(), r) // a log that cannot be written, as in write
}

// safe is a text as schema.Safe has it, without what would control a terminal. It may have
// several lines.
func safe(s string) string { return schema.PrintableLines(schema.Safe(s)) }

// Event logs what a run did, as a line of JSON.
func (s *Story) Event(e engine.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(lineOf(e))
}

// width is the columns to wrap at, asked for each message; 0 for no limit.
func (s *Story) width() int {
	if s.Columns == nil {
		return 0
	}
	return s.Columns()
}

// words writes a text for people, wrapped. Callers hold mu.
func (s *Story) words(msg string) {
	for _, l := range text.Wrap(msg, s.width(), "    ") {
		fmt.Fprintln(s.w, l)
	}
}

// Errors prints the problems in err, each with its hint, and how many there are
// beyond the first twenty. The same hint in a row is printed once.
func (s *Story) Errors(err error) {
	pc := caller(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	// Rows are joined first: the bound is on what is printed.
	list, left := schema.First(errors.Join(alike(schema.List(err))...))
	x := excerpts{columns: s.width()}
	defer x.close()
	for i, e := range list {
		hint := Hint(e)
		if i+1 < len(list) && Hint(list[i+1]) == hint {
			hint = ""
		}
		s.one(e, hint, pc, &x)
	}
	if left > 0 {
		more := schema.More(left)
		switch s.mode {
		case JSON:
			s.write(Line{Level: levelError, Type: typeError, Message: more, Code: string(schema.CodeOf(err))})
		case Debug:
			s.debug(slog.LevelError, pc, more, "code", string(schema.CodeOf(err)), "more", left)
		default:
			s.words("eidos: error: " + more)
		}
	}
}

// Hint is what err says about a way out, "" if nothing.
func Hint(err error) string { return safe(schema.HintOf(err)) }

// one writes one problem in the form of the log. Callers hold mu.
func (s *Story) one(err error, hint string, pc uintptr, x *excerpts) {
	switch s.mode {
	case JSON:
		s.write(lineOfError(err, hint))
		return
	case Debug:
		l := lineOfError(err, hint)
		s.debug(slog.LevelError, pc, l.Message, "code", l.Code, "at", l.Pos, "hint", l.Hint)
		return
	}
	red, off := "", ""
	if s.color {
		red, off = "\x1b[31m", "\x1b[0m"
	}
	s.words(red + "eidos: error: " + safe(err.Error()) + off)
	var se *schema.Error
	if errors.As(err, &se) {
		fmt.Fprint(s.w, x.at(se.Pos))
	}
	if hint != "" {
		s.words("eidos: hint: " + hint)
	}
}
