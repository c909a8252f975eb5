package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// loader and saver keep texts in files below env.Dir.
func loadText(_ context.Context, env engine.Env, uri, mediaType string) (schema.Value, error) {
	data, err := os.ReadFile(filepath.Join(env.Dir, uri))
	if errors.Is(err, os.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no file %q", uri)
	}
	if err != nil {
		return nil, err
	}
	return &Text{Text: strings.TrimSuffix(string(data), "\n")}, nil
}

func saveText(_ context.Context, env engine.Env, v schema.Value, uri string) error {
	if strings.Contains(uri, "readonly") {
		return schema.Errorf(schema.Failed, "cannot write %q", uri)
	}
	path := filepath.Join(env.Dir, uri)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(v.(*Text).Text+"\n"), 0o644)
}

func parse(t testing.TB, name, text string) (*schema.Pipeline, *schema.Doc, error) {
	t.Helper()
	doc, err := schema.Parse(name, []byte(text))
	if err != nil {
		return nil, nil, err
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, nil, err
	}
	return &p, doc, nil
}

// TestScripts runs every archive in testdata. An archive holds pipeline.yaml,
// files it reads, and the wanted out/errors, out/plan, out/events, out/FILE.
// Lines of its comment set things: "param NAME=VALUE", "env NAME=VALUE",
// "keep-going", "force STEP", "only STEP", "from STEP", "write FILE TEXT",
// "remove FILE", and "run" or "plan", which do it; several runs give
// out/events2 and so on.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			// Timeouts and pauses pass when every goroutine waits, and never before.
			synctest.Test(t, func(t *testing.T) { script(t, f) })
		})
	}
}

func script(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range a.Files {
		if strings.HasPrefix(f.Name, "out/") {
			continue
		}
		path := filepath.Join(dir, f.Name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &scripted{t: t, dir: dir, world: newWorld(), out: map[string]string{}, env: map[string]string{}, params: map[string]string{}}
	s.clock = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.store, err = store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	done := false
	for _, line := range strings.Split(string(a.Comment), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		done = s.do(line) || done
	}
	if !done {
		s.do("run")
	}
	want := map[string]string{}
	var kept []txtar.File
	for _, f := range a.Files {
		if strings.HasPrefix(f.Name, "out/") {
			want[f.Name] = string(f.Data)
		} else {
			kept = append(kept, f)
		}
	}
	if os.Getenv("EIDOS_UPDATE") != "" {
		var names []string
		for n := range s.out {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			kept = append(kept, txtar.File{Name: n, Data: []byte(s.out[n])})
		}
		a.Files = kept
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, s.out); d != "" {
		t.Errorf("EIDOS_UPDATE=1 accepts (-want +got):\n%s", d)
	}
}

// scripted is the state of one script.
type scripted struct {
	t           *testing.T
	dir         string
	store       *store.Directory
	world       *world
	out         map[string]string
	env, params map[string]string
	runner      run.Runner
	clock       time.Time
	plans, runs int
}

// do runs one line, and reports whether it was run or plan.
func (s *scripted) do(line string) bool {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "param", "env":
		k, v, _ := strings.Cut(rest, "=")
		if word == "env" {
			s.env[k] = v
		} else {
			s.params[k] = v
		}
	case "keep-going":
		s.runner.KeepGoing = true
	case "force":
		s.runner.Force = strings.Fields(rest)
	case "only":
		s.runner.Only = strings.Fields(rest)
	case "from":
		s.runner.From = rest
	case "after":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		s.clock = s.clock.Add(d)
	case "write":
		name, text, _ := strings.Cut(rest, " ")
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text+"\n"), 0o644); err != nil {
			s.t.Fatal(err)
		}
	case "remove":
		if err := os.Remove(filepath.Join(s.dir, rest)); err != nil {
			s.t.Fatal(err)
		}
	case "replace":
		name, edit, _ := strings.Cut(rest, " ")
		old, new, _ := strings.Cut(edit, " => ")
		path := filepath.Join(s.dir, name)
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(old)) {
			s.t.Fatalf("replace %s: no %q: %v", name, old, err)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(old), []byte(new)), 0o644); err != nil {
			s.t.Fatal(err)
		}
	case "plan":
		s.plans++
		s.plan(number("out/plan", s.plans))
		return true
	case "run":
		s.runs++
		s.run(s.runs)
		return true
	default:
		s.t.Fatalf("no command %q", line)
	}
	return false
}

func number(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprint(name, n)
}

func (s *scripted) compile() *plan.Plan {
	data, err := os.ReadFile(filepath.Join(s.dir, "pipeline.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := s.compileText(string(data))
	if err != nil {
		s.errors("out/errors", err)
		return nil
	}
	return p
}

func (s *scripted) compileText(text string) (*plan.Plan, error) {
	p, doc, err := parse(s.t, "pipeline.yaml", text)
	if err != nil {
		return nil, err
	}
	return plan.Compile(p, doc, s.world.kinds(), plan.Options{Params: s.params, When: expr.Compile, Include: func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
		data, err := os.ReadFile(filepath.Join(s.dir, strings.TrimPrefix(uri, "oci://")))
		if err != nil {
			return nil, nil, schema.Errorf(schema.NotFound, "no file %q", uri)
		}
		return parse(s.t, uri, string(data))
	}})
}

func (s *scripted) errors(name string, err error) {
	var b strings.Builder
	for _, e := range schema.List(err) {
		fmt.Fprintf(&b, "%s: %v\n", schema.CodeOf(e), e)
		var se *schema.Error
		if errors.As(e, &se) && se.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", se.Hint)
		}
	}
	if b.Len() > 0 {
		s.out[name] += b.String()
	}
}

func (s *scripted) ready() *run.Runner {
	r := s.runner
	r.Store, r.Load, r.Save, r.Dir, r.Jobs = s.store, loadText, saveText, s.dir, 1
	r.Clock = func() time.Time { return s.clock }
	r.LookupEnv = func(n string) (string, bool) { v, ok := s.env[n]; return v, ok }
	return &r
}

func (s *scripted) plan(name string) {
	plan := s.compile()
	if plan == nil {
		return
	}
	ds, err := s.ready().Explain(context.Background(), plan)
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s: %s %s: %s\n", d.Step, d.Action, d.Code, d.Reason)
	}
	s.out[name] = b.String()
	s.errors(name+"-errors", err)
}

func (s *scripted) run(n int) {
	plan := s.compile()
	if plan == nil {
		return
	}
	r := s.ready()
	var b strings.Builder
	r.Events = func(e engine.Event) { b.WriteString(show(e)) }
	res, err := r.Run(context.Background(), plan)
	s.out[number("out/events", n)] = b.String()
	s.errors(number("out/errors", n), err)
	if res == nil {
		return
	}
	var v strings.Builder
	for _, st := range res.Steps {
		if st.Artifact.Digest == "" {
			continue
		}
		val, err := res.Value(context.Background(), st.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		data, err := json.Marshal(val)
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&v, "%s = %s\n", st.ID, data)
	}
	s.out[number("out/values", n)] = v.String()
}

// show is one event without what differs from run to run.
func show(e engine.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", e.Type)
	add := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	if e.Step != "" {
		add("%s", e.Step)
	}
	if e.State != "" {
		add("%s", e.State)
	}
	if e.Attempt > 0 {
		add("attempt %d", e.Attempt)
	}
	if e.Action != "" {
		add("%s %s (%s)", e.Action, e.Code, e.Reason)
	}
	if e.Type == engine.EventRun && e.Reason != "" {
		add("(%s)", e.Reason)
	}
	if e.Text != "" {
		add("%q", e.Text)
	}
	if e.Unit != "" {
		add("%d/%d %s", e.Done, e.Total, e.Unit)
	}
	if e.Out != "" {
		add("-> %s", e.Out)
	}
	if e.Error != nil {
		add("error %s: %s", e.Error.Code, e.Error.Message)
	}
	return b.String() + "\n"
}

// dirWith is a new directory that holds one file.
func dirWith(t testing.TB, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
