package replace

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSlowWriter is the process of TestSweep: it writes a file and a directory,
// says so when both are half-written, and goes on when its input ends.
func TestSlowWriter(t *testing.T) {
	dir := os.Getenv("EIDOS_TEST_SLOW")
	if dir == "" {
		t.Skip("a part of TestSweep")
	}
	half := make(chan error)
	end := make(chan struct{})
	go func() {
		half <- File(filepath.Join(dir, "file"), 0o666, func(w io.Writer) error {
			_, err := io.WriteString(w, "half")
			half <- err
			<-end
			return err
		})
	}()
	go func() {
		half <- Dir(t.Context(), filepath.Join(dir, "tree"), always, func(root *os.Root) error {
			err := root.WriteFile("half", nil, 0o666)
			half <- err
			<-end
			return err
		})
	}()
	if err := errors.Join(<-half, <-half); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("half\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(end)
	if err := errors.Join(<-half, <-half); err != nil {
		t.Fatal(err)
	}
}

// TestSweep: what a killed process left goes; what a living one writes, and
// what only looks like it, stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	start := func() (*exec.Cmd, io.Closer) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSlowWriter$")
		cmd.Env = append(os.Environ(), "EIDOS_TEST_SLOW="+dir)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var word [5]byte
		if _, err := io.ReadFull(out, word[:]); err != nil || string(word[:]) != "half\n" {
			t.Fatalf("the writer says %q: %v", word, err)
		}
		go io.Copy(io.Discard, out)
		return cmd, in
	}
	killed, _ := start()
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	left := names(t, dir)
	if len(left) != 2 {
		t.Fatalf("the killed writer left %q", left)
	}
	living, end := start()
	for _, name := range []string{".file.eidos-notes", ".eidos-0123456789abcdef", "file.eidos-0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for _, n := range names(t, dir) {
		if n != left[0] && n != left[1] {
			want = append(want, n)
		}
	}
	// Who has the directory locked is not waited for.
	lock, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	Sweep(dir)
	if d := cmp.Diff(before, names(t, dir)); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	lock.Close()
	Sweep(dir)
	if d := cmp.Diff(want, names(t, dir)); d != "" {
		t.Errorf("(-want +left):\n%s", d)
	}
	end.Close()
	if err := living.Wait(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(names(t, dir), " "); got != ".eidos-0123456789abcdef .file.eidos-notes file file.eidos-0123456789abcdef tree" {
		t.Errorf("in the end there are %s", got)
	}
}
