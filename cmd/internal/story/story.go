// Package story is what a command tells on stderr: notes, warnings and errors,
// as words for people, key=value lines, or JSON objects.
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Mode says how the story is told.
type Mode int

const (
	Words Mode = iota // for people: "eidos: error: …"
	Debug             // key=value with level and source
	JSON              // one object a line
)

// Story tells on one writer. It is not safe for concurrent use.
type Story struct {
	w     io.Writer
	mode  Mode
	color bool // errors in red
	quiet bool // errors only
	log   *slog.Logger
}

// New makes a story. color is for terminals only.
func New(w io.Writer, mode Mode, color bool) *Story {
	s := &Story{w: w, mode: mode, color: color}
	switch mode {
	case Debug:
		s.log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{AddSource: true, Level: slog.LevelDebug}))
	case JSON:
		s.log = slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return s
}

// Quiet leaves out all but errors from here on.
func (s *Story) Quiet() { s.quiet = true }

// Note tells something worth knowing.
func (s *Story) Note(format string, args ...any) {
	if s.quiet {
		return
	}
	if s.log != nil {
		s.log.Info(schema.Safe(fmt.Sprintf(format, args...)))
		return
	}
	fmt.Fprintf(s.w, "eidos: %s\n", schema.Safe(fmt.Sprintf(format, args...)))
}

// Warn tells something the user should look at.
func (s *Story) Warn(format string, args ...any) {
	if s.quiet {
		return
	}
	if s.log != nil {
		s.log.Warn(schema.Safe(fmt.Sprintf(format, args...)))
		return
	}
	fmt.Fprintf(s.w, "eidos: warning: %s\n", schema.Safe(fmt.Sprintf(format, args...)))
}

// Errors prints the problems in err, each with its hint, and how many there are
// beyond the first twenty. The same hint in a row is printed once.
func (s *Story) Errors(err error) {
	list, left := schema.First(err)
	x := excerpts{}
	defer x.close()
	for i, e := range list {
		hint := Hint(e)
		if i+1 < len(list) && Hint(list[i+1]) == hint {
			hint = ""
		}
		s.one(e, hint, &x)
	}
	if left > 0 {
		more := schema.More(left)
		if s.log != nil {
			s.record(more, slog.String("code", string(schema.CodeOf(err))), slog.Int("more", left))
			return
		}
		fmt.Fprintf(s.w, "eidos: error: %s\n", more)
	}
}

// Hint is what err says about a way out, "" if nothing.
func Hint(err error) string {
	var se *schema.Error
	for errors.As(err, &se) {
		if se.Hint != "" {
			return schema.Safe(se.Hint)
		}
		err = se.Err
		if err == nil {
			break
		}
	}
	return ""
}

func (s *Story) one(err error, hint string, x *excerpts) {
	if s.log != nil {
		attrs := []slog.Attr{slog.String("code", string(schema.CodeOf(err)))}
		var se *schema.Error
		if errors.As(err, &se) && se.Pos != "" {
			attrs = append(attrs, slog.String("at", se.Pos))
		}
		if hint != "" {
			attrs = append(attrs, slog.String("hint", hint))
		}
		s.record(schema.Safe(err.Error()), attrs...)
		return
	}
	red, off := "", ""
	if s.color {
		red, off = "\x1b[31m", "\x1b[0m"
	}
	fmt.Fprintf(s.w, "%seidos: error: %s%s\n", red, schema.Safe(err.Error()), off)
	var se *schema.Error
	if errors.As(err, &se) {
		fmt.Fprint(s.w, x.at(se.Pos))
	}
	if hint != "" {
		fmt.Fprintf(s.w, "eidos: hint: %s\n", hint)
	}
}

// record writes one line of the log.
func (s *Story) record(msg string, attrs ...slog.Attr) {
	r := slog.NewRecord(time.Now(), slog.LevelError, msg, 0)
	r.AddAttrs(attrs...)
	// A logger that cannot write has nobody left to tell.
	_ = s.log.Handler().Handle(context.Background(), r)
}
