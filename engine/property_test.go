package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// plannedStep is one step of a random pipeline.
type plannedStep struct {
	name     string
	needs    []string
	in       []string
	fails    int // attempts that fail; 99: all
	limit    int // attempts in all
	tolerate bool
	finally  bool
	skips    bool // its condition is false
	rows     int  // of its matrix; 0: none
	parallel int  // rows at once
	pool     string
}

// ids are the nodes that a step becomes.
func (s plannedStep) ids() []string {
	if s.rows == 0 {
		return []string{s.name}
	}
	var out []string
	for r := range s.rows {
		out = append(out, fmt.Sprintf("%s[%d]", s.name, r))
	}
	return out
}

// randomSteps draws a DAG of n steps: edges point to earlier ones only.
func randomSteps(t *rapid.T, n int) []plannedStep {
	var out []plannedStep
	for i := range n {
		s := plannedStep{name: fmt.Sprintf("s%d", i), limit: 1}
		for _, kind := range []*[]string{&s.needs, &s.in} {
			for range rapid.IntRange(0, 2).Draw(t, "edges") {
				if i > 0 {
					f := out[rapid.IntRange(0, i-1).Draw(t, "from")]
					if !f.finally && !slices.Contains(*kind, f.name) {
						*kind = append(*kind, f.name)
					}
				}
			}
		}
		switch rapid.IntRange(0, 9).Draw(t, "fate") {
		case 0:
			s.fails = 99
		case 1:
			s.fails, s.limit = 1, 3
		case 2:
			s.fails, s.limit = 99, 2
		case 3:
			s.fails, s.tolerate = 99, true
		case 4:
			s.finally = i > n/2
		}
		switch rapid.IntRange(0, 9).Draw(t, "form") {
		case 0:
			s.skips = true
		case 1, 2:
			s.rows = rapid.IntRange(1, 4).Draw(t, "rows")
			s.parallel = rapid.IntRange(0, 2).Draw(t, "max-parallel")
		case 3, 4:
			s.pool = "narrow"
		}
		out = append(out, s)
	}
	return out
}

func (s plannedStep) schema() schema.Step {
	st := schema.Step{Uses: "act", With: map[string]any{"name": s.name, "fails": s.fails}, Needs: s.needs, ContinueOnError: s.tolerate}
	if len(s.in) > 0 {
		var in []any
		for _, f := range s.in {
			in = append(in, f)
		}
		st.In = map[string]any{"in": in}
	}
	if s.skips {
		st.When = "false"
	}
	if s.rows > 0 {
		var rows []any
		for r := range s.rows {
			rows = append(rows, int64(r))
		}
		// An axis of its own: rows of one step take all of another.
		st.Matrix, st.With["row"] = map[string]any{"of-" + s.name: rows}, "${matrix.of-"+s.name+"}"
		st.MaxParallel = int64(s.parallel)
	}
	st.Pool = s.pool
	if s.limit > 1 {
		st.Retry = &schema.Retry{Limit: int64(s.limit), Backoff: "1us", On: "any"}
	}
	return st
}

const narrow = 2 // places in the pool

// TestRandomRuns holds the promises of Run over random pipelines, failures,
// retries and cancels.
func TestRandomRuns(t *testing.T) {
	state := t.TempDir()
	before := runtime.NumGoroutine()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		if rapid.IntRange(0, 50).Draw(t, "big") == 0 {
			n = rapid.IntRange(500, 2000).Draw(t, "many")
		}
		steps := randomSteps(t, n)
		stage := newStage(steps)
		p, err := plan.Compile(pipelineOf(steps), nil, []engine.Kind{stage.kind()}, plan.Options{When: never})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stopAt := ""
		if rapid.IntRange(0, 4).Draw(t, "cancel") == 0 {
			stopAt = steps[rapid.IntRange(0, n-1).Draw(t, "at")].name
		}
		stage.onStart = func(name string) {
			if name == stopAt {
				cancel()
			}
		}
		var events []engine.Event
		s, err := store.Open(state)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		r := run.Runner{Store: s, Jobs: rapid.IntRange(1, 8).Draw(t, "jobs"), KeepGoing: rapid.Bool().Draw(t, "keep going"), Events: func(e engine.Event) {
			stage.hear(e)
			events = append(events, e)
		}}
		res, err := r.Run(ctx, p)
		check(t, steps, stage, res, err, r.KeepGoing)
		if most := stage.most["all"]; most > r.Jobs {
			t.Fatalf("%d at once, not %d", most, r.Jobs)
		}
		replay(t, res, events)
		kept, err := s.Events(res.Run)
		if err != nil {
			t.Fatal(err)
		}
		replay(t, res, kept)
		if d := cmp.Diff(events, kept); d != "" {
			t.Fatalf("the journal tells something else (-told +kept):\n%s", d)
		}
	})
	for range 6000 { // a minute
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// never is the condition that does not hold.
func never(string) (*plan.Condition, error) {
	return &plan.Condition{Eval: func(map[string]any) (bool, error) { return false, nil }}, nil
}

func check(t *rapid.T, steps []plannedStep, stage *stage, res *run.Result, err error, keepGoing bool) {
	if len(stage.wrong) > 0 {
		t.Fatal(stage.wrong)
	}
	failed, told, main := 0, 0, 0
	for _, s := range expanded(steps) {
		st := res.Step(s.name)
		if !st.State.Final() {
			t.Fatalf("%s is left %s", s.name, st.State)
		}
		if s.skips && st.State != engine.Skipped && st.State != engine.Canceled || s.skips && stage.attempts[s.name] > 0 {
			t.Fatalf("the condition of %s does not hold, and it is %s", s.name, st.State)
		}
		if got := stage.attempts[s.name]; got > s.limit || got != st.Attempts && !s.skips { // to look at the condition is an attempt
			t.Fatalf("%s: %d attempts, told %d, limit %d", s.name, got, st.Attempts, s.limit)
		}
		if st.State == engine.Failed && !s.tolerate {
			failed++
			n := strings.Count(err.Error(), "."+s.name+": ")
			if told += n; n > 1 || n == 0 && (keepGoing || s.finally) {
				t.Fatalf("%s is told %d times in %v", s.name, n, err)
			}
			if !s.finally {
				main += n
			}
		}
		if s.finally && st.State == engine.Canceled {
			t.Fatalf("%s under finally was canceled", s.name)
		}
		if st.State == engine.Done && st.Artifact.Digest == "" {
			t.Fatalf("%s has no result", s.name)
		}
	}
	switch {
	case failed > 0 && told == 0 || !keepGoing && main > 1:
		t.Fatalf("%d failures, %d told: %v", failed, told, err)
	case err == nil && failed > 0:
		t.Fatal("steps failed and the run did not")
	case err != nil && failed == 0 && schema.CodeOf(err) != schema.Canceled:
		t.Fatalf("no step failed, and the run did: %v", err)
	}
	for _, s := range steps {
		if most := stage.most["step "+s.name]; s.parallel > 0 && most > s.parallel || s.rows == 0 && most > 1 {
			t.Fatalf("%d rows of %s at once, not %d", most, s.name, s.parallel)
		}
	}
	if most := stage.most["pool narrow"]; most > narrow {
		t.Fatalf("%d at once in a pool of %d", most, narrow)
	}
}

// expanded lists every row as a step.
func expanded(steps []plannedStep) []plannedStep {
	var out []plannedStep
	for _, s := range steps {
		for _, id := range s.ids() {
			s.name = id
			out = append(out, s)
		}
	}
	return out
}

// replay holds the events against the result: the journal alone tells what
// became of each step.
func replay(t *rapid.T, res *run.Result, events []engine.Event) {
	states := map[string]engine.State{}
	for i, e := range events {
		if e.Seq != i+1 {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		line, err := e.AppendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		var back engine.Event
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatal(err)
		}
		if back.Type == engine.EventStep {
			if states[back.Step].Final() {
				t.Fatalf("%s goes on after its end", back.Step)
			}
			states[back.Step] = back.State
		}
	}
	for _, s := range res.Steps {
		if states[s.ID] != s.State {
			t.Fatalf("%s: the journal says %s, the result %s", s.ID, states[s.ID], s.State)
		}
	}
	if last := events[len(events)-1]; last.Type != engine.EventRun || last.State != res.State {
		t.Fatalf("the last event is %+v", last)
	}
}

// TestRandomCycles: a pipeline compiles if and only if it has no cycle.
func TestRandomCycles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		edges := make([][]int, n)
		p := &schema.Pipeline{Steps: map[string]schema.Step{}}
		for i := range n {
			edges[i] = rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, min(2, n), rapid.ID[int]).Draw(t, "edges")
			s := schema.Step{Uses: "act", With: map[string]any{"name": "x", "fails": 0}}
			for _, e := range edges[i] {
				s.Needs = append(s.Needs, fmt.Sprintf("s%d", e))
			}
			p.Steps[fmt.Sprintf("s%d", i)] = s
		}
		_, err := plan.Compile(p, nil, []engine.Kind{newStage(nil).kind()}, plan.Options{})
		if want := cyclic(edges); want != (err != nil) {
			t.Fatalf("cyclic: %v, error: %v", want, err)
		}
		if err != nil && !strings.Contains(err.Error(), "steps wait for each other: s") {
			t.Fatalf("got %v", err)
		}
	})
}

// cyclic removes what waits for nothing until nothing is left, or something
// is.
func cyclic(edges [][]int) bool {
	gone := make([]bool, len(edges))
	for range edges {
		for i := range edges {
			free := true
			for _, e := range edges[i] {
				free = free && gone[e]
			}
			gone[i] = gone[i] || free
		}
	}
	return slices.Contains(gone, false)
}

// TestJobsDoNotChangeResults: one at a time or eight, the same digests.
func TestJobsDoNotChangeResults(t *testing.T) {
	text := shaped("layered", 200)
	var all [2]map[string]schema.Digest
	for i, jobs := range []int{1, 8} {
		p, doc, err := parse(t, "p.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		pl, err := plan.Compile(p, doc, []engine.Kind{NodeType()}, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := run.Runner{Store: store.NewMemory(), Jobs: jobs}
		res, err := r.Run(context.Background(), pl)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = map[string]schema.Digest{}
		for _, s := range res.Steps {
			all[i][s.ID] = s.Artifact.Digest
		}
	}
	for id, d := range all[0] {
		if all[1][id] != d || d == "" {
			t.Errorf("%s: %s and %s", id, d, all[1][id])
		}
	}
}
