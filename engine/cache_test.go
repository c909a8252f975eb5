package engine_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/schema"
)

// poisoned is a cache that gives other bytes than it says.
type poisoned struct{ content.Shared }

func (p poisoned) Fetch(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	r, err := p.Shared.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return io.NopCloser(strings.NewReader(strings.ToLower(string(data[:len(data)-2])) + "x\n")), err
}

func TestSharedCache(t *testing.T) {
	shared := content.Shared{Store: open(t, t.TempDir())}
	text := "steps:\n  a: {uses: echo, with: {text: Hello}}\n  b: {uses: upper, in: {text: a}}\n  c: {uses: touch, in: {text: b}}\n"
	runner := func(from, to []engine.Cache) (codes []string, calls map[string]int, log string) {
		w := newWorld()
		r := run.Runner{Store: open(t, t.TempDir()), CacheFrom: from, CacheTo: to, Events: func(e engine.Event) { log += e.Text }}
		res, err := r.Run(context.Background(), compile(t, w, text))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range res.Steps {
			codes = append(codes, string(s.Decision.Code))
		}
		return codes, w.calls, log
	}
	check := func(what string, codes []string, want string) {
		t.Helper()
		if got := strings.Join(codes, " "); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	codes, _, _ := runner(nil, []engine.Cache{shared})
	check("first", codes, "new new effect")
	codes, calls, _ := runner([]engine.Cache{shared}, nil)
	check("from the cache", codes, "cached cached effect")
	if calls["echo"]+calls["upper"] != 0 || calls["touch"] != 1 {
		t.Errorf("called %v", calls)
	}
	codes, _, log := runner([]engine.Cache{poisoned{shared}}, nil)
	check("poisoned", codes, "new new effect")
	if !strings.Contains(log, "from the cache: the content has digest sha256:") {
		t.Errorf("log: %q", log)
	}
	codes, _, _ = runner([]engine.Cache{poisoned{shared}, shared}, nil)
	check("poisoned, then sound", codes, "cached cached effect")
}

// away is a cache that cannot be reached; it counts who asks.
type away struct{ asked *int }

func (a away) gone() error {
	*a.asked++
	return schema.Errorf(schema.Unavailable, "no route to the cache")
}

func (a away) Find(context.Context, schema.Digest) (engine.Entry, bool, error) {
	return engine.Entry{}, false, a.gone()
}

func (a away) Fetch(context.Context, schema.Digest) (io.ReadCloser, error) { return nil, a.gone() }

func (a away) Share(context.Context, engine.Entry, func(context.Context, schema.Digest) (io.ReadCloser, error)) error {
	return a.gone()
}

// A cache that cannot be reached is asked once, told of once each way, and
// fails nothing.
func TestCacheOutOfReach(t *testing.T) {
	asked, told := 0, 0
	r := run.Runner{Store: open(t, t.TempDir()), Jobs: 1, CacheFrom: []engine.Cache{away{&asked}}, CacheTo: []engine.Cache{away{&asked}},
		Events: func(e engine.Event) {
			if strings.Contains(e.Text, "no route to the cache") {
				told++
			}
		}}
	plan := compile(t, newWorld(), "steps:\n  a: {uses: echo}\n  b: {uses: upper, in: {text: a}}\n  c: {uses: upper, in: {text: b}}\n")
	if _, err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	if asked != 2 || told != 2 {
		t.Errorf("asked %d times, told %d times, want 2 and 2", asked, told)
	}
}
