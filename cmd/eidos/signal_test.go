package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// patience is how long a test waits for a process: much longer than it takes on
// a busy machine. A command that ignores signals does not end at all.
const patience = 90 * time.Second

// blocked is a command that waits for something that never comes.
type blocked struct {
	name   string
	args   string // words; DIR is its directory, HOST a server
	files  string // a document that it reads, DIR/x.yaml
	stdin  bool   // held open
	stderr bool   // nobody reads it
	server bool   // HOST has its request
}

// Every command ends after the first signal, wherever it is blocked, with the
// exit status of an interruption.
func TestSignalEndsBlockedCommands(t *testing.T) {
	load := func(uri string) string {
		return "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps:\n  recipe: {uses: resolve, in: {snapshot: \"" + uri + "\"}, out: dist/recipe.yaml}\n"
	}
	for _, c := range []blocked{
		{name: "open a FIFO", args: "validate -r DIR/fifo -s DIR/other"},
		{name: "run that opens a FIFO", args: "run DIR/x.yaml", files: load("./fifo")},
		{name: "pipeline from a FIFO", args: "run DIR/fifo"},
		{name: "read standard input", args: "validate -r - -s DIR/other", stdin: true},
		{name: "stalled body", args: "recipe --snapshot HOST/x", server: true},
		{name: "run with a stalled body", args: "run DIR/x.yaml", files: load("HOST/x"), server: true},
		{name: "stalled registry", args: "verify --plain-http HOST/a/b:v1", server: true},
		{name: "errors that nobody reads", args: "run DIR/fifo", stderr: true},
		{name: "serve", args: "registry serve --addr 127.0.0.1:0"},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(fmt.Sprint(c.name, " ", sig), func(t *testing.T) {
				t.Parallel()
				p := start(t, c)
				if err := p.cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				p.ended(t)
				if _, err := os.Stat(filepath.Join(p.cmd.Dir, "dist")); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("it left an output: %v", err)
				}
			})
		}
	}
}

// A run that was stopped does its clean-up, the steps under finally; the second
// signal ends it there, whatever it waits for.
func TestSecondSignalEndsCleanUp(t *testing.T) {
	text := `apiVersion: eidos.nvidia.com/v1alpha1
kind: Pipeline
metadata: {name: p}
steps:
  recipe: {uses: resolve, in: {snapshot: "HOST/x"}}
finally:
  last: {uses: resolve, in: {snapshot: "./fifo"}}
`
	p := start(t, blocked{args: "run DIR/x.yaml", files: text, server: true})
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	reading(t, filepath.Join(p.cmd.Dir, "fifo")) // after the first
	done := make(chan struct{})
	defer close(done)
	go func() { // one that comes too soon after the first is the same
		for {
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	p.ended(t)
}

type child struct{ cmd *exec.Cmd }

// start starts a command and waits until it is blocked.
func start(t *testing.T, c blocked) child {
	t.Helper()
	dir := t.TempDir()
	begun := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "k")
		w.(http.Flusher).Flush()
		select {
		case begun <- struct{}{}:
		case <-r.Context().Done():
		}
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	host := srv.URL
	if strings.Contains(c.args, "--plain-http") {
		host = strings.TrimPrefix(host, "http://")
	}
	words := strings.NewReplacer("DIR", dir, "HOST", host)
	for _, name := range []string{"fifo", "other"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(words.Replace(c.files)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("eidos", strings.Fields(words.Replace(c.args))...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "EIDOS_STATE="+dir+"/state", "EIDOS_DATA="+dir+"/data", "KUBECONFIG="+dir+"/none")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	stderr, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stderr.Close() })
	if c.stderr { // nothing more fits in
		if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 4<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	switch {
	case c.server:
		select {
		case <-begun:
		case <-time.After(patience):
			t.Fatal("it asked the server nothing")
		}
	case c.stderr:
		f := reading(t, filepath.Join(dir, "fifo"))
		if _, err := f.WriteString("a: ["); err != nil {
			t.Fatal(err)
		}
		f.Close() // now it has an error to print
	case strings.HasPrefix(c.args, "registry serve"):
		if _, err := bufio.NewReaderSize(stderr, 16).Peek(1); err != nil {
			t.Fatal(err)
		}
	case c.stdin:
		if _, err := stdin.Write(make([]byte, 1<<20)); err != nil { // more than a pipe holds
			t.Fatal(err)
		}
	default:
		reading(t, filepath.Join(dir, "fifo"))
	}
	if !c.stderr {
		go func() { _, _ = io.Copy(io.Discard, stderr) }()
	}
	return child{cmd}
}

// reading waits until somebody has opened the FIFO to read it, and stays its
// writer, so that what reads it waits.
func reading(t *testing.T, fifo string) *os.File {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		w, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			t.Cleanup(func() { w.Close() })
			return w
		}
	}
	t.Fatal("nobody opened the FIFO")
	return nil
}

// ended fails unless the process ends by itself as one that was interrupted.
func (p child) ended(t *testing.T) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it outlived the signal")
	}
	want := schema.Canceled.Info().Exit
	if strings.Contains(strings.Join(p.cmd.Args, " "), "registry serve") {
		want = 0 // that is how it ends
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("exit status %d (%v), want %d", got, p.cmd.ProcessState, want)
	}
}
