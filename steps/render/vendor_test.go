package render

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// vendored is a recipe whose repositories do not exist, and its charts, which
// show the values they get.
func vendored(t *testing.T) (*schema.RecipeResult, Source, engine.Env) {
	t.Helper()
	r := fixture(t)
	env := blobtest.Env(t.TempDir())
	lock := &schema.BundleLock{Kind: "BundleLock", APIVersion: schema.APIVersion}
	for i := range r.ComponentRefs {
		c := &r.ComponentRefs[i]
		if c.Type != "Helm" {
			continue
		}
		c.Source = "https://charts.invalid"
		d, n, err := env.Blobs.Put(context.Background(), bytes.NewReader(standIn(t, c.Chart, c.Version, c.Values)))
		if err != nil {
			t.Fatal(err)
		}
		lock.Charts = append(lock.Charts, schema.LockedChart{Component: c.Name, Repository: c.Source, Chart: c.Chart, Version: c.Version, Digest: d, Size: n})
	}
	src := fixtures()
	src.Charts = lock
	return r, src, env
}

// writeBundle writes a bundle whose files are in env's store.
func writeBundle(t *testing.T, env engine.Env, tree *Tree) string {
	t.Helper()
	b, err := Store(context.Background(), env.Blobs, tree)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := VerifyTree(FS(context.Background(), b, env.Blobs))
	if err != nil || len(findings) > 0 {
		t.Errorf("not the bundle that was made: %v %v", findings, err)
	}
	whole := &Tree{}
	for _, f := range b.Files {
		rc, err := env.Blobs.Open(context.Background(), f.Digest)
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if _, err := buf.ReadFrom(rc); err != nil {
			t.Fatal(err)
		}
		rc.Close()
		whole.add(f.Path, buf.Bytes())
	}
	return write(t, whole)
}

// With the charts in the bundle, each layout needs no repository, and the same
// values reach the same charts.
func TestVendored(t *testing.T) {
	h := needHelm(t)
	r, src, env := vendored(t)
	place, err := parsePlacement(full(), r.Criteria)
	if err != nil {
		t.Fatal(err)
	}
	cs, err := components(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := layer(cs, full(), src.File); err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		if err := c.place(place); err != nil {
			t.Fatal(err)
		}
	}
	render := func(d schema.Deployer, layout string) (*Tree, string) {
		p := full()
		p.Deployer, p.Layout, p.Repo = d, layout, ""
		if d != "helm" && d != "helmfile" {
			p.Repo = "https://git.example.com/x"
		}
		tree, err := Render(r, p, src)
		if err != nil {
			t.Fatal(d, layout, err)
		}
		for _, name := range tree.Paths() {
			if name != "recipe.yaml" && name != lockFile && strings.Contains(string(tree.Data(name)), "charts.invalid") {
				t.Errorf("%s %s: %s names the repository", d, layout, name)
			}
		}
		return tree, writeBundle(t, env, tree)
	}
	same := func(what string, c *component, got map[string]any) {
		t.Helper()
		want := asJSON(t, c.values)
		if what == "umbrella" && c.Name == "tuning-operator" {
			want["limitRange"] = nil // it would be for the Pods of all components
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: values of %s (-want +got):\n%s", what, c.Name, diff)
		}
	}

	_, dir := render("helm", "umbrella")
	h.run(t, "lint", "--strict", dir)
	one := parseObjects(t, h.run(t, "template", "r", dir, "--namespace", "ns"))
	_, parts := render("helm", "components")
	_, files := render("helmfile", "")
	argo, apps := render("argocd", "")
	fluxTree, fluxDir := render("flux", "")
	for _, c := range cs {
		if !c.chart() {
			continue
		}
		same("umbrella", c, received(t, one, c.Name))
		archive := c.Chart + "-" + c.Version + ".tgz"
		for _, dir := range []string{parts, files} {
			got := parseObjects(t, h.run(t, "template", c.Name, filepath.Join(dir, "components", c.Name, archive), "--values", filepath.Join(dir, "components", c.Name, "values.yaml")))
			same(dir, c, received(t, got, c.Chart))
		}

		var app application
		if err := decodeYAML(argo.Data("applications/"+c.Name+".yaml"), &app); err != nil {
			t.Fatal(err)
		}
		s := app.Spec.Sources[0]
		values := filepath.Join(t.TempDir(), "values.yaml")
		writeFile(t, values, s.Helm.Values)
		h.run(t, "lint", "--strict", filepath.Join(apps, s.Path))
		got := parseObjects(t, h.run(t, "template", s.Helm.ReleaseName, filepath.Join(apps, s.Path), "--values", values))
		same("argocd", c, received(t, got, c.Chart))

		objects := documents(t, fluxTree.Data("releases/"+c.Name+".yaml"))
		rel := any(objects["HelmRelease/"+c.Name])
		if kind := dig(rel, "spec", "chart", "spec", "sourceRef", "kind"); kind != "GitRepository" {
			t.Errorf("flux: the chart of %s comes from a %v", c.Name, kind)
		}
		from, _ := dig(rel, "spec", "valuesFrom").([]any)
		if len(from) != 1 {
			t.Fatalf("flux: %s has the values %v", c.Name, from)
		}
		text, _ := dig(any(objects["ConfigMap/"+dig(from[0], "name").(string)]), "data", "values.yaml").(string)
		writeFile(t, values, text)
		got = parseObjects(t, h.run(t, "template", c.Name, filepath.Join(fluxDir, dig(rel, "spec", "chart", "spec", "chart").(string)), "--values", values))
		same("flux", c, received(t, got, c.Chart))
	}
}

// A lock that is not of the recipe is refused, and so is what a deployer cannot
// read.
func TestVendorRefused(t *testing.T) {
	r, src, _ := vendored(t)
	whole := src.Charts
	bad := *whole
	bad.Charts = append([]schema.LockedChart{}, bad.Charts[1:]...)
	bad.Charts[0].Version = "9.9.9"
	for name, tt := range map[string]struct {
		lock *schema.BundleLock
		p    schema.RenderParams
		want string
	}{
		"lock":     {&bad, schema.RenderParams{}, `component "cert-manager": the lock does not pin its chart`},
		"flux oci": {whole, schema.RenderParams{Deployer: "flux", Repo: "oci://registry.example.com/a:v1"}, "repo: Flux reads charts in a directory from Git only"},
		"too long": {tooLong(whole), schema.RenderParams{}, "its chart has 5242881 bytes, and Helm takes at most 5242880 inside of another chart"},
	} {
		src.Charts = tt.lock
		_, err := Render(r, tt.p, src)
		if err == nil || schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Charts in their own files have no such limit.
	src.Charts = tooLong(whole)
	if _, err := Render(r, schema.RenderParams{Layout: "components"}, src); err != nil {
		t.Error(err)
	}
}

func tooLong(l *schema.BundleLock) *schema.BundleLock {
	out := *l
	out.Charts = append([]schema.LockedChart{}, l.Charts...)
	out.Charts[0].Size = maxSubchart + 1
	return &out
}
