package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestChanged(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	old := time.Now().Add(-time.Hour)
	settle := func() { // files that were not written a moment ago
		for _, n := range []string{"a", "data/b"} {
			if err := os.Chtimes(in(n), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tc := range []struct {
		name string
		do   func()
		want []string
	}{
		{"nothing", func() {}, nil},
		{"touched", func() { must(t, os.Chtimes(in("a"), time.Now(), time.Now())) }, nil},
		{"written, same time and size", func() { write(t, in("a"), "2") }, []string{"a"}},
		{"saved by a rename", func() { write(t, in("a~"), "22"); must(t, os.Rename(in("a~"), in("a"))) }, []string{"a"}},
		{"the same text written again", func() { write(t, in("a"), "1") }, nil},
		{"removed", func() { must(t, os.Remove(in("a"))) }, []string{"a"}},
		{"appeared", func() { write(t, in("later"), "") }, []string{"later"}},
		{"new in a directory", func() { write(t, in("data/deep/c"), "") }, []string{"data/deep/c"}},
		{"gone from a directory", func() { must(t, os.Remove(in("data/b"))) }, []string{"data/b"}},
		{"hidden", func() { write(t, in("data/.git/x"), "") }, nil},
		{"an exception", func() { write(t, in("data/out/x"), "") }, nil},
		{"two", func() { write(t, in("a"), "3"); write(t, in("data/b"), "3") }, []string{"a", "data/b"}},
		{"a link that points elsewhere", func() { must(t, os.Remove(in("link"))); must(t, os.Symlink(in("data/b"), in("link"))) }, []string{"link"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			must(t, os.RemoveAll(dir))
			write(t, in("a"), "1")
			write(t, in("data/b"), "b")
			must(t, os.Symlink(in("a"), in("link")))
			settle()
			s := Set{Paths: []string{in("a"), in("later"), in("data"), in("link")}, Except: []string{in("data/out")}}
			if tc.name != "a link that points elsewhere" {
				s.Paths = s.Paths[:3]
			}
			before := s.Look(nil)
			tc.do()
			var want []string
			for _, w := range tc.want {
				want = append(want, in(w))
			}
			if d := cmp.Diff(want, s.Changed(before, s.Look(before))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestOf holds the mark of what was read against the file.
func TestOf(t *testing.T) {
	f := filepath.Join(t.TempDir(), "f")
	write(t, f, "text")
	s := Set{Paths: []string{f}}
	if got := s.Changed(Sight{f: Of([]byte("text"))}, s.Look(nil)); got != nil {
		t.Errorf("%q changed", got)
	}
	if got := s.Changed(Sight{f: Of([]byte("other"))}, s.Look(nil)); len(got) != 1 {
		t.Error("not seen")
	}
}

// TestWaitTellsOnceThingsAreQuiet runs by a clock of its own, which moves when
// everybody waits.
func TestWaitTellsOnceThingsAreQuiet(t *testing.T) {
	f := filepath.Join(t.TempDir(), "f")
	write(t, f, "0")
	synctest.Test(t, func(t *testing.T) {
		s := Set{Paths: []string{f}}
		before := s.Look(nil)
		write(t, f, "half")
		go func() {
			for i := range 3 {
				time.Sleep(15 * time.Millisecond)
				_ = os.WriteFile(f, []byte(strings.Repeat("more", i)), 0o644)
			}
		}()
		start := time.Now()
		got, err := s.Wait(t.Context(), before, 20*time.Millisecond)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		// It changed at 0, 15, 30 and 45 ms: what was seen at 60 is there at 80.
		if d := time.Since(start); d != 80*time.Millisecond {
			t.Errorf("told after %s", d)
		}
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		if _, err := s.Wait(ctx, s.Look(nil), 10*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing changed, and it ended with %v", err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
