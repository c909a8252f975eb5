package story

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

func TestRowsThatFailAlikeAreOneError(t *testing.T) {
	var errs []error
	for i := range 28 {
		errs = append(errs, schema.Errorf(schema.Unsatisfied, "3 of 4 constraints do not hold").At("", fmt.Sprintf("steps.check[%d]", i+1)).WithHint("look"))
	}
	errs = append(errs, schema.Errorf(schema.Failed, "other").At("", "steps.check[29]"), errors.New("plain"))
	var out bytes.Buffer
	New(&out, Words, false).Errors(errors.Join(errs...))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "eidos: error: steps.check: 3 of 4 constraints do not hold, in 28 rows: [1] [2] ") ||
		lines[1] != "eidos: hint: look" || lines[2] != "eidos: error: steps.check[29]: other" {
		t.Errorf("got\n%s", out.String())
	}
}

func TestWordsAreWrapped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte("text: "+strings.Repeat("word ", 40)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := New(&out, Words, true)
	s.Columns = func() int { return 60 }
	s.Note("%s", strings.Repeat("word ", 40))
	s.Errors(schema.Errorf(schema.Invalid, "%s", strings.Repeat("word ", 40)).At(file+":1:90", "a").WithHint("%s", strings.Repeat("word ", 40)))
	for _, l := range strings.Split(out.String(), "\n") {
		l = strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(l)
		if n := len([]rune(l)); n > 60 && !strings.Contains(l, file) {
			t.Errorf("%d columns: %q", n, l)
		}
	}
}

// What is measured, or another program reports, does not control the terminal.
func TestWordsArePlain(t *testing.T) {
	const escape = "a\tb\x1b]0;c\a\u202e\nd"
	var out bytes.Buffer
	s := New(&out, Words, false)
	s.Note("%s", escape)
	s.NoteFor("%s", escape)
	s.Warn("%s", escape)
	s.Errors(schema.Errorf(schema.Invalid, "%s", escape).WithHint("%s", escape))
	want := ""
	for _, prefix := range []string{"", "", "warning: ", "error: ", "hint: "} {
		want += "eidos: " + prefix + "a b?]0;c??\nd\n"
	}
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The source in a line for debugging is the code that logged it.
func TestDebugNamesTheCaller(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, Debug, false)
	var lines []int
	here := func() { // the line that follows the call
		_, _, line, _ := runtime.Caller(1)
		lines = append(lines, line+1)
	}
	here()
	s.Note("a note")
	here()
	s.Warn("a warning")
	here()
	s.Errors(schema.Errorf(schema.Invalid, "wrong"))
	var many []error
	for i := range 21 {
		many = append(many, schema.Errorf(schema.Invalid, "wrong %d", i))
	}
	here()
	s.Errors(errors.Join(many...))
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range map[int]string{0: "level=INFO", 1: "level=WARN", 2: "level=ERROR", len(got) - 1: "more=1"} {
		at := fmt.Sprintf("story_test.go:%d ", lines[min(i, 3)])
		if !strings.Contains(got[i], at) || !strings.Contains(got[i], want) {
			t.Errorf("%q has no %q or no %q", got[i], at, want)
		}
	}
}

// Notes, warnings, errors and events have the same keys.
func TestJSONHasOneShape(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, JSON, false)
	s.Note("a")
	s.Warn("b")
	s.Errors(schema.Errorf(schema.Invalid, "c").At("f:1:2", "p").WithHint("d"))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, e := range []engine.Event{
		{Time: now, Type: engine.EventRun, Pipeline: "p", State: engine.Running},
		{Time: now, Type: engine.EventLog, Step: "s", Text: "reading"},
		{Time: now, Type: engine.EventLog, Step: "s"},
		{Time: now, Type: engine.EventProgress, Step: "s", Done: 1, Total: 2, Unit: "images"},
		{Time: now, Type: engine.EventStep, Step: "s", State: engine.Retrying, Error: &engine.EventError{Message: "busy"}},
		{Time: now, Type: engine.EventStep, Step: "s", State: engine.Failed, Error: &engine.EventError{Code: schema.Failed, Message: "broke"}},
	} {
		s.Event(e)
	}
	var got []string
	keys := reflect.TypeFor[Line]().NumField()
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if len(m) != keys || m["message"] == "" {
			t.Errorf("%s has %d keys, want %d and a message", text, len(m), keys)
		}
		got = append(got, fmt.Sprint(m["level"], " ", m["type"], " ", m["message"]))
	}
	want := "info note a|warn note b|error error p: c (f:1:2)|info run p: running|info log reading|info log s|debug progress s: 1 of 2 images|warn step s: busy|error step s: broke"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}
