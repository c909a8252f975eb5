package userfile

import (
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// A test that opens what it should not waits for ever, and go test says where.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("file"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at("pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", at("loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", at("link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", at("link to a pipe")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]string{
		"file": "", "link": "", "pipe": "is a pipe, not a file", "link to a pipe": "is a pipe, not a file",
		"socket": "is a socket", ".": "is a directory, not a file", "/dev/zero": "is a device, not a file", "nothing": "no such file",
		"file/below": `file/below": no such file`, "loop": `loop": too many levels of symbolic links`, strings.Repeat("x", 300): "file name too long",
	} {
		path := name
		if !filepath.IsAbs(name) {
			path = at(name)
		}
		opens := map[string]func() (io.ReadCloser, error){
			"Open": func() (io.ReadCloser, error) { f, err := Open(path); return f, err },
		}
		if !strings.Contains(name, "pipe") {
			opens["OpenDocument"] = func() (io.ReadCloser, error) { return OpenDocument(path) }
		}
		if !filepath.IsAbs(name) {
			opens["OpenIn"] = func() (io.ReadCloser, error) { f, err := OpenIn(root, name); return f, err }
		}
		if !filepath.IsAbs(name) && name != "." {
			opens["Tree"] = func() (io.ReadCloser, error) { return Tree(root).Open(name) }
		}
		for how, open := range opens {
			r, err := open()
			if want != "" {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "open") {
					t.Errorf("%s %s: %v, want %q", how, name, err, want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", how, name, err)
				continue
			}
			if data, err := io.ReadAll(r); err != nil || string(data) != "text" {
				t.Errorf("%s %s: %q, %v", how, name, data, err)
			}
			r.Close()
		}
	}
	if _, err := Read(at("file"), 3); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("over the limit: %v", err)
	}
	if err := os.Truncate(at("file"), 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(at("file"), 1<<20); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("a TiB of nothing: %v", err)
	}
}

// A pipe is read to its end, whether its writer came before or comes after.
func TestOpenDocumentPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := OpenDocument(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text := strings.Repeat("text", 100_000)
	go os.WriteFile(path, []byte(text), 0o644)
	data, err := io.ReadAll(r)
	if err != nil || string(data) != text {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	var kinds []string
	for _, m := range []fs.FileMode{0, fs.ModeDir, fs.ModeSymlink, fs.ModeNamedPipe, fs.ModeSocket, fs.ModeDevice | fs.ModeCharDevice, fs.ModeIrregular} {
		kinds = append(kinds, Kind(m))
	}
	if got := strings.Join(kinds, ", "); got != "a file, a directory, a symbolic link, a pipe, a socket, a device, something special" {
		t.Error(got)
	}
}

// A pipe that nobody ever writes to ends.
func TestOpenDocumentNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := OpenDocument(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.(*pipe).patience = 0
	if data, err := io.ReadAll(r); err != nil || len(data) != 0 {
		t.Errorf("%q, %v", data, err)
	}
}

func TestOpenRoot(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRoot(pipe); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "is a pipe, not a directory") {
		t.Errorf("a pipe: %v", err)
	}
	root, err := OpenRoot(filepath.Dir(pipe))
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Close(); err != nil {
		t.Error(err)
	}
}
