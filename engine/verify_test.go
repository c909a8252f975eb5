package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/engine/run"
)

// TestVerifyNoticesDamagedLines: a flipped bit in any line of a log or journal
// is reported, a line that a killed process left half-written is not, and after
// GC and another run all is well.
func TestVerifyNoticesDamagedLines(t *testing.T) {
	for _, name := range []string{"keys.log", "small.log", "events.jsonl"} {
		for _, line := range []int{1, 3} {
			t.Run(fmt.Sprint(name, " line ", line), func(t *testing.T) {
				state := filepath.Join(t.TempDir(), "state")
				runner := func() {
					t.Helper()
					s := open(t, state)
					r := run.Runner{Store: s}
					if _, err := r.Run(context.Background(), compile(t, newWorld(), "steps:\n  a: {uses: echo, with: {text: a}}\n  b: {uses: upper, in: {text: a}}\n  c: {uses: echo, in: {after: b}, with: {text: c}}\n")); err != nil {
						t.Fatal(err)
					}
					s.Close()
				}
				verify := func() []error {
					t.Helper()
					s := open(t, state)
					defer s.Close()
					wrong, err := s.Verify(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					return wrong
				}
				runner()
				path := filepath.Join(state, name)
				if name == "events.jsonl" {
					found, err := filepath.Glob(filepath.Join(state, "runs", "*", name))
					if err != nil || len(found) != 1 {
						t.Fatal(found, err)
					}
					path = found[0]
				}
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				// Half a line, which the next writer ends.
				if err := os.WriteFile(path, append(whole, whole[:20]...), 0o600); err != nil {
					t.Fatal(err)
				}
				if wrong := verify(); len(wrong) > 0 {
					t.Fatalf("half a line: %v", wrong)
				}
				runner()
				if wrong := verify(); len(wrong) > 0 {
					t.Fatalf("half a line, and more behind it: %v", wrong)
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				lines := bytes.SplitAfter(data, []byte("\n"))
				lines[line-1][len(lines[line-1])/2] ^= 0x80
				if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
					t.Fatal(err)
				}
				wrong := verify()
				// A long path is cut in the middle.
				want := regexp.MustCompile(fmt.Sprintf(`line %d of ".*%s" is damaged`, line, regexp.QuoteMeta(filepath.Base(path))))
				if len(wrong) == 0 || !want.MatchString(fmt.Sprint(wrong)) {
					t.Fatalf("got %v, want %s", wrong, want)
				}
				runner()
				s := open(t, state)
				if _, err := s.GC(time.Now().Add(time.Hour), 0); err != nil {
					t.Fatal(err)
				}
				s.Close()
				runner()
				if wrong := verify(); len(wrong) > 0 {
					t.Errorf("after gc: %v", wrong)
				}
			})
		}
	}
}
