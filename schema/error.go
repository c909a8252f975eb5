package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Code says what sort of failure an error is. It decides the exit status of a
// command and the status of an HTTP response; Codes is the one table.
type Code string

const (
	Failed       Code = "failed"       // something that should have worked did not
	Invalid      Code = "invalid"      // wrong usage or input
	Unsatisfied  Code = "unsatisfied"  // constraints do not hold
	NotFound     Code = "not-found"    // what was named is not there
	Unauthorized Code = "unauthorized" // credentials are missing, wrong or not enough
	Timeout      Code = "timeout"      // took longer than allowed
	Unavailable  Code = "unavailable"  // a service is down or refuses for now
	Canceled     Code = "canceled"     // the user stopped it
)

// CodeInfo is what one code means at the edges.
type CodeInfo struct {
	Code      Code
	Exit      int  // of a command
	Status    int  // HTTP
	Temporary bool // worth another try
	Meaning   string
}

// Codes lists every code. Exit 0 is success.
func Codes() []CodeInfo {
	return []CodeInfo{
		{Failed, 1, 500, false, "failed"},
		{Invalid, 2, 400, false, "wrong usage or input"},
		{Unsatisfied, 3, 422, false, "constraints not satisfied"},
		{NotFound, 4, 404, false, "not found"},
		{Unauthorized, 5, 401, false, "unauthorised"},
		{Timeout, 6, 504, true, "timed out"},
		{Unavailable, 7, 503, true, "unavailable"},
		{Canceled, 130, 499, false, "interrupted"},
	}
}

// Info returns the table's row for c; Failed for a code that is in no row.
func (c Code) Info() CodeInfo {
	for _, i := range Codes() {
		if i.Code == c {
			return i
		}
	}
	return Codes()[0]
}

// Error is an error that a user reads.
type Error struct {
	Code Code
	Pos  string // file:line:col in the user's text, if there is one
	Path string // path in the document, dots between keys
	Msg  string // lower case, things in quotes
	Hint string // what to do about it, if we know
	Err  error  // cause, if any; its text is part of the message
}

// Errorf makes an Error; %w in format becomes its cause. What the system does not
// permit is Unauthorized, whatever was tried, and failing to listen on an address that is
// in use is Unavailable.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	if (code == Failed || code == Invalid || code == NotFound) && forbidden(err) {
		code = Unauthorized
	}
	if code == Failed && errors.Is(err, syscall.EADDRINUSE) {
		code = Unavailable
	}
	return &Error{Code: code, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint returns e with a hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// At returns e with a position and a path; empty ones keep what is there.
func (e *Error) At(pos, path string) *Error {
	c := *e
	if pos != "" {
		c.Pos = pos
	}
	if path != "" {
		c.Path = path
	}
	return &c
}

// Error is "path: message (pos)", without the hint, and Safe.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Msg == "" && e.Err != nil {
		b.WriteString(e.Err.Error())
	}
	if e.Pos != "" {
		b.WriteString(" (" + e.Pos + ")")
	}
	return Safe(b.String())
}

func (e *Error) Unwrap() error { return e.Err }

// HintOf is the first hint of err and its causes, "" if none has one.
func HintOf(err error) string {
	var e *Error
	for errors.As(err, &e) {
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

// CodeOf returns the code of the first Error in err's tree, Failed if there is
// none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e.Code != "" {
		return e.Code
	}
	if forbidden(err) {
		return Unauthorized
	}
	return Failed
}

// forbidden reports whether the system refused because of who asks, or how a
// file system is mounted.
func forbidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// Parameter is a parameter of a step in a hint, or as the path of an error. A file
// shows it as a key, the command line as a flag: see Error.Params.
func Parameter(name string) string { return paramOpen + name + paramClose }

const paramOpen, paramClose = "\u2039", "\u203a" // single guillemets

// Params returns e with the parameters that its path is and that its hint names, or
// its cause's if it has none, shown by show. show gets what Parameter got.
func (e *Error) Params(show func(name string) string) *Error {
	hint := HintOf(e)
	if !strings.Contains(hint+e.Path, paramOpen) {
		return e
	}
	c := *e
	c.Path, c.Hint = showParams(e.Path, show), showParams(hint, show)
	return &c
}

func showParams(s string, show func(name string) string) string {
	var b strings.Builder
	for rest := s; rest != ""; {
		before, after, ok := strings.Cut(rest, paramOpen)
		name, tail, closed := strings.Cut(after, paramClose)
		b.WriteString(before)
		if !ok || !closed {
			b.WriteString(after)
			break
		}
		b.WriteString(show(name))
		rest = tail
	}
	return b.String()
}
