package render

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// answers are the recipes of the catalogue, one for each set of overlays and
// choices.
func answers(t *testing.T) []*schema.RecipeResult {
	t.Helper()
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var out []*schema.RecipeResult
	for _, a := range catalog.Answers {
		d, err := catalog.Document(a)
		if err != nil {
			t.Fatal(err)
		}
		var chosen []string
		for _, p := range d.Profiles {
			chosen = append(chosen, p.Name+"="+p.Choice)
		}
		r, err := catalog.Resolve(d.Criteria, true, chosen...)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// distinct leaves out recipes whose components with manifests are all in one
// before them: what a component's manifests become depends on nothing else.
func distinct(t *testing.T, all []*schema.RecipeResult) []*schema.RecipeResult {
	t.Helper()
	var out []*schema.RecipeResult
	seen := map[string]bool{}
	for _, r := range all {
		fresh := false
		for _, c := range r.ComponentRefs {
			if len(c.Manifests) == 0 {
				continue
			}
			key, err := schema.Encode(c)
			if err != nil {
				t.Fatal(err)
			}
			fresh = fresh || !seen[string(key)]
			seen[string(key)] = true
		}
		if fresh {
			out = append(out, r)
		}
	}
	return out
}

// objectsOf reads the Kubernetes objects in YAML.
func objectsOf(t *testing.T, name string, data []byte) []map[string]any {
	t.Helper()
	var out []map[string]any
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var o map[string]any
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if o["kind"] != nil && o["apiVersion"] != nil {
			out = append(out, o)
		}
	}
}

// unpublished are kinds that OpenShift defines, of which no chart has the fields.
var unpublished = map[string]bool{"OperatorGroup": true, "Subscription": true, "CertManager": true, "NodeFeatureDiscovery": true}

// definitions are the kinds that were read, by apiVersion, kind and release.
type definitions map[[3]string]*crds.Kind

func (d definitions) find(version, kind, release string) (*crds.Kind, error) {
	key := [3]string{version, kind, release}
	if d[key] != nil {
		return d[key], nil
	}
	k, err := crds.Builtin().Find(version, kind, release)
	if err == nil {
		d[key] = k
	}
	return k, err
}

// fits checks a custom resource against its kind, of the release that brings it,
// and reports whether it is one.
func (d definitions) fits(t *testing.T, where, release string, o map[string]any) bool {
	t.Helper()
	version, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	group, _, grouped := strings.Cut(version, "/")
	if !grouped || charts.Native(group) {
		return false
	}
	if unpublished[kind] && strings.Contains(where, "-ocp") {
		return false
	}
	k, err := d.find(version, kind, release)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return true
	}
	object, err := crds.ObjectOf(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range k.Check(object) {
		t.Errorf("%s: %s of %s: %s", where, kind, k.Release, p)
	}
	return true
}

// Every custom resource of the catalogue's manifests, rendered for every recipe,
// with and without flags, fits the definition of its kind.
func TestManifestsFitDefinitions(t *testing.T) {
	h := needHelm(t)
	seen := map[[32]byte]bool{}
	rendered, found, known := 0, 0, definitions{}
	for _, r := range distinct(t, answers(t)) {
		for _, p := range []schema.RenderParams{{}, placed()} {
			p.Deployer, p.Layout = "helm", "components"
			tree, err := Render(r, p, Source{Manifest: recipes.Manifest})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range r.ComponentRefs {
				for _, dir := range []string{"before", "after", "manifests"} {
					sub, err := fs.Sub(tree.FS(), path.Join("components", c.Name, dir))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := fs.Stat(sub, "Chart.yaml"); err != nil {
						continue
					}
					files, sum := contents(t, sub)
					if seen[sum] {
						continue
					}
					seen[sum] = true
					rendered++
					at := t.TempDir()
					for name, data := range files {
						if err := os.MkdirAll(filepath.Dir(filepath.Join(at, name)), 0o755); err != nil {
							t.Fatal(err)
						}
						if err := os.WriteFile(filepath.Join(at, name), data, 0o644); err != nil {
							t.Fatal(err)
						}
					}
					where := Name(r.Criteria) + " " + c.Name + "/" + dir
					for _, o := range objectsOf(t, where, []byte(h.run(t, "template", c.Name, at, "--namespace", c.Namespace))) {
						if known.fits(t, where, c.Chart+" "+c.Version, o) {
							found++
						}
					}
				}
			}
		}
	}
	t.Logf("%d different charts of manifests, %d custom resources", rendered, found)
	if rendered < 10 || found < 10 {
		t.Errorf("%d different charts of manifests, %d custom resources", rendered, found)
	}
}

func contents(t *testing.T, tree fs.FS) (map[string][]byte, [32]byte) {
	t.Helper()
	files := map[string][]byte{}
	h := sha256.New()
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		files[name] = data
		h.Write([]byte(name + "\x00" + string(data) + "\x00"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, [32]byte(h.Sum(nil))
}

// What the deployers write fits the definitions of Argo CD and Flux.
func TestDeployersFitDefinitions(t *testing.T) {
	found, known := map[string]int{}, definitions{}
	for i, r := range answers(t) {
		all := everything()
		for j, p := range all {
			if p.Deployer != "argocd" && p.Deployer != "flux" || (i+j)%20 != 0 {
				continue // each form for a twentieth of the recipes
			}
			q := placed()
			q.Deployer, q.Layout, q.Repo, q.Revision, q.RepoPath = p.Deployer, p.Layout, p.Repo, p.Revision, p.RepoPath
			tree, err := Render(r, q, Source{Manifest: recipes.Manifest})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range tree.Paths() {
				data := tree.Data(name)
				if path.Ext(name) != ".yaml" || bytes.Contains(data, []byte("{{")) || strings.Contains(name, "/crds/") {
					continue
				}
				for _, o := range objectsOf(t, name, data) {
					version, _ := o["apiVersion"].(string)
					if strings.HasPrefix(version, "argoproj.io/") || strings.Contains(version, ".toolkit.fluxcd.io/") {
						found[string(p.Deployer)]++
						known.fits(t, Name(r.Criteria)+" "+name, "", o)
					}
				}
			}
		}
	}
	t.Logf("%v objects", found)
	if found["argocd"] < 100 || found["flux"] < 100 {
		t.Errorf("%v objects", found)
	}
}
