package replace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// names lists what is in a directory, hidden files too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b")
	for _, s := range []string{"old", "new"} {
		if err := File(path, 0o666, text(s)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != s {
			t.Errorf("it holds %q, want %q", got, s)
		}
	}
	if diff := cmp.Diff([]string{"b"}, names(t, filepath.Dir(path))); diff != "" {
		t.Error(diff)
	}
}

func TestFileMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	path := filepath.Join(t.TempDir(), "x")
	mode := func() fs.FileMode {
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return fi.Mode()
	}
	if err := File(path, 0o666, text("")); err != nil || mode() != 0o640 {
		t.Errorf("new: mode %v, %v", mode(), err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := File(path, 0o666, text("")); err != nil || mode() != 0o600 {
		t.Errorf("replaced: mode %v, %v", mode(), err)
	}
}

func TestFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"l": "real/x", "l2": "l", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := File(filepath.Join(dir, "l2"), 0o666, text("x")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "real", "x")); got != "x" {
		t.Errorf("it holds %q", got)
	}
	if target, err := os.Readlink(filepath.Join(dir, "l")); target != "real/x" || err != nil {
		t.Errorf("the link is %q, %v", target, err)
	}
	if err := File(filepath.Join(dir, "loop"), 0o666, text("x")); err == nil {
		t.Error("it wrote to a loop of links")
	}
}

func TestFileKeepsOldOnFailure(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := File(path, 0o666, text("old")); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	err := File(path, 0o666, func(w io.Writer) error { return errors.Join(text("half")(w), stop) })
	if !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	if got := read(t, path); got != "old" {
		t.Errorf("it holds %q", got)
	}
	if diff := cmp.Diff([]string{"x"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestFileWritesToPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		data, _ := os.ReadFile(path)
		got <- string(data)
	}()
	if err := File(path, 0o666, text("through")); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "through" {
		t.Errorf("it read %q", s)
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                                "it is a directory",
		filepath.Join(dir, "file", "x"):    "a parent of it is a file",
		"/proc/nothing/x":                  "no such file or directory",
		filepath.Join(dir, long(300), "x"): "file name too long",
	} {
		err := File(path, 0o666, text("x"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	if err := File("/dev/full", 0o666, text("x")); err == nil || hint(err) != "free some space and run it again; what was there is unchanged" {
		t.Errorf("a full disk: %v (%s)", err, hint(err))
	}
}

func long(n int) string { return strings.Repeat("n", n) }

func hint(err error) string {
	var e *schema.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// always allows whatever is there to be replaced.
func always() error { return nil }

// fill puts files into a directory.
func fill(files map[string]string) func(*os.Root) error {
	return func(root *os.Root) error {
		for name, s := range files {
			if err := root.WriteFile(name, []byte(s), 0o666); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestDir(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "d")
	if err := os.Mkdir(dir, 0o755); err != nil { // empty at first
		t.Fatal(err)
	}
	for _, files := range []map[string]string{{"a": "1", "b": "2"}, {"b": "3"}} {
		if err := Dir(t.Context(), dir+"/", always, fill(files)); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, n := range names(t, dir) {
			got[n] = read(t, filepath.Join(dir, n))
		}
		if diff := cmp.Diff(files, got); diff != "" {
			t.Error(diff)
		}
	}
	stop := errors.New("stop")
	if err := Dir(t.Context(), dir, always, func(root *os.Root) error { return errors.Join(fill(map[string]string{"c": ""})(root), stop) }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{"b"}, names(t, dir)); diff != "" {
		t.Errorf("after a failure: %s", diff)
	}
	if diff := cmp.Diff([]string{"d"}, names(t, parent)); diff != "" {
		t.Error(diff)
	}
	if err := Dir(t.Context(), filepath.Join(dir, "b"), always, fill(nil)); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("onto a file: %v", err)
	}
}

// A new file has its name once it is whole, so that a process that is killed leaves
// nothing under that name and the next one can write it.
func TestNewIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new")
	data := make([]byte, 16<<20)
	done := make(chan error)
	go func() { done <- New(path, 0o666, data) }()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
		if fi, err := os.Stat(path); err == nil && fi.Size() != int64(len(data)) {
			t.Fatalf("it has %d bytes: %v", fi.Size(), <-done)
		}
	}
	if err := New(path, 0o666, nil); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("a file that exists: %v", err)
	}
	if got := read(t, path); got != string(data) {
		t.Errorf("it has %d bytes", len(got))
	}
	if diff := cmp.Diff([]string{"new"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}
