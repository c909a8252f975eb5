package view

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// newer is the release 2026-03 by another name, with texts replaced in files of
// components: old, new and so on.
func newer(t *testing.T, release string, edits map[string][]string) *recipes.Catalog {
	t.Helper()
	files := fstest.MapFS{}
	tree := os.DirFS("../compiled/2026-03")
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		text := string(data)
		if edit, ok := edits[name]; ok {
			changed := strings.NewReplacer(edit...).Replace(text)
			if changed == text {
				t.Fatalf("%s does not hold %q", name, edit)
			}
			text = changed
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := recipes.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	c.Release = release
	return c
}

// A newer release of two charts: what their facts and kinds do not know of the
// older recipes is listed, once for all recipes.
func TestUpgrade(t *testing.T) {
	from := newer(t, "2026-03", nil)
	to := newer(t, "2099-01", map[string][]string{
		"components/kubeflow-trainer/component.json": {`"version": "2.1.0"`, `"version": "2.2.0"`},
		"components/gpu-operator/component.json":     {`"version": "v25.10.1"`, `"version": "v26.7.0"`},
	})
	d, err := Upgrade(from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := UpgradeText(d)
	for _, want := range []string{
		"  components.gpu-operator.version (158 recipes)\n    - \"v25.10.1\"\n    + \"v26.7.0\"\n",
		"upgrades\n  gpu-operator v25.10.1 → v26.7.0: unknown (158 recipes)\n",
		"  kubeflow-trainer 2.1.0 → 2.2.0: manual (4 recipes)\n    Helm does not replace what the chart has in its folder crds: ClusterTrainingRuntime, JobSet, LeaderWorkerSet, TrainJob, TrainingRuntime\n    - replace",
		"not known in 2099-01\n",
		"  components.gpu-operator.values.cdi.default (",
		`    chart gpu-operator v26.7.0 does not have the value "cdi.default": setting it has no effect` + "\n",
		"ClusterTrainingRuntime of kubeflow-trainer 2.2.0: spec.mlPolicy.torch.numProcPerNode: unknown field (line 13)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("does not have %q:\n%s", want, text)
		}
	}
	defaults, err := from.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	if d.Recipes != int64(len(defaults)) || len(d.OnlyFrom)+len(d.OnlyTo) != 0 {
		t.Errorf("%d of %d recipes compared, only in one: %v %v", d.Recipes, len(defaults), d.OnlyFrom, d.OnlyTo)
	}

	// One recipe has who set what, and no numbers of recipes.
	q := schema.Criteria{Service: "eks", Accelerator: "h100", OS: "ubuntu", Intent: "training", Platform: "kubeflow"}
	if d, err = Upgrade(from, to, &q); err != nil {
		t.Fatal(err)
	}
	text = UpgradeText(d)
	if !strings.Contains(text, "  components.kubeflow-trainer.version\n    - \"2.1.0\"") || strings.Contains(text, "recipes)") {
		t.Error(text)
	}
	// What neither release has is refused, with the release.
	q.Platform = "dynamo"
	if _, err = Upgrade(from, to, &q); err == nil || !strings.Contains(err.Error(), "release 2026-03: no recipe for") {
		t.Errorf("got %v", err)
	}
	// A release compared with itself: nothing changes, and nothing is unknown.
	q.Platform = ""
	if d, err = Upgrade(from, from, &q); err != nil || len(d.Changes)+len(d.Unknown)+len(d.OnlyFrom)+len(d.OnlyTo) != 0 {
		t.Errorf("%v, %v", d, err)
	}
}

// A kind that no component of the newer recipe defines is listed.
func TestUpgradeWithoutKind(t *testing.T) {
	from := newer(t, "2026-03", nil)
	to := newer(t, "2099-01", map[string][]string{
		"components/skyhook-operator/component.json": {`"chart": "skyhook-operator"`, `"chart": "cert-manager"`, `"v0.14.0"`, `"v1.17.2"`},
	})
	q := schema.Criteria{Service: "eks"} // of which every chart is known
	d, err := Upgrade(from, to, &q)
	if err != nil {
		t.Fatal(err)
	}
	if text := UpgradeText(d); !strings.Contains(text, "components.skyhook-operator.crds.Skyhook\n    Skyhook of skyhook.nvidia.com: no component of the newer recipe defines it") {
		t.Error(text)
	}
}
