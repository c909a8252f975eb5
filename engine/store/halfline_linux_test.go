package store

import (
	"strings"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// limitFiles lets files of this process grow to n bytes, as a full disk does: a
// write that goes over it is cut off there. A negative n lifts the limit.
func limitFiles(t *testing.T, n int64) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
	l.Cur = l.Max
	if n >= 0 {
		l.Cur = uint64(n)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
}

// TestHalfLine: a full disk takes half a line and has no room for its end either.
// What is stored once there is room again is found by the next process.
func TestHalfLine(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.Journal("run")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { limitFiles(t, -1) })
	put := func(what string) (schema.Digest, error) {
		d, _, err := s.Put(t.Context(), strings.NewReader(`{"what":"`+what+"\"}\n"))
		return d, err
	}
	event := func(step string) error {
		line, err := engine.Event{Type: engine.EventStep, Step: step}.AppendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(line); err != nil {
			t.Fatal(err)
		}
		return j.Flush()
	}
	var kept []schema.Digest
	for i, full := range []bool{false, true, false} {
		if full {
			limitFiles(t, 150)
		}
		d, perr := put([]string{"first", "cut", "last"}[i] + strings.Repeat("x", 50))
		eerr := event([]string{"first", "cut" + strings.Repeat("x", 150), "last"}[i])
		limitFiles(t, -1)
		if (perr != nil) != full || (eerr != nil) != full {
			t.Fatalf("%d: %v, %v", i, perr, eerr)
		}
		if !full {
			kept = append(kept, d)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, d := range kept {
		r, err := s.Open(t.Context(), d)
		if err != nil {
			t.Errorf("document %d of those that were stored: %v", i, err)
			continue
		}
		r.Close()
	}
	events, err := s.Events("run")
	if err != nil || len(events) != 2 || events[1].Step != "last" {
		t.Errorf("%+v, %v", events, err)
	}
	if wrong, err := s.Verify(t.Context()); err != nil || len(wrong) > 0 {
		t.Error(wrong, err)
	}
}
