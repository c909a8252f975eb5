package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// runTask runs one task that an executor made.
func (a *app) runTask(ctx context.Context, f *stepRun, text []byte, w *wired, store engine.Store, cache engine.Cache) error {
	t, err := f.task(text, a.Env)
	if err != nil {
		return err
	}
	if t.Dir == "" {
		if t.Dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	if f.secrets != "" {
		if t.Secrets, err = readSecrets(f.secrets); err != nil {
			return err
		}
	}
	if s, ok := store.(content.ReadThrough); ok {
		s.Sizes.Add(t.Content...)
	}
	var res engine.TaskResult
	if a.Progress == "json" {
		res, err = process.Serve(ctx, t, a.Out, w.kinds, store)
	} else {
		show := a.RunProgress(false)
		res = remote.Run(ctx, w.kinds, store, t, engine.Env{
			Log: func(format string, args ...any) {
				show.Event(engine.Event{Type: engine.EventLog, Step: t.Step, Text: fmt.Sprintf(format, args...)})
			},
			Progress: func(int64, int64, string) {},
		})
		show.Close()
		err = store.Sync()
	}
	if _, here := cache.(content.Shared); err == nil && !here {
		err = remote.Deliver(context.WithoutCancel(ctx), t, cache, store, res)
	}
	if err != nil {
		return err
	}
	if a.Progress != "json" && res.Artifact.Digest != "" {
		if err := a.JSON(res.Artifact); err != nil {
			return err
		}
	}
	if e := res.Error; e != nil {
		err := e.Err()
		if a.Progress == "json" {
			return told{err} // the result says it
		}
		return err
	}
	return nil
}

// task picks one task of a document.
func (f *stepRun) task(text []byte, env func(string) (string, bool)) (engine.Task, error) {
	if !f.indexed {
		return process.Read(bytes.NewReader(text), f.step)
	}
	var doc engine.Tasks
	if err := json.Unmarshal(text, &doc); err != nil {
		return engine.Task{}, schema.Errorf(schema.Invalid, "--plan: reading the tasks: %w", err)
	}
	s, _ := env("JOB_COMPLETION_INDEX")
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 || i >= len(doc.Tasks) {
		return engine.Task{}, schema.Errorf(schema.Invalid, "--indexed: JOB_COMPLETION_INDEX is %q, with %d tasks", s, len(doc.Tasks))
	}
	return doc.Tasks[i], nil
}

// secretLimit bounds one secret, in bytes: that of a Kubernetes Secret.
const secretLimit = 1 << 20

// readSecrets reads a directory of secrets, as Kubernetes mounts one: files,
// beside names that begin with two dots.
func readSecrets(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "--secrets: %w", err)
	}
	out := map[string]string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		file, err := userfile.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, schema.Errorf(schema.NotFound, "--secrets: %w", err)
		}
		data, err := io.ReadAll(io.LimitReader(file, secretLimit+1))
		file.Close()
		if err != nil || len(data) > secretLimit {
			return nil, schema.Errorf(schema.Invalid, "--secrets: reading %q: over %d MiB, or not readable: %v", e.Name(), secretLimit>>20, err)
		}
		out[e.Name()] = string(data)
	}
	return out, nil
}
