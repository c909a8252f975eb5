package drift

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func files(texts map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range texts {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestRendered(t *testing.T) {
	before := files(map[string]string{
		"same.yaml": "a: 1\n", "comment.yaml": "# one\na: 1\n", "README.md": "one\ntwo\nthree\n", "gone.yaml": "kind: Secret\nmetadata: {name: s}\n",
		"checksums.txt": "x", "recipe.yaml": "a: 1\n",
		"app.yaml":    "kind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  wave: 1\n  values: |\n    driver: {version: \"1\"}\n    x.y: 1\n",
		"flux.yaml":   "kind: ConfigMap\nmetadata: {name: v-1111}\ndata: {k: old}\n---\nkind: HelmRelease\nmetadata: {name: r}\nspec: {from: v-1111}\n",
		"list.yaml":   "env: [{name: A, value: 1}, {name: B, value: 2}]\nargs: [x, y]\nempty: {}\n",
		"chart.tgz":   "one\x00",
		"objects.yml": "kind: A\nmetadata: {name: one}\n---\nkind: A\nmetadata: {name: two}\n",
		"tpl.yaml":    "a: {{ .x }}\n",
	})
	now := files(map[string]string{
		"same.yaml": "a: 1\n", "comment.yaml": "# two\na: 1\n", "README.md": "one\n2\nthree\nfour\n", "new.yaml": "kind: Secret\nmetadata: {name: t, namespace: n}\n",
		"checksums.txt": "y", "recipe.yaml": "a: 2\n",
		"app.yaml":    "kind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  wave: 2\n  values: |\n    driver: {version: \"2\"}\n    x.y: 1\n",
		"flux.yaml":   "kind: ConfigMap\nmetadata: {name: v-2222}\ndata: {k: new}\n---\nkind: HelmRelease\nmetadata: {name: r}\nspec: {from: v-2222}\n",
		"list.yaml":   "env: [{name: C, value: 0}, {name: A, value: 1}, {name: B, value: 3}]\nargs: [x]\nempty: {}\n",
		"chart.tgz":   "two!\x00",
		"objects.yml": "kind: A\nmetadata: {name: one}\n---\nkind: A\nmetadata: {name: three}\n---\nkind: A\nmetadata: {name: four}\n",
		"tpl.yaml":    "a: {{ .y }}\n",
	})
	d, err := Rendered(before, now, schema.DriftSide{Kind: "Bundle", Source: "a"}, schema.DriftSide{Kind: "Bundle", Source: "b"}, schema.DiffParams{Ignore: []string{"tpl*"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Change{
		{Path: "README.md", Change: "changed", Reason: "lines: 2 added, 1 removed"},
		{Path: "app.yaml Application argocd/a spec.values.driver.version", Change: "changed", From: "1", To: "2"},
		{Path: "app.yaml Application argocd/a spec.wave", Change: "changed", From: "1", To: "2"},
		{Path: "chart.tgz", Change: "changed", Reason: "5 bytes, 4 before"},
		{Path: "flux.yaml ConfigMap v-2222 data.k", Change: "changed", From: "old", To: "new"},
		{Path: "flux.yaml ConfigMap v-2222 metadata.name", Change: "changed", From: "v-1111", To: "v-2222"},
		{Path: "flux.yaml HelmRelease r spec.from", Change: "changed", From: "v-1111", To: "v-2222"},
		{Path: "gone.yaml", Change: "removed", Reason: "Secret s"},
		{Path: "list.yaml args[1]", Change: "removed", From: "y"},
		{Path: "list.yaml env[B].value", Change: "changed", From: "2", To: "3"},
		{Path: "list.yaml env[C].name", Change: "added", To: "C"},
		{Path: "list.yaml env[C].value", Change: "added", To: "0"},
		{Path: "new.yaml", Change: "added", Reason: "Secret n/t"},
		{Path: "objects.yml A four", Change: "added"},
		{Path: "objects.yml A three", Change: "added"},
		{Path: "objects.yml A two", Change: "removed"},
	}
	if diff := cmp.Diff(want, d.Changes); diff != "" {
		t.Error(diff)
	}
	if d.Summary.Status != "drift" || d.Summary.Changed != int64(len(want)) {
		t.Errorf("summary %+v", d.Summary)
	}
	same, err := Rendered(now, now, schema.DriftSide{}, schema.DriftSide{}, schema.DiffParams{})
	if err != nil || same.Summary.Status != "same" || same.Summary.Compared == 0 {
		t.Errorf("a tree and itself: %+v %v", same, err)
	}
	// What looks like a key is not printed.
	secret := func(s string) fstest.MapFS {
		return files(map[string]string{"s.yaml": "token: ghp_" + s + "0123456789abcdef0123456789\n"})
	}
	d, err = Rendered(secret("a"), secret("b"), schema.DriftSide{}, schema.DriftSide{}, schema.DiffParams{})
	if err != nil || len(d.Changes) != 1 || d.Changes[0].To != "(looks like a key or token, not shown)" {
		t.Errorf("%v %v", d.Changes, err)
	}
}
