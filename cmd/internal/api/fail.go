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

// failure is a response that is not a success: the row of the table for its
// cause, or what HTTP itself has a status for.
type failure struct {
	status     int
	code       string
	retryable  bool
	retryAfter int // seconds, 0 for none
	err        error
}

// Failures of HTTP that no step has.
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

// hidden is an error whose text is not for clients.
type hidden struct{ error }

func (h *hidden) Unwrap() error { return h.error }

// body is the document that a client gets.
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

// worded is err as a sentence, and problem by problem.
func worded(err error) (string, *schema.APIErrorDetails) {
	shown, left := schema.First(err)
	d := &schema.APIErrorDetails{More: int64(left)}
	for _, err := range shown {
		p := schema.APIProblem{Message: err.Error()}
		var e *schema.Error
		if errors.As(err, &e) {
			bare := *e
			bare.Pos, bare.Path = "", ""
			p = schema.APIProblem{Path: e.Path, Message: plain(bare.Error()), Hint: plain(schema.Safe(e.Params(schema.FlagName).Hint)), At: e.Pos}
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

// flag is a flag in a sentence that was written for the command line.
var flag = regexp.MustCompile(`--([a-z][a-z-]+)\b`)

// plain is a sentence for requests, whose parameters have no dashes in front.
func plain(s string) string {
	if !strings.Contains(s, "--") {
		return s
	}
	return flag.ReplaceAllString(s, "$1")
}

// inQuery names the parameters that err is about as they are in a query.
func inQuery(err error) error {
	var out []error
	for _, err := range schema.List(err) {
		var e *schema.Error
		if errors.As(err, &e) {
			c := *e
			name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(c.Path, "query."), "criteria."), "[")
			c.Path = schema.FlagName(name)
			if rest != "" {
				c.Path += "[" + rest
			}
			err = &c
		}
		out = append(out, err)
	}
	return schema.Join(out)
}

// writeJSON is for small answers that nobody keeps.
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
