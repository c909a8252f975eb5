package check

import (
	"context"
	"sync"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// Reader reads a cluster: kube.Client.
type Reader interface {
	Read(ctx context.Context, s expect.Source, each func(expect.Object)) error
}

// read reads every source of some checks once, at most parallel of them at a
// time, and keeps what the checks look at: of 50,000 Pods a few fields each. A source that
// cannot be read is a reading with the reason, and no error.
func read(ctx context.Context, from Reader, checks []expect.Bound, parallel int) expect.Readings {
	out := expect.Readings{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	seen := map[expect.Source]bool{}
	for _, b := range checks {
		for _, s := range b.Sources() {
			if seen[s] {
				continue
			}
			seen[s] = true
			wg.Add(1)
			slots <- struct{}{}
			go func() {
				defer func() { <-slots; wg.Done() }()
				r := readOne(ctx, from, s, checks)
				mu.Lock()
				defer mu.Unlock()
				out[s] = r
			}()
		}
	}
	wg.Wait()
	return out
}

func readOne(ctx context.Context, from Reader, s expect.Source, checks []expect.Bound) expect.Reading {
	var r expect.Reading
	keep := expect.Keep(s, checks)
	err := from.Read(ctx, s, func(o expect.Object) {
		if kept, ok := keep(o); ok {
			r.Objects = append(r.Objects, kept)
		}
	})
	if schema.CodeOf(err) == schema.NotFound {
		return expect.Reading{Absent: true}
	}
	if why := unread(s, err); why != "" {
		return expect.Reading{Unread: why}
	}
	return r
}

// notAllowed begins the reason of what the user may not do.
const notAllowed = "not allowed to "

// unread is why a source could not be read, "" if err is nil. It names the verb
// and the resource.
func unread(s expect.Source, err error) string {
	switch schema.CodeOf(err) {
	case "":
		return ""
	case schema.Unauthorized:
		return notAllowed + s.Right().String()
	}
	return "could not " + s.Right().String() + ": " + err.Error()
}
