package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
)

const halfway = `
steps:
  pushed: {uses: touch}
  broken: {uses: fail, in: {after: pushed}, with: {message: no, times: 1}}
  behind: {uses: touch, in: {text: broken}, with: {text: behind}}
finally:
  last: {uses: touch, with: {text: last}}
`

// decided is how each step of a run was decided on.
func decided(res *run.Result) map[string]engine.ReasonCode {
	out := map[string]engine.ReasonCode{}
	for _, s := range res.Steps {
		out[s.ID] = s.Decision.Code
	}
	return out
}

// What a run did is not repeated, also effects; what failed and what was not
// reached runs; the steps under finally run again.
func TestRetry(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	w, now := newWorld(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	runner := func(retry, text string) *run.Result {
		t.Helper()
		now = now.Add(time.Hour)
		store := open(t, dir)
		defer store.Close()
		r := run.Runner{Store: store, Retry: retry, Source: &engine.Source{File: "p"}, Clock: func() time.Time { return now }}
		res, _ := r.Run(ctx, compile(t, w, text))
		return res
	}
	first := runner("", halfway)
	if first.State != engine.Failed || w.calls["touch"] != 2 { // pushed, last
		t.Fatalf("%s, %v", first.State, w.calls)
	}
	runner("", "steps:\n  pushed: {uses: touch, with: {text: other}}\n") // makes the newest result another one
	w.calls["touch"] = 0
	second := runner(first.Run, halfway)
	if second.State != engine.Done || w.calls["touch"] != 2 { // behind, last
		t.Errorf("%s, %v: %v", second.State, w.calls, decided(second))
	}
	if d := decided(second); d["pushed"] != engine.CodeResumed || d["last"] != engine.CodeEffect {
		t.Errorf("%v", d)
	}
	if second.Run == first.Run || second.Step("pushed").Artifact != first.Step("pushed").Artifact {
		t.Error("not the same result in a run of its own")
	}
	store := open(t, dir)
	info, err := history.Find(store, second.Run)
	if err != nil || info.Source == nil || info.Source.Retry != first.Run {
		t.Errorf("%+v, %v", info, err)
	}
	// A retry of the retry knows what both did; a step that was edited is another.
	w.calls["touch"] = 0
	third := runner(second.Run, halfway)
	if w.calls["touch"] != 1 || decided(third)["behind"] != engine.CodeResumed {
		t.Errorf("%v, %v", w.calls, decided(third))
	}
	fourth := runner(third.Run, "steps:\n  pushed: {uses: touch, with: {text: edited}}\n")
	if decided(fourth)["pushed"] != engine.CodeEffect {
		t.Errorf("%v", decided(fourth))
	}
	if _, err := (&run.Runner{Store: store, Retry: "nosuch"}).Run(ctx, compile(t, w, halfway)); err == nil {
		t.Error("a run that is not there was retried")
	}
}

// What was forced is forced again, unless it was done.
func TestRetryOfWhatWasForced(t *testing.T) {
	w, store := newWorld(), open(t, t.TempDir())
	plan := compile(t, w, "steps:\n  a: {uses: echo}\n  b: {uses: fail, in: {after: a}, with: {message: no, times: 1}}\n")
	r := run.Runner{Store: store, Force: []string{"a", "b"}}
	first, err := r.Run(context.Background(), plan)
	if err == nil {
		t.Fatal("did not fail")
	}
	r.Retry = first.Run
	second, err := r.Run(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if d := decided(second); d["a"] != engine.CodeResumed || d["b"] != engine.CodeForced || w.calls["echo"] != 1 {
		t.Errorf("%v, %v", d, w.calls)
	}
}

// pastRuns runs pipelines an hour apart on one store.
type pastRuns struct {
	t    *testing.T
	dir  string
	now  time.Time
	w    *world
	runs []string
}

func newHistory(t *testing.T) *pastRuns {
	return &pastRuns{t: t, dir: t.TempDir(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), w: newWorld()}
}

func (h *pastRuns) run(text string, kinds ...engine.Kind) {
	h.t.Helper()
	p, doc, err := parse(h.t, "pipeline.yaml", head+text)
	if err != nil {
		h.t.Fatal(err)
	}
	pl, err := plan.Compile(p, doc, append(h.w.kinds(), kinds...), plan.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.now = h.now.Add(time.Hour)
	store := open(h.t, filepath.Join(h.dir, "state"))
	defer store.Close()
	r := run.Runner{Store: store, Dir: h.dir, Load: loadText, Clock: func() time.Time { return h.now }}
	res, _ := r.Run(context.Background(), pl) // a failure is in the journal
	h.runs = append(h.runs, res.Run)
}

// changes explains a step of run i, from 0, against another one; -1 is the one
// before it.
func (h *pastRuns) changes(i int, step string, against int) (history.StepHistory, []string) {
	h.t.Helper()
	store := open(h.t, filepath.Join(h.dir, "state"))
	defer store.Close()
	other := ""
	if against >= 0 {
		other = h.runs[against]
	}
	e, err := history.Explain(store, h.runs[i], step, other)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, c := range e.Changes {
		out = append(out, c.Part+" because "+c.Because)
	}
	return e, out
}

const chained = "steps:\n  a: {uses: upper, in: {text: ./in.txt}}\n  b: {uses: echo, in: {after: a}, with: {text: WITH}}\n"

func TestHistory(t *testing.T) {
	h := newHistory(t)
	want := func(i int, step string, against int, wanted ...string) {
		t.Helper()
		if e, got := h.changes(i, step, against); !slices.Equal(got, wanted) {
			t.Errorf("run %d, %s against %d: got %q (%+v)", i, step, against, got, e)
		}
	}
	write := func(text string) {
		if err := writeFile(h.dir, "in.txt", text); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	h.run(chained)
	write("two")
	h.run(chained)                                                                                                      // 1: an input
	h.run("steps:\n  a: {uses: upper, in: {text: ./in.txt}}\n  b: {uses: echo, in: {after: a}, with: {text: other}}\n") // 2: a parameter
	h.run("steps:\n  a: {uses: upper, in: {text: ./in.txt}}\n")                                                         // 3: without b
	write("one")
	h.run(chained) // 4: as 0
	check := func() {
		t.Helper()
		want(0, "b", -1)
		want(1, "a", -1, "input text because ./in.txt has changed")
		want(1, "b", -1, "input after because a ran")
		want(2, "b", -1, "with.text because ")
		want(2, "b", 0, "with.text because ", "input after because a gave another result")
		want(4, "b", -1, "with.text because ", "input after because a gave another result") // not against 3, which has no b
		want(4, "b", 0)
		want(4, "a", 1, "input text because ./in.txt has changed")
	}
	check()
	if e, _ := h.changes(4, "b", -1); e.Against != h.runs[2] || e.Key == "" {
		t.Errorf("%+v", e)
	}
	if e, _ := h.changes(4, "b", 0); e.Against != h.runs[0] || e.Lost {
		t.Errorf("%+v", e)
	}
	// What is older than the runs that are left goes, what they used stays.
	store := open(t, filepath.Join(h.dir, "state"))
	for _, id := range h.runs[:1] {
		if err := store.RemoveRun(id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.GC(h.now.Add(-time.Minute), 3*time.Hour); err != nil { // run 0 and its entries are older
		t.Fatal(err)
	}
	store.Close()
	want(4, "b", 2, "with.text because ", "input after because a gave another result")
	want(4, "a", 1, "input text because ./in.txt has changed")
	// Another version of a kind.
	next := engine.Define(engine.Spec{Name: "upper", Version: 2}, func(_ context.Context, _ engine.Env, _ struct{}, in struct {
		Text *Text `in:"text"`
	}) (*Text, error) {
		return in.Text, nil
	})
	h.run(chained, next)
	want(5, "a", -1, "version because ")
	want(5, "b", -1, "input after because a ran")
	// A step that failed has a key too.
	h.run("steps:\n  c: {uses: fail, with: {message: one}}\n")
	h.run("steps:\n  c: {uses: fail, with: {message: two}}\n")
	want(7, "c", -1, "with.message because ")
}

// Compaction drops entries that newer ones stand for, and no key of a run.
func TestHistoryAfterCompaction(t *testing.T) {
	h := newHistory(t)
	for _, text := range []string{"one", "two"} {
		if err := writeFile(h.dir, "in.txt", text); err != nil {
			t.Fatal(err)
		}
		h.run(chained)
	}
	log := filepath.Join(h.dir, "state", "keys.log")
	store := open(t, filepath.Join(h.dir, "state"))
	last, ok, err := store.Last("test", "b")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	before := fileSize(t, log)
	for fileSize(t, log) < 2<<20 {
		for range 500 {
			if err := store.Record(last); err != nil {
				t.Fatal(err)
			}
		}
	}
	store.Close()
	_, got := h.changes(1, "b", -1) // opens the store, which compacts
	if !slices.Equal(got, []string{"input after because a ran"}) {
		t.Errorf("got %q", got)
	}
	if after := fileSize(t, log); after > before {
		t.Errorf("%d bytes before, %d after: not compacted", before, after)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Size()
}
