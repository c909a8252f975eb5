package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// flow is as much of an Argo Workflow as its DAGs need to be walked.
type flow struct {
	Spec struct {
		Entrypoint string
		OnExit     string `yaml:"onExit"`
		Templates  []flowTemplate
	}
}

type flowTemplate struct {
	Name      string
	DAG       *struct{ Tasks []flowTask }
	Container struct{ Args []string }
}

type flowTask struct {
	Name, Template, Depends string
	WithParam               string `yaml:"withParam"`
	Arguments               struct {
		Parameters []struct{ Name, Value string }
	}
}

// runWorkflow does what Argo's controller does with the manifests of
// `eidos compile --to argo`, each Pod a process: workflow FILE. What it ran, and
// how that ended, is printed to FILE.log.
func runWorkflow(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: workflow FILE")
	}
	w := &walk{ts: ts, done: map[string]string{}, rows: map[string]string{}}
	dec := yaml.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	for {
		var doc struct {
			Kind string
			Data map[string]string
			flow `yaml:",inline"`
		}
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			ts.Fatalf("%v", err)
		}
		if text, ok := doc.Data["plan.json"]; ok {
			w.plan = ts.MkAbs("workflow.plan.json")
			ts.Check(os.WriteFile(w.plan, []byte(text), 0o600))
		}
		if doc.Kind == "Workflow" {
			w.flow = doc.flow
		}
	}
	w.status = "Running"
	w.dag(w.flow.Spec.Entrypoint)
	w.status = "Succeeded"
	for _, s := range w.done {
		if s == "Failed" {
			w.status = "Failed"
		}
	}
	if w.flow.Spec.OnExit != "" {
		w.dag(w.flow.Spec.OnExit)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), w.log.Bytes(), 0o600))
	if neg != (w.status == "Failed") {
		ts.Fatalf("workflow %s:\n%s", w.status, w.log.String())
	}
}

// walk is one workflow that goes on.
type walk struct {
	ts     *testscript.TestScript
	flow   flow
	plan   string
	status string
	done   map[string]string // task → Succeeded, Failed or Omitted
	rows   map[string]string // task → what it printed
	log    bytes.Buffer
}

func (w *walk) template(name string) flowTemplate {
	for _, t := range w.flow.Spec.Templates {
		if t.Name == name {
			return t
		}
	}
	w.ts.Fatalf("no template %q", name)
	return flowTemplate{}
}

// dag runs the tasks of a template; they stand in an order that works.
func (w *walk) dag(name string) {
	for _, t := range w.template(name).DAG.Tasks {
		if t.Depends != "" {
			for _, d := range strings.Split(t.Depends, " && ") {
				if w.done[d] == "" {
					w.ts.Fatalf("task %s waits for %s, which is not before it", t.Name, d)
				}
				if w.done[d] != "Succeeded" {
					w.done[t.Name] = "Omitted"
				}
			}
		}
		if w.done[t.Name] == "" {
			w.done[t.Name] = w.task(t)
		}
		w.log.WriteString(t.Name + " " + w.done[t.Name] + "\n")
	}
}

func (w *walk) task(t flowTask) string {
	param := t.Arguments.Parameters[0].Value
	ids := []string{param}
	if t.WithParam != "" {
		from := strings.TrimSuffix(strings.TrimPrefix(t.WithParam, "{{tasks."), ".outputs.result}}")
		w.ts.Check(json.Unmarshal([]byte(w.rows[from]), &ids))
		if param != "{{item}}" {
			w.ts.Fatalf("the rows of %s get %q", t.Name, param)
		}
	}
	state := "Succeeded"
	for _, id := range ids {
		var args []string
		for _, a := range w.template(t.Template).Container.Args {
			a = strings.NewReplacer("{{inputs.parameters.id}}", id, "{{workflow.uid}}", "uid-1", "{{workflow.status}}", w.status, "/run/eidos/plan/plan.json", w.plan).Replace(a)
			args = append(args, a)
		}
		cmd := exec.Command("eidos", args...)
		// As in a Pod: no home, a work directory of its own.
		cmd.Dir = w.ts.MkAbs(".")
		cmd.Env = append([]string{"TMPDIR=" + w.tmp()}, "PATH="+w.ts.Getenv("PATH"), "TOKEN=sesame-open")
		cmd.Path = filepath.Join(strings.Split(w.ts.Getenv("PATH"), string(os.PathListSeparator))[0], "eidos")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &w.log
		if err := cmd.Run(); err != nil {
			state = "Failed"
			w.log.WriteString(id + ": " + err.Error() + "\n")
		}
		w.rows[t.Name] = out.String()
	}
	return state
}

func (w *walk) tmp() string {
	dir, err := os.MkdirTemp(w.ts.MkAbs("."), ".pod")
	w.ts.Check(err)
	return dir
}
