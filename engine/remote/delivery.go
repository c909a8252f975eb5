package remote

import (
	"context"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/schema"
)

// A result travels between processes that share nothing but a Cache: who ran
// the step puts it there with Deliver, who waits for it takes it with Receive.

const tasksType = "application/vnd.nvidia.eidos.tasks.v1alpha1+json"

// Deliver puts what became of t into the cache, with the bytes it consists of.
func Deliver(ctx context.Context, t engine.Task, to engine.Cache, store engine.Store, res engine.TaskResult) error {
	e := engine.Entry{Key: key.OfResult(t.Run, t.Step, t.Attempt), Step: t.Step, Run: t.Run, State: engine.Done, Artifact: res.Artifact, Blobs: res.Blobs}
	if res.Error != nil {
		e.State, e.Outcome, e.Error = engine.Failed, res.Error.Code, res.Error
	}
	return to.Share(ctx, e, store.Open)
}

// Receive returns what became of t, and brings the bytes of it into the store.
// false if it was not delivered.
func Receive(ctx context.Context, t engine.Task, from engine.Cache, store engine.Store) (engine.TaskResult, bool, error) {
	e, ok, err := from.Find(ctx, key.OfResult(t.Run, t.Step, t.Attempt))
	if err != nil || !ok {
		return engine.TaskResult{}, false, err
	}
	if err := content.CopyEntry(ctx, store, e, from.Fetch); err != nil {
		return engine.TaskResult{}, false, err
	}
	return engine.TaskResult{Artifact: e.Artifact, Blobs: e.Blobs, Error: e.Error}, true, nil
}

// Send puts tasks into the cache for others to run, with all that their inputs
// consist of, and returns the digest to fetch them by. Secrets stay behind.
func Send(ctx context.Context, to engine.Cache, store engine.Store, tasks []engine.Task) (schema.Digest, error) {
	doc := engine.Tasks{Tasks: make([]engine.Task, len(tasks))}
	var c []engine.Blob
	seen := map[schema.Digest]bool{}
	for i, t := range tasks {
		t.Secrets, t.Dir = nil, ""
		doc.Tasks[i] = t
		for _, b := range t.Content {
			if !seen[b.Digest] {
				seen[b.Digest] = true
				c = append(c, b)
			}
		}
	}
	a, err := content.WriteJSON(ctx, store, tasksType, doc)
	if err != nil {
		return "", err
	}
	return a.Digest, to.Share(ctx, engine.Entry{Key: a.Digest, Step: "tasks", Artifact: a, Blobs: c}, store.Open)
}
