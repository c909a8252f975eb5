package steptask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/process"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// Do runs the step and prints its result.
func (s *Session) Do(ctx context.Context) error {
	if s.Attended {
		var stop func()
		ctx, stop = process.Attend(ctx, s.In)
		defer stop()
	}
	if s.tasks {
		return s.runTask(ctx)
	}
	return s.runPlanned(ctx)
}

// runTask runs one task that an executor made. Its log and result go to standard
// output, as JSON lines for a process that reads them; its result also into the cache
// between the machines, unless this process works in the run's own store.
func (s *Session) runTask(ctx context.Context) error {
	t, err := s.task()
	if err != nil {
		return err
	}
	if t.Dir == "" {
		if t.Dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	if s.Secrets != "" {
		if t.Secrets, err = readSecrets(s.Secrets); err != nil {
			return err
		}
	}
	if r, ok := s.store.(content.ReadThrough); ok {
		r.Sizes.Add(t.Content...)
	}
	var res engine.TaskResult
	if s.Progress == "json" {
		res, err = process.Serve(ctx, t, s.Out, s.Kinds, s.store)
	} else {
		show := s.RunProgress(false)
		res = remote.Run(ctx, s.Kinds, s.store, t, engine.Env{
			Log: func(format string, args ...any) {
				show.Event(engine.Event{Type: engine.EventLog, Step: t.Step, Text: fmt.Sprintf(format, args...)})
			},
			Progress: func(int64, int64, string) {},
		})
		show.Close()
		err = s.store.Sync()
	}
	// Where the run reads the result in the cache, a log that broke off loses nothing.
	if _, here := s.cache.(content.Shared); !here && (err == nil || errors.Is(err, process.ErrUnwritten)) {
		err = remote.Deliver(context.WithoutCancel(ctx), t, s.cache, s.store, res)
	}
	if err != nil {
		return err
	}
	if s.Progress != "json" && res.Artifact.Digest != "" {
		if err := s.JSON(res.Artifact); err != nil {
			return err
		}
	}
	if e := res.Error; e != nil {
		err := e.Err()
		if s.Progress == "json" {
			return console.Printed{Err: err} // in the result
		}
		return err
	}
	return nil
}

// task picks one task: by id, or by the index that Kubernetes gives each Pod of an Indexed
// Job in JOB_COMPLETION_INDEX.
func (s *Session) task() (engine.Task, error) {
	if !s.Indexed {
		return process.Read(bytes.NewReader(s.text), s.Step)
	}
	var doc engine.Tasks
	if err := json.Unmarshal(s.text, &doc); err != nil {
		return engine.Task{}, schema.Errorf(schema.Invalid, "--plan: reading the tasks: %w", err)
	}
	index, _ := s.Env("JOB_COMPLETION_INDEX")
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(doc.Tasks) {
		return engine.Task{}, schema.Errorf(schema.Invalid, "--indexed: JOB_COMPLETION_INDEX is %q, with %d tasks", index, len(doc.Tasks))
	}
	return doc.Tasks[i], nil
}

// secretLimit bounds one secret, in bytes: that of a Kubernetes Secret.
const secretLimit = 1 << 20

// readSecrets reads a directory of secrets, as Kubernetes mounts one: files,
// beside names that begin with two dots (..data, which the files are links into). They are
// read once; a Secret that changes is seen by the next attempt.
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
		data, err := userfile.ReadIn(dir, e.Name(), secretLimit)
		if err != nil {
			return nil, fmt.Errorf("--secrets: %w", err)
		}
		out[e.Name()] = string(data)
	}
	return out, nil
}
