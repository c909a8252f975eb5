package importer

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/validate"
)

// TestRecipesOfUpstream holds that the 36 recipes of upstream's own format
// read, validate and bundle, and come to what the catalogue answers.
func TestRecipesOfUpstream(t *testing.T) {
	r := readReference(t)
	if n := len(r.names()); n != 36 {
		t.Fatalf("%d recipes", n)
	}
	cat, err := recipes.Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var snapshot schema.Snapshot
	if err := schema.Decode("h100-eks.yaml", data, &snapshot); err != nil {
		t.Fatal(err)
	}
	reader := upstream.Reader{Tree: r.tree(t), Name: "tree"}
	versions := upstream.Versions()
	for i, name := range r.names() {
		doc, err := schema.Parse(name+".yaml", r.recipe(t, name, versions[i%len(versions)]))
		if err != nil {
			t.Fatal(err)
		}
		v, notes, err := reader.Read(doc, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := v.(*schema.RecipeResult)
		if !strings.HasSuffix(notes[0], "; values from tree") {
			t.Errorf("%s: notes %q", name, notes)
		}
		if _, err := validate.Run(got, &snapshot, false); err != nil {
			t.Errorf("validating %s: %v", name, err)
		}
		if _, err := render.Render(got, schema.RenderParams{Deployer: "helm"}, render.Source{Manifest: recipes.Manifest}); err != nil {
			t.Errorf("rendering %s: %v", name, err)
		}
		want, err := cat.Resolve(r.Overlays[name].Criteria, false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(deployed(want), deployed(got)); diff != "" {
			t.Errorf("%s (-catalogue +upstream):\n%s", name, diff)
		}
	}
}

// deployed is what a recipe comes to on a cluster.
func deployed(r *schema.RecipeResult) map[string]any {
	out := map[string]any{}
	for _, c := range r.ComponentRefs {
		var manifests []string
		for _, m := range c.Manifests {
			manifests = append(manifests, string(m.Digest))
		}
		out[c.Name] = map[string]any{"version": c.Version, "chart": c.Chart, "source": c.Source, "namespace": c.Namespace,
			"values": c.Values, "manifests": manifests}
	}
	return out
}

// TestImportOurs holds that importing what the catalogue was written from adds
// nothing to it.
func TestImportOurs(t *testing.T) {
	cat, err := recipes.Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	site, err := Import(readReference(t).tree(t), "tree", Ours{cat, cat.Manifest})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range site.Files {
		if name != "site.cue" {
			t.Errorf("%s:\n%s", name, data)
		}
	}
	if len(site.Left) > 0 {
		t.Errorf("left over:\n%s", strings.Join(site.Left, "\n"))
	}
}

// open compiles a catalogue.
func open(t *testing.T, src compile.Source) *recipes.Catalog {
	t.Helper()
	files, err := compile.Catalog(src)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := recipes.Open(files.FS())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// TestRoundTrip takes a third of the overlays and four components out of the
// catalogue, imports the reference into what remains, and holds that the two
// together answer as the whole catalogue does.
func TestRoundTrip(t *testing.T) {
	whole, err := recipes.Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	rest := fstest.MapFS{}
	taken := 0
	for name, data := range contents(t, os.DirFS("..")) {
		if dir := path.Dir(name); dir == "catalog" || dir == "checks" { // of all releases
			rest[name] = &fstest.MapFile{Data: data}
			continue
		}
		file := name
		if name = strings.TrimPrefix(name, "releases/2026-03/"); name == file {
			continue // of another release
		}
		gone := strings.HasPrefix(name, "overlays/h100-aks") || strings.HasPrefix(name, "overlays/gb200-eks") ||
			strings.HasPrefix(name, "overlays/") && (strings.Contains(name, "kubeflow") || strings.Contains(name, "dynamo"))
		for _, c := range []string{"kubeflow-trainer", "dynamo-platform", "dynamo-crds"} {
			gone = gone || name == "components/"+c+".cue" || strings.HasPrefix(name, "components/"+c+"/")
		}
		if gone {
			taken++
			continue
		}
		rest[file] = &fstest.MapFile{Data: data}
	}
	if taken < 18 {
		t.Fatalf("%d files are taken out", taken)
	}
	src, err := compile.From(rest, "2026-03")
	if err != nil {
		t.Fatal(err)
	}
	r := readReference(t)
	site, err := Import(r.tree(t), "tree", Ours{open(t, src), func(path string) ([]byte, error) {
		if f := rest["releases/2026-03/"+path]; f != nil {
			return f.Data, nil
		}
		return nil, schema.Errorf(schema.NotFound, "no %q", path)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(site.Left) > 0 {
		t.Errorf("left over:\n%s", strings.Join(site.Left, "\n"))
	}
	dir := write(t, site.Files)
	if src, err = src.With(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := compile.Vet(src); err != nil {
		t.Fatalf("vet: %v\n%s", err, all(site))
	}
	both := open(t, src)
	for _, name := range r.names() {
		q := r.Overlays[name].Criteria
		want, err := whole.Resolve(q, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := both.Resolve(q, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(deployed(want), deployed(got)); diff != "" {
			t.Errorf("%s (-catalogue +imported):\n%s", name, diff)
		}
		if diff := cmp.Diff(rules(want), rules(got)); diff != "" {
			t.Errorf("%s (-catalogue +imported):\n%s", name, diff)
		}
	}
}

// rules is what a recipe asks for, without who asked.
func rules(r *schema.RecipeResult) map[string]any {
	out := map[string]any{"order": r.DeploymentOrder}
	for _, c := range r.Constraints {
		out[c.Name] = c.Value
	}
	for phase, p := range r.Validation {
		out[phase] = p.Checks
	}
	return out
}

func all(s *Site) string {
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(s.Files)) {
		b.WriteString("-- " + n + " --\n" + string(s.Files[n]))
	}
	return b.String()
}
