package compile

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
)

// TestCompiledIsExported holds compiled answers to what the stock cue tool
// exports for the same leaves: all for which components are dropped or
// overridden, and each fourth of the others, which are alike.
func TestCompiledIsExported(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the cue tool")
	}
	src, err := Shipped("")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := src.tree()
	if err != nil {
		t.Fatal(err)
	}
	l, err := load(src)
	if err != nil {
		t.Fatal(err)
	}
	idx, err := l.index()
	if err != nil {
		t.Fatal(err)
	}
	cat, err := open(idx)
	if err != nil {
		t.Fatal(err)
	}
	// Each answer as an expression of its own, all in one export.
	all := "package recipes\n\nexported: {\n"
	chosen := map[string]bool{}
	for i, s := range Selections(cat) {
		leaves := cat.Applied(s)
		if i%4 != 0 && !slices.ContainsFunc(leaves, func(n string) bool {
			return slices.ContainsFunc(l.chains[n], func(m string) bool { return slices.ContainsFunc(l.said[m], layer.whole) })
		}) {
			continue
		}
		chosen[cat.AnswerName(s)] = true
		list, err := json.Marshal(leaves)
		if err != nil {
			t.Fatal(err)
		}
		all += "\t\"" + cat.AnswerName(s) + "\": catalog.#answer & {leaves: " + string(list) + "}\n"
	}
	tree[src.inModule("exported.cue")] = []byte(all + "}\n")
	dir := t.TempDir()
	writeTree(t, dir, tree)
	cmd := exec.Command(stockCue(t), "export", "./"+src.inModule(""), "-e", "exported")
	cmd.Dir = dir
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cue export: %v\n%s", err, problems.String())
	}
	var answers map[string]raw
	dec := json.NewDecoder(strings.NewReader(string(out)))
	dec.UseNumber()
	if err := dec.Decode(&answers); err != nil {
		t.Fatal(err)
	}
	shipped, err := recipes.Release(src.release)
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(chosen) || len(answers) < 100 {
		t.Errorf("%d exported of %d", len(answers), len(chosen))
	}
	listed, err := shipped.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range listed {
		name := strings.TrimSuffix(path.Base(a.File), ".json")
		if !chosen[name] {
			continue
		}
		want, err := l.shape(answers[name])
		if err != nil {
			t.Fatal(err)
		}
		got, err := shipped.Document(a)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest == "" {
			t.Errorf("%s: no digest", a.File)
		}
		got.Profiles = nil // of the overlays, which the index has
		got.Digest = ""    // of the file that was read, which what was exported has none of
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-cue export +compiled):\n%s", a.File, diff)
		}
	}
}

func writeTree(t *testing.T, dir string, tree Files) {
	t.Helper()
	for file, f := range tree {
		if filepath.Ext(file) != ".cue" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), f, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOrderOfUnification: files are named so that they are read in another
// order, and leaves are given in another order; the answers stay the same.
func TestOrderOfUnification(t *testing.T) {
	src := source(t)
	turned := Source{release: src.release, files: Files{}, added: map[string]string{}}
	for name, f := range src.files {
		// z-name for a-name: the alphabet turned round.
		if dir, base := filepath.Split(name); filepath.Ext(name) == ".cue" && dir != "catalog/" {
			name = dir + string('z'-(base[0]-'a')) + base
		}
		turned.files[name] = f
	}
	a, err := load(src)
	if err != nil {
		t.Fatal(err)
	}
	b, err := load(turned)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.index(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.index(); err != nil {
		t.Fatal(err)
	}
	for name, x := range a.natural {
		y := b.natural[name]
		x.Layers, y.Layers = slices.Sorted(slices.Values(x.Layers)), slices.Sorted(slices.Values(y.Layers))
		x.Leaves, y.Leaves = nil, nil
		if diff := cmp.Diff(x, y); diff != "" {
			t.Errorf("%s in another order of files (-was +is):\n%s", name, diff)
		}
	}
	for _, leaves := range [][]string{{"kind", "l40", "rhel"}, {"a100", "eks-training", "rhel", "monitoring-hpa"}} {
		back := slices.Clone(leaves)
		slices.Reverse(back)
		x, y := a.unify(t, leaves), a.unify(t, back)
		x.Layers, y.Layers, x.Leaves, y.Leaves = nil, nil, nil, nil
		if diff := cmp.Diff(x, y); diff != "" {
			t.Errorf("%v in another order (-was +is):\n%s", leaves, diff)
		}
	}
}

// unify evaluates leaves with CUE, whatever is there already.
func (l *loaded) unify(t *testing.T, leaves []string) raw {
	t.Helper()
	path := cue.MakePath(cue.Def("answer"))
	var a raw
	if err := decode(l.root.FillPath(path.Append(cue.Str("leaves")), leaves).LookupPath(path), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestOtherCriteria: an added overlay changes no answer to a question that
// does not state what it states.
func TestOtherCriteria(t *testing.T) {
	documents := func(files Files) map[string]*recipes.Document {
		cat, err := recipes.Open(files.FS())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]*recipes.Document{}
		all, err := cat.Answers()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if out[a.File], err = cat.Document(a); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	before := documents(oldest(t))
	src := source(t)
	src.files = maps.Clone(src.files)
	src.files["overlays/added.cue"] = []byte(`package overlays

added: {
	base: "eks-training"
	criteria: {accelerator: "b200", platform: "kubeflow"}
	components: "gpu-operator": values: driver: version: "999.1"
	constraints: "K8s.server.version": ">= 1.99"
}
`)
	files, err := Catalog(src)
	if err != nil {
		t.Fatal(err)
	}
	after := documents(files)
	for name, was := range before {
		if diff := cmp.Diff(was, after[name]); diff != "" {
			t.Errorf("%s changed (-was +is):\n%s", name, diff)
		}
	}
	if len(after) <= len(before) {
		t.Errorf("%d recipes before, %d after", len(before), len(after))
	}
}
