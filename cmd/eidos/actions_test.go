package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

const github = "../../.github"

// action is as much of a composite action as it takes to run its scripts.
type action struct {
	Inputs map[string]struct {
		Default  string
		Required bool
	}
	Runs struct {
		Steps []struct {
			Name, ID, Uses, Run, Shell string
			Env                        map[string]string
		}
	}
}

func readAction(name string) (a action, dir string, err error) {
	dir, err = filepath.Abs(filepath.Join(github, "actions", name))
	if err != nil {
		return a, "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "action.yml"))
	if err != nil {
		return a, "", err
	}
	return a, dir, yaml.Unmarshal(text, &a)
}

var expression = regexp.MustCompile(`\$\{\{ *([^}]+?) *\}\}`)

// runAction does what a runner does with the scripts of a composite action; steps
// that use other actions are left out: action NAME [INPUT=VALUE...]. What it
// writes for the runner is in summary.md and output.
func runAction(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: action NAME [INPUT=VALUE...]")
	}
	a, dir, err := readAction(args[0])
	ts.Check(err)
	inputs := map[string]string{}
	for name, in := range a.Inputs {
		inputs[name] = in.Default
	}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if _, ok := inputs[name]; !ok {
			ts.Fatalf("action %s has no input %q", args[0], name)
		}
		inputs[name] = value
	}
	ran := 0
	for _, step := range a.Runs.Steps {
		if step.Run == "" {
			continue
		}
		ran++
		c := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step.Run)
		c.Dir = ts.MkAbs(".")
		c.Env = []string{"GITHUB_OUTPUT=" + ts.MkAbs("output"), "GITHUB_STEP_SUMMARY=" + ts.MkAbs("summary.md")}
		for _, name := range []string{"PATH", "HOME", "WORK", "EIDOS_STATE", "EIDOS_DATA", "KUBECONFIG", "TMPDIR"} {
			c.Env = append(c.Env, name+"="+ts.Getenv(name))
		}
		for name, value := range step.Env {
			value = expression.ReplaceAllStringFunc(value, func(e string) string {
				what := expression.FindStringSubmatch(e)[1]
				if in, ok := strings.CutPrefix(what, "inputs."); ok {
					return inputs[in]
				}
				if what == "github.action_path" {
					return dir
				}
				return "" // of an event that there is not
			})
			c.Env = append(c.Env, name+"="+value)
		}
		out, err := c.CombinedOutput()
		ts.Logf("%s\n%s", step.Name, out)
		if err != nil {
			if neg {
				return
			}
			ts.Fatalf("action %s, %q: %v", args[0], step.Name, err)
		}
	}
	if neg || ran == 0 {
		ts.Fatalf("action %s: %d scripts ran, and none failed", args[0], ran)
	}
}

var pinned = regexp.MustCompile(`^\s*(?:- )?uses: (?:\./\S+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9.]+)$`)

func allPinned(t *testing.T, file, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
			t.Errorf("%s:%d: not pinned by commit: %s", file, i+1, strings.TrimSpace(line))
		}
	}
}

// What users copy from the documentation is pinned as well.
func TestDocumentedWorkflowIsPinned(t *testing.T) {
	text, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		found += strings.Count(m[1], "uses: actions/") + strings.Count(m[1], "uses: github/")
		allPinned(t, "docs/ci.md", m[1])
	}
	if found < 3 {
		t.Errorf("only %d actions found", found)
	}
}

// Whatever workflows and actions use is pinned by its commit, no script has an
// expression in it (what an attacker can name would be run), and no job has a
// permission that it does not list.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(github + "/*/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(github + "/actions/*/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	if files = append(files, more...); len(files) < 5 {
		t.Fatalf("only %d files", len(files))
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		allPinned(t, f, string(text))
		var doc struct {
			Permissions *map[string]string
			Jobs        map[string]struct {
				Permissions *map[string]string
				Steps       []struct{ Run string }
			}
			Runs struct{ Steps []struct{ Run string } }
		}
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		steps := doc.Runs.Steps
		for name, j := range doc.Jobs {
			if j.Permissions == nil {
				t.Errorf("%s: job %s lists no permissions", f, name)
			}
			steps = append(steps, j.Steps...)
		}
		if doc.Jobs != nil && (doc.Permissions == nil || len(*doc.Permissions) > 0) {
			t.Errorf("%s: the workflow itself must have no permissions", f)
		}
		for _, s := range steps {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: an expression in a script: %s", f, s.Run)
			}
		}
	}
}

// copyGitHub copies the workflows and actions to where a linter of repositories
// looks for them: github DIR.
func copyGitHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: github DIR")
	}
	ts.Check(os.CopyFS(filepath.Join(ts.MkAbs(args[0]), ".github"), os.DirFS(github)))
}

// The notes of a release are its section of the change log; a version without one fails.
func TestReleaseNotes(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../scripts/changelog")
	if err != nil {
		t.Fatal(err)
	}
	log := "# Changes\n\n## Unreleased\n\nlater\n\n## v1.2.0 (2026-11-26)\n\n### For users\n\nnew\n\n## v1.2.0-rc.1\n\nfirst\n"
	for name, text := range map[string]string{"scripts/changelog": string(script), "CHANGELOG.md": log} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[string]string{"v1.2.0": "\n### For users\n\nnew\n\n", "v1.2.0-rc.1": "\nfirst\n", "v1.2": "", "v1.3.0": ""} {
		out, err := exec.Command(filepath.Join(dir, "scripts/changelog"), "notes", version).Output()
		if string(out) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", version, out, err)
		}
	}
}
