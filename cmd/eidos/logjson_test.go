package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/story"
)

// leaves are the commands that do something, by the words they are typed with.
func leaves(c *cobra.Command, words string) map[string]*cobra.Command {
	out := map[string]*cobra.Command{}
	if c.Runnable() && !c.HasSubCommands() {
		out[words] = c
	}
	for _, sub := range c.Commands() {
		for w, l := range leaves(sub, strings.TrimSpace(words+" "+sub.Name())) {
			out[w] = l
		}
	}
	return out
}

// With --log-json every line that any command writes to stderr has the one
// shape: when it succeeds, when it fails, and when it is typed wrong.
func TestLogJSONHasOneShape(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	env := map[string]string{"HOME": work, "EIDOS_STATE": filepath.Join(work, "state"), "EIDOS_DATA": filepath.Join(work, "data"), "KUBECONFIG": filepath.Join(work, "none")}
	for name, text := range map[string]string{
		"p.yaml":   "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps:\n  recipe: {uses: resolve, with: {criteria: {service: eks}, allowGeneric: true}, out: r.yaml}\n  bundle: {uses: render, in: {recipe: recipe}, out: bundle}\n",
		"bad.yaml": "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps:\n  recipe: {uses: resolve, with: {criteria: {service: eks, accelerator: \"${matrix.a}\"}}, matrix: {a: [h100, gb200]}}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (status, lines int) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out, log bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &log, Env: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}}
		if args[0] == "ui" && len(args) == 1 || args[0] == "registry" && len(args) == 2 { // would serve until it is interrupted
			cancel()
		}
		status = a.main(ctx, append(args, "--log-json"))
		keys := reflect.TypeFor[story.Line]().NumField()
		for _, text := range strings.Split(strings.TrimSpace(log.String()), "\n") {
			if text == "" {
				continue
			}
			lines++
			var all map[string]any
			var line story.Line
			dec := json.NewDecoder(strings.NewReader(text))
			dec.DisallowUnknownFields()
			if err := json.Unmarshal([]byte(text), &all); err != nil || len(all) != keys {
				t.Errorf("%s: %d keys, %v: %s", args, len(all), err, text)
			} else if err := dec.Decode(&line); err != nil || line.Message == "" || line.Level == "" || line.Type == "" || line.Time.IsZero() {
				t.Errorf("%s: %v: %s", args, err, text)
			}
		}
		return status, lines
	}
	for _, args := range [][]string{
		{"run", "p.yaml"}, {"run", "p.yaml"}, {"run", "bad.yaml", "--keep-going"}, {"run", "nowhere.yaml"}, {"plan", "p.yaml"}, {"vet", "p.yaml"}, {"vet"},
		{"retry"}, {"runs", "list"}, {"runs", "show"}, {"runs", "logs"}, {"runs", "explain", "recipe"}, {"cache", "du"}, {"cache", "verify"}, {"cache", "gc"},
		{"recipe", "--service", "eks", "--allow-generic"}, {"bundle", "-r", "r.yaml", "-o", "other"}, {"snapshot", "--collectors", "os", "-o", "s.yaml"},
		{"validate", "-r", "r.yaml", "-s", "s.yaml"}, {"diff", "r.yaml", "s.yaml"}, {"key", "generate"}, {"push", "other", "embedded/a:v1"}, {"sign", "embedded/a:v1"}, {"verify", "embedded/a:v1"}, {"verify", "./other"},
	} {
		run(args...)
	}
	all := leaves((&app{}).root(), "")
	if len(all) < 25 {
		t.Fatalf("only %d commands", len(all))
	}
	for words := range all {
		if status, lines := run(append(strings.Fields(words), "--nope")...); lines == 0 || status != 2 {
			t.Errorf("%s --nope: status %d, %d lines", words, status, lines)
		}
		run(strings.Fields(words)...)
	}
}
