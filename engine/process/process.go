// Package process runs steps in processes of their own: Executor starts them,
// Read, Attend and Serve are what they do. The two exchange JSON lines: the task
// goes in, what the step logs comes out line by line, the result last. The way
// in stays open as long as Executor waits: when it ends, whoever started the
// step is gone, and the step is stopped.
package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/schema"
)

// line is one message of a step's process.
type line struct {
	Log    *string            `json:"log,omitempty"`
	Done   int64              `json:"done,omitempty"`
	Total  int64              `json:"total,omitempty"`
	Unit   string             `json:"unit,omitempty"`
	Result *engine.TaskResult `json:"result,omitempty"`
}

// maxTask bounds what a step's process reads, in bytes.
const maxTask = 64 << 20

// wait is how long a process that is being stopped may take.
const wait = 10 * time.Second

// Executor runs each task in a process that it starts by command: the
// program that calls Serve, with the same store.
func Executor(command func(engine.Task) []string, env []string) engine.Execute {
	return func(ctx context.Context, t engine.Task, e engine.Env) (engine.TaskResult, error) {
		in, err := json.Marshal(engine.Tasks{Tasks: []engine.Task{t}})
		if err != nil {
			return engine.TaskResult{}, err
		}
		args := command(t)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env, cmd.Dir = env, t.Dir
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = wait
		stderr := &logWriter{log: e.Log}
		cmd.Stderr = stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return engine.TaskResult{}, err
		}
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return engine.TaskResult{}, err
		}
		if err := cmd.Start(); err != nil {
			return engine.TaskResult{}, schema.Errorf(schema.Failed, "starting the step's process: %w", err)
		}
		go func() { _, _ = stdin.Write(append(in, '\n')) }() // Wait closes it; a process that is gone has no result
		res, rerr := listen(out, e)
		err = cmd.Wait()
		stderr.end()
		switch {
		case ctx.Err() != nil:
			return engine.TaskResult{}, ctx.Err()
		case res != nil:
			return *res, nil
		case err != nil:
			return engine.TaskResult{}, schema.Errorf(schema.Unavailable, "the step's process ended without a result: %w", err)
		}
		return engine.TaskResult{}, schema.Errorf(schema.Failed, "the step's process gave no result: %w", errors.Join(rerr, io.ErrUnexpectedEOF))
	}
}

// listen passes on what a process prints until its result.
func listen(r io.Reader, e engine.Env) (*engine.TaskResult, error) {
	lines := bufio.NewReader(r)
	for {
		data, err := lines.ReadBytes('\n')
		if len(data) > 0 && err == nil {
			if res := Handle(data, e); res != nil {
				_, _ = io.Copy(io.Discard, lines)
				return res, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// Handle passes on one line that Serve wrote to e; it returns the result, if the
// line is that.
func Handle(data []byte, e engine.Env) *engine.TaskResult {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		e.Log("%s", bytes.TrimSpace(data)) // something else that it printed
		return nil
	}
	switch {
	case l.Result != nil:
		return l.Result
	case l.Log != nil:
		e.Log("%s", *l.Log)
	default:
		e.Progress(l.Done, l.Total, l.Unit)
	}
	return nil
}

// Read reads a document of tasks, as Executor writes it, and returns the one of
// a step; what follows the document is not read. Invalid if it is none, NotFound
// if it does not have that step.
func Read(r io.Reader, step string) (engine.Task, error) {
	var doc engine.Tasks
	if err := json.NewDecoder(io.LimitReader(r, maxTask)).Decode(&doc); err != nil || len(doc.Tasks) == 0 {
		return engine.Task{}, schema.Errorf(schema.Invalid, "what came in holds no tasks").WithHint("eidos run --executor writes them")
	}
	for _, t := range doc.Tasks {
		if t.Step == step {
			return t, nil
		}
	}
	return engine.Task{}, schema.Errorf(schema.NotFound, "no task for step %q", step)
}

// Attend returns a context that ends when in does: who started this process is
// gone then. A step that does not stop within ten seconds is ended with the
// process. stop is called when the step has ended.
func Attend(ctx context.Context, in io.Reader) (attended context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
		select {
		case <-over:
		case <-time.After(wait):
			os.Exit(schema.Canceled.Info().Exit)
		}
	}()
	return ctx, func() { close(over); cancel() }
}

// ErrUnwritten is in the error of Serve if the result could not be written to out.
// It is in the store all the same, for whoever reads it there.
var ErrUnwritten = errors.New("writing the result")

// Serve runs a task and writes its log and result to out. The result's error
// decides the exit status.
func Serve(ctx context.Context, t engine.Task, out io.Writer, kinds []engine.Kind, store engine.Store) (engine.TaskResult, error) {
	var mu sync.Mutex
	say := func(l line) error {
		data, err := json.Marshal(l)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		_, err = out.Write(append(data, '\n'))
		return err
	}
	res := remote.Run(ctx, kinds, store, t, engine.Env{
		Log: func(format string, args ...any) {
			s := fmt.Sprintf(format, args...)
			_ = say(line{Log: &s}) // the result matters
		},
		Progress: func(done, total int64, unit string) { _ = say(line{Done: done, Total: total, Unit: unit}) },
	})
	if err := store.Sync(); err != nil {
		return res, err
	}
	if err := say(line{Result: &res}); err != nil {
		return res, fmt.Errorf("%w: %w", ErrUnwritten, err)
	}
	return res, nil
}

// end logs a last line that has no newline.
func (w *logWriter) end() {
	if len(w.rest) > 0 {
		w.log("%s", w.rest)
		w.rest = nil
	}
}

// logWriter makes log lines of what is written.
type logWriter struct {
	log  func(string, ...any)
	rest []byte
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.log("%s", w.rest[:i])
		w.rest = w.rest[i+1:]
	}
}
