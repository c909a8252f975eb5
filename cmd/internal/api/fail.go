package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// failure is a response that is not a success: by the code of its cause (schema.Codes), or
// of one of the cases that only HTTP has. err is for the log too; see hidden.
type failure struct {
	status     int
	code       string
	retryable  bool
	retryAfter int // seconds, 0 for none
	err        error
}

// httpFailure is a failure that only HTTP has, with a code of its own: no step returns it.
func httpFailure(status int, code string, err error) *failure {
	return &failure{status: status, code: code, err: err}
}

// failureOf is the response for the error of a step.
func failureOf(err error) *failure {
	code := schema.CodeOf(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		code = schema.Timeout
	case errors.Is(err, context.Canceled):
		code = schema.Canceled
	}
	info := code.Info()
	f := &failure{status: info.Status, code: string(info.Code), retryable: info.Temporary, err: err}
	if info.Code == schema.Failed {
		// The cause is for the log: it may name files of this machine.
		f.err = &hidden{err}
	}
	return f
}

// hidden is an error whose text is not for clients. The log has it under the request's id.
type hidden struct{ error }

func (h *hidden) Unwrap() error { return h.error }

// body is the document that a client gets, always JSON: a client that asked for a bundle or
// YAML must be able to read an error as well.
func (f *failure) body(id string, now time.Time) []byte {
	e := schema.APIError{
		Code: f.code, RequestID: id, Timestamp: now.UTC().Format(time.RFC3339), Retryable: f.retryable,
	}
	var h *hidden
	if errors.As(f.err, &h) {
		e.Message = "the server failed; its log has the reason under this requestId"
	} else {
		e.Message, e.Details = worded(f.err)
	}
	data, err := schema.EncodeIndent(e)
	if err != nil {
		panic("BUG: an error cannot be written: " + err.Error())
	}
	return data
}

// worded is err as a sentence, and problem by problem: schema.MaxProblems of them, and how
// many more there are. Position and path are fields of a problem and are left out of its
// message.
func worded(err error) (string, *schema.APIErrorDetails) {
	shown, left := schema.First(err)
	d := &schema.APIErrorDetails{More: int64(left)}
	for _, err := range shown {
		p := schema.APIProblem{Message: err.Error()}
		var e *schema.Error
		if errors.As(err, &e) {
			p = schema.APIProblem{Path: schema.Safe(e.Path), Message: plain(sentence(err, e)), Hint: plain(schema.Safe(e.Params(schema.FlagName).Hint)), At: e.Pos}
		}
		d.Problems = append(d.Problems, p)
	}
	if len(d.Problems) == 0 {
		return http.StatusText(http.StatusInternalServerError), nil
	}
	message := plain(shown[0].Error())
	if n := len(shown) + left - 1; n > 0 {
		message = fmt.Sprintf("%s, and %d more", message, n)
	}
	return message, d
}

// sentence is err without the position and the path of the problem e in it: what wraps e
// is kept.
func sentence(err error, e *schema.Error) string {
	bare := *e
	bare.Pos, bare.Path = "", ""
	return strings.Replace(err.Error(), e.Error(), bare.Error(), 1)
}

// flag is a flag in a sentence that was written for the command line.
var flag = regexp.MustCompile(`--([a-z][a-z-]+)\b`)

// plain is a sentence for requests, whose parameters have the names of flags without the
// dashes. Steps know no HTTP, and write their hints for the command line.
func plain(s string) string {
	if !strings.Contains(s, "--") {
		return s
	}
	return flag.ReplaceAllString(s, "$1")
}

// inQuery returns err with its paths, those of a definition's properties, as the names of
// parameters in a query. An index, of a parameter that is a list, stays.
func inQuery(err error) error {
	return repath(err, func(path string) string {
		name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "query."), "criteria."), "[")
		path = schema.FlagName(name)
		if rest != "" {
			path += "[" + rest
		}
		return path
	})
}

// repath returns err with the path of each problem changed by to. What others said around a
// problem becomes part of its message.
func repath(err error, to func(path string) string) error {
	var out []error
	for _, err := range schema.List(err) {
		var e *schema.Error
		if errors.As(err, &e) {
			c := *e
			if err.Error() != e.Error() {
				c.Msg, c.Err = sentence(err, e), err
			}
			c.Path = to(e.Path)
			err = &c
		}
		out = append(out, err)
	}
	return schema.Join(out)
}

// writeJSON writes a small answer that is not kept, and returns how many bytes were sent.
func writeJSON(w http.ResponseWriter, status int, v any) int {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	n, _ := w.Write(append(data, '\n'))
	return n
}
