package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/text"
)

// In 60 columns no line of help, of a table or of a run's log is wider, so that
// no terminal breaks a word, but one that is as wide itself.
func TestSixtyColumns(t *testing.T) {
	const columns = 60
	snapshot, err := filepath.Abs("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	t.Chdir(work)
	env := map[string]string{"HOME": work, "EIDOS_STATE": filepath.Join(work, "state"), "EIDOS_DATA": filepath.Join(work, "data"), "KUBECONFIG": filepath.Join(work, "none"), "COLUMNS": "60"}
	pipeline := "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps:\n" +
		"  a-recipe-with-quite-a-long-name-for-a-step: {uses: resolve, with: {criteria: {service: eks, accelerator: \"${matrix.a}\"}}, matrix: {a: [h100, gb200]}}\n" +
		"  recipe: {uses: resolve, with: {criteria: {service: eks, accelerator: gb200, intent: training}}, out: r.yaml}\n"
	if err := os.WriteFile("p.yaml", []byte(pipeline), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(args ...string) {
		t.Helper()
		var out, log bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &log, Env: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}}
		a.main(t.Context(), args)
		if out.Len()+log.Len() == 0 {
			t.Errorf("%s: nothing was printed", args)
		}
		for _, l := range strings.Split(out.String()+log.String(), "\n") {
			long := slices.ContainsFunc(strings.Fields(l), func(w string) bool { return text.Width(w) > columns-8 })
			if text.Width(l) > columns && !long {
				t.Errorf("%s: %d columns: %q", args, text.Width(l), l)
			}
		}
	}
	check("--help")
	root := (&app{}).root()
	for words := range leaves(root, "") {
		check(append(strings.Fields(words), "--help")...)
	}
	for _, c := range root.Commands() {
		check(c.Name(), "--help")
	}
	for _, args := range [][]string{
		{"plan", "p.yaml"}, {"run", "p.yaml", "--keep-going"}, {"run", "p.yaml", "--keep-going", "--progress", "tty"},
		{"runs", "list"}, {"runs", "show"}, {"runs", "explain", "recipe"}, {"vet"}, {"recipe", "list"}, {"exit-codes"},
		{"validate", "-r", "r.yaml", "-s", snapshot, "--format", "table"}, {"diff", "r.yaml", snapshot},
	} {
		check(args...)
	}
}
