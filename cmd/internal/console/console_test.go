package console

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/story"
)

// For debugging, the source of what is reported is the code that reports it.
func TestSayNamesTheCaller(t *testing.T) {
	var out bytes.Buffer
	c := &Console{Err: &out}
	c.Tell(story.Debug)
	_, _, line, _ := runtime.Caller(0)
	c.Say("%s is written", "a file")
	if want := fmt.Sprintf("console_test.go:%d ", line+1); !strings.Contains(out.String(), want) {
		t.Errorf("%q has no %q", out.String(), want)
	}
}

// What a document or another program says does not control the terminal.
func TestResultsArePrintable(t *testing.T) {
	const escape = "a\tb\x1b]0;c\a\u202e\r\nd"
	var out bytes.Buffer
	c := &Console{Out: &out, Env: func(string) (string, bool) { return "", false }}
	if err := errors.Join(c.Line(escape), c.Table([][]string{{escape}}), c.Pairs([][]string{{"x", escape}})); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "a b?]0;c??") != 3 || strings.ContainsAny(got, "\x1b\a\r\u202e") {
		t.Errorf("%q", got)
	}
}
