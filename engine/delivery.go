package engine

import (
	"context"
	"io"
	"strconv"

	"github.com/NVIDIA/eidos/schema"
)

// A result travels between processes that share nothing but a Cache: who ran
// the step puts it there with Deliver, who waits for it takes it with Receive.

const tasksType = "application/vnd.nvidia.eidos.tasks.v1alpha1+json"

// resultKey is where the result of an attempt at a step of a run is found.
func resultKey(run, step string, attempt int) schema.Digest {
	k := newKeyHash()
	k.part("result of run", run)
	k.part("step", step)
	k.part("attempt", strconv.Itoa(attempt))
	return k.digest()
}

// Deliver puts what became of t into the cache, with the bytes it consists of.
func Deliver(ctx context.Context, t Task, to Cache, store Store, res TaskResult) error {
	e := Entry{Key: resultKey(t.Run, t.Step, t.Attempt), Step: t.Step, Run: t.Run, State: Done, Artifact: res.Artifact, Blobs: res.Blobs}
	if res.Error != nil {
		e.State, e.Outcome, e.Error = Failed, res.Error.Code, res.Error
	}
	return to.Share(ctx, e, store.Open)
}

// Receive returns what became of t, and brings the bytes of it into the store.
// false if it was not delivered.
func Receive(ctx context.Context, t Task, from Cache, store Store) (TaskResult, bool, error) {
	e, ok, err := from.Find(ctx, resultKey(t.Run, t.Step, t.Attempt))
	if err != nil || !ok {
		return TaskResult{}, false, err
	}
	if err := receive(ctx, store, e, from.Fetch); err != nil {
		return TaskResult{}, false, err
	}
	return TaskResult{Artifact: e.Artifact, Blobs: e.Blobs, Error: e.Error}, true, nil
}

// receive brings the content of e into the store, what of it is not there.
func receive(ctx context.Context, store Store, e Entry, open func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	var total int64
	for _, b := range e.Content() {
		if total += b.Size; b.Size < 0 || total < 0 || total > maxContent {
			return schema.Errorf(schema.Failed, "the cached result of %s names more than %d GiB, or less than nothing", e.Step, maxContent>>30)
		}
		if store.Has(ctx, b.Digest, b.Size) {
			continue
		}
		if err := pass(ctx, store, b, open); err != nil {
			return err
		}
	}
	return nil
}

// Send puts tasks into the cache for others to run, with all that their inputs
// consist of, and returns the digest to fetch them by. Secrets stay behind.
func Send(ctx context.Context, to Cache, store Store, tasks []Task) (schema.Digest, error) {
	doc := Tasks{Tasks: make([]Task, len(tasks))}
	var content []Blob
	seen := map[schema.Digest]bool{}
	for i, t := range tasks {
		t.Secrets, t.Dir = nil, ""
		doc.Tasks[i] = t
		for _, b := range t.Content {
			if !seen[b.Digest] {
				seen[b.Digest] = true
				content = append(content, b)
			}
		}
	}
	a, err := storeJSON(ctx, store, tasksType, doc)
	if err != nil {
		return "", err
	}
	return a.Digest, to.Share(ctx, Entry{Key: a.Digest, Step: "tasks", Artifact: a, Blobs: content}, store.Open)
}
