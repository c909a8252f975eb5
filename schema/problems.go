package schema

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

const (
	// MaxProblems is how many problems of one input are printed.
	MaxProblems = 20
	// maxKept is how many are kept, in the order in which they were found. It is
	// far more, because problems may be sorted, or turn out to be none.
	maxKept = 1000
)

// Problems collects what is wrong with one input, in bounded memory and time:
// the first thousand problems, and how many there were. The zero value is
// ready to use.
type Problems struct {
	errs []error
	more int
}

// Full reports whether the next problem is only counted, so that it is not
// worth the time to word it.
func (p *Problems) Full() bool { return len(p.errs) >= maxKept }

// Add adds a problem, or all that were joined in it.
func (p *Problems) Add(err error) {
	for _, e := range List(err) {
		var m *more
		switch {
		case errors.As(e, &m):
			p.more += m.n
		case p.Full():
			p.more++
		default:
			p.errs = append(p.errs, e)
		}
	}
}

// Count adds n problems that nobody worded.
func (p *Problems) Count(n int) { p.more += n }

// Len is the number of problems.
func (p *Problems) Len() int { return len(p.errs) + p.more }

// Err joins the problems as Join does; nil for none.
func (p *Problems) Err() error {
	if p.more == 0 {
		return Join(p.errs)
	}
	return Join(append(p.errs[:len(p.errs):len(p.errs)], &more{p.more}))
}

// more stands for problems that were counted only.
type more struct{ n int }

func (m *more) Error() string { return More(m.n) }

// More is the line that ends a list of which n were left out.
func More(n int) string { return "… and " + thousands(n) + " more" }

// thousands writes n with a comma before each group of three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// List flattens joined errors into the problems they are made of.
func List(err error) []error {
	if err == nil {
		return nil
	}
	return appendList(nil, err)
}

func appendList(out []error, err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			out = appendList(out, e)
		}
		return out
	}
	return append(out, err)
}

// Prefix puts a text before the message of each problem of err. Codes and hints
// stay.
func Prefix(err error, format string, args ...any) error {
	before := fmt.Sprintf(format, args...) + ": "
	var out []error
	for _, e := range List(err) {
		if se, ok := e.(*Error); ok {
			e = Errorf(se.Code, "%s%s", before, se.Msg).WithHint("%s", se.Hint)
		} else {
			e = fmt.Errorf("%s%w", before, e)
		}
		out = append(out, e)
	}
	return Join(out)
}

// First returns the problems of err that are printed, MaxProblems at most, and
// how many there are beyond these.
func First(err error) (shown []error, left int) {
	for _, e := range List(err) {
		var m *more
		switch {
		case errors.As(e, &m):
			left += m.n
		case len(shown) == MaxProblems:
			left++
		default:
			shown = append(shown, e)
		}
	}
	return shown, left
}

// Lines joins the lines of a message, MaxProblems at most and then how many
// were left out, with sep between them.
func Lines(lines []string, sep string) string {
	if n := len(lines) - MaxProblems; n > 0 {
		return strings.Join(lines[:MaxProblems], sep) + sep + More(n)
	}
	return strings.Join(lines, sep)
}

// ErrorText is the text of err, a line for each problem that is printed.
func ErrorText(err error) string {
	shown, left := First(err)
	var lines []string
	for _, e := range shown {
		lines = append(lines, e.Error())
	}
	if left > 0 {
		lines = append(lines, More(left))
	}
	return Safe(strings.Join(lines, "\n"))
}

// Join joins the problems of one input in the order of their positions, each
// once. It returns nil for none.
func Join(errs []error) error {
	type placed struct {
		err       error
		file      string
		line, col int
	}
	var flat []placed
	left := 0
	for _, e := range errs {
		for _, e := range List(e) {
			var m *more
			if errors.As(e, &m) {
				left += m.n
				continue
			}
			p := placed{err: e}
			p.file, p.line, p.col = splitPos(posOf(e))
			flat = append(flat, p)
		}
	}
	sort.SliceStable(flat, func(i, j int) bool {
		a, b := flat[i], flat[j]
		if a.file != b.file {
			return a.file < b.file
		}
		if a.line != b.line {
			return a.line < b.line
		}
		return a.col < b.col
	})
	seen := map[string]bool{}
	var out []error
	for _, p := range flat {
		if text := p.err.Error(); !seen[text] {
			seen[text] = true
			out = append(out, p.err)
		}
	}
	if left > 0 {
		out = append(out, &more{left})
	}
	if len(out) == 1 {
		return out[0]
	}
	return errors.Join(out...)
}

func posOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Pos
	}
	return ""
}

// splitPos cuts file:line:col; a position of another form is all file.
func splitPos(p string) (file string, line, col int) {
	i := strings.LastIndexByte(p, ':')
	if i < 0 {
		return p, 0, 0
	}
	j := strings.LastIndexByte(p[:i], ':')
	if j < 0 {
		return p, 0, 0
	}
	line, _ = strconv.Atoi(p[j+1 : i])
	col, _ = strconv.Atoi(p[i+1:])
	return p[:j], line, col
}
