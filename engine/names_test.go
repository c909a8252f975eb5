package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// nestedFile is one file of a random pipeline. Names are drawn from a few, so
// that files which include each other share them.
type nestedFile struct {
	name  string // as include writes it
	steps []nestedStep
}

// nestedStep is a step of a nestedFile. It reads steps that its own file
// declared before it, by the names that this file gives them.
type nestedStep struct {
	name    string
	text    string
	reads   []string    // ${steps.NAME.text} in its text
	when    *whenEqual  // its condition
	include *nestedFile // instead of a text
}

// whenEqual is the condition that the text of a step is equal to want.
type whenEqual struct{ step, want string }

func (w *whenEqual) String() string {
	return fmt.Sprintf("steps[%q].text == %q", w.step, w.want)
}

// randomFile draws a file, and the files that it includes.
func randomFile(t *rapid.T, name string, depth int) *nestedFile {
	f := &nestedFile{name: name}
	var readable []string // names of steps that have a result
	for _, step := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID[string]).Draw(t, "steps") {
		// Texts are drawn from two, so that a step of another file may hold the
		// same text or another one.
		s := nestedStep{name: step, text: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "text")}
		if len(readable) > 0 && rapid.Bool().Draw(t, "reads") {
			s.reads = []string{rapid.SampledFrom(readable).Draw(t, "read")}
		}
		if len(readable) > 0 && rapid.IntRange(0, 2).Draw(t, "guarded") > 0 {
			s.when = &whenEqual{rapid.SampledFrom(readable).Draw(t, "of"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "want")}
		}
		if depth > 0 && rapid.Bool().Draw(t, "includes") {
			s.reads = nil
			s.include = randomFile(t, name+"."+step, depth-1)
			for _, inner := range s.include.names() {
				readable = append(readable, step+"/"+inner)
			}
		} else {
			readable = append(readable, step)
		}
		f.steps = append(f.steps, s)
	}
	return f
}

// names lists the steps that have a result, as the file names them.
func (f *nestedFile) names() []string {
	var out []string
	for _, s := range f.steps {
		if s.include == nil {
			out = append(out, s.name)
			continue
		}
		for _, n := range s.include.names() {
			out = append(out, s.name+"/"+n)
		}
	}
	return out
}

// pipelines adds f and what it includes to files.
func (f *nestedFile) pipelines(files map[string]*schema.Pipeline) {
	p := &schema.Pipeline{Metadata: schema.PipelineMetadata{Name: "names"}, Steps: map[string]schema.Step{}}
	for _, s := range f.steps {
		st := schema.Step{}
		if s.when != nil {
			st.When = s.when.String()
		}
		if s.include != nil {
			st.Include = s.include.name
			s.include.pipelines(files)
		} else {
			text := s.text
			for _, r := range s.reads {
				text += "${steps." + r + ".text}"
			}
			st.Uses, st.With = "echo", map[string]any{"text": text}
		}
		p.Steps[s.name] = st
	}
	files[f.name] = p
}

// evaluate is what must become of the steps of f: their texts by id, without
// those that are skipped. Names are looked up in f alone.
func (f *nestedFile) evaluate(prefix string, skipped bool, texts map[string]string) {
	for _, s := range f.steps {
		skip := skipped
		if s.when != nil {
			text, ok := texts[prefix+s.when.step]
			skip = skip || !ok || text != s.when.want
		}
		text := s.text
		for _, r := range s.reads {
			read, ok := texts[prefix+r]
			skip = skip || !ok
			text += read
		}
		switch {
		case s.include != nil:
			s.include.evaluate(prefix+s.name+"/", skip, texts)
		case !skip:
			texts[prefix+s.name] = text
		}
	}
}

// compiled compiles f with what it includes.
func (f *nestedFile) compiled(t interface{ Fatal(...any) }) *plan.Plan {
	files := map[string]*schema.Pipeline{}
	f.pipelines(files)
	p, err := plan.Compile(files[f.name], nil, newWorld().kinds(), plan.Options{When: expr.Compile, Include: func(uri, _ string) (*schema.Pipeline, *schema.Doc, error) {
		return files[uri], nil, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told is what a run made of the steps, and what a plan tells before and after
// it, one line a step.
func told(t interface{ Fatal(...any) }, p *plan.Plan, jobs int) (texts map[string]string, plans [2]string) {
	r := run.Runner{Store: store.NewMemory(), Jobs: jobs}
	explain := func() string {
		decisions, err := r.Explain(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, d := range decisions {
			lines = append(lines, fmt.Sprintln(d.Step, d.Action, d.Code, d.Reason))
		}
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	plans[0] = explain()
	res, err := r.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	plans[1] = explain()
	texts = map[string]string{}
	for _, s := range res.Steps {
		if s.State != engine.Done {
			continue
		}
		v, err := res.Value(context.Background(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		texts[s.ID] = v.(*Text).Text
	}
	return texts, plans
}

// TestIncludesShareNames: a name in a file means a step of that file, whatever
// the files that include it call theirs. The result and the plan are those of
// a model that looks names up in one file only.
func TestIncludesShareNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := randomFile(t, "top", 3)
		want := map[string]string{}
		f.evaluate("", false, want)
		plan := f.compiled(t)
		got, plans := told(t, plan, rapid.IntRange(1, 4).Draw(t, "jobs"))
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("the steps of one file (-want +got):\n%s", d)
		}
		again, plansAgain := told(t, f.compiled(t), 1)
		if d := cmp.Diff(got, again); d != "" {
			t.Fatalf("a second run (-first +second):\n%s", d)
		}
		if d := cmp.Diff(plans, plansAgain); d != "" {
			t.Fatalf("a second plan (-first +second):\n%s", d)
		}
		for _, line := range strings.Split(strings.TrimSpace(plans[1]), "\n") {
			id, _, _ := strings.Cut(line, " ")
			if _, done := want[id]; done == strings.Contains(line, " skip ") {
				t.Fatalf("done: %v, and the plan after the run says %s", done, line)
			}
		}
	})
}

// TestSameNamesHundredTimes: the pipeline that was found to give three answers.
func TestSameNamesHundredTimes(t *testing.T) {
	inner := &nestedFile{name: "lib", steps: []nestedStep{
		{name: "a", text: "inner"},
		{name: "b", text: "b", when: &whenEqual{"a", "inner"}},
		{name: "c", text: "c", when: &whenEqual{"a", "outer"}},
	}}
	f := &nestedFile{name: "top", steps: []nestedStep{
		{name: "a", text: "outer"},
		{name: "lib", include: inner, when: &whenEqual{"a", "outer"}},
	}}
	want := map[string]string{"a": "outer", "lib/a": "inner", "lib/b": "b"}
	var first [2]string
	for i := range 100 {
		got, plans := told(t, f.compiled(t), 2)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("run %d (-want +got):\n%s", i, d)
		}
		if i == 0 {
			first = plans
		}
		if d := cmp.Diff(first, plans); d != "" {
			t.Fatalf("plan %d (-first +this):\n%s", i, d)
		}
	}
}
