package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// A recipe may come from anywhere: what no deployer could work with, or what
// would do harm in a script, is refused by name.
func TestRefusedRecipes(t *testing.T) {
	last := func(r *schema.RecipeResult) *schema.ComponentRef { return &r.ComponentRefs[len(r.ComponentRefs)-1] }
	tests := map[string]struct {
		change func(*schema.RecipeResult)
		want   string // start of the first problem
	}{
		"shell in a version": {func(r *schema.RecipeResult) { last(r).Version = "1.0.0; rm -rf /" }, `component "gpu-operator" has the version "1.0.0; rm -rf /"`},
		"range of versions":  {func(r *schema.RecipeResult) { last(r).Version = ">=1.0.0" }, `component "gpu-operator" has the version ">=1.0.0"`},
		"shell in a source":  {func(r *schema.RecipeResult) { last(r).Source = "https://x/$(id)" }, `component "gpu-operator" has the source "https://x/$(id)"`},
		"file as source":     {func(r *schema.RecipeResult) { last(r).Source = "file:///etc" }, `component "gpu-operator" has the source "file:///etc"`},
		"path as chart":      {func(r *schema.RecipeResult) { last(r).Chart = "../x" }, `component "gpu-operator" has the chart "../x"`},
		"namespace":          {func(r *schema.RecipeResult) { last(r).Namespace = "A B" }, `component "gpu-operator" has the namespace "A B"`},
		"no chart":           {func(r *schema.RecipeResult) { last(r).Chart = "" }, `component "gpu-operator" has the chart ""`},
		"nothing to deploy": {func(r *schema.RecipeResult) { last(r).Type, last(r).Manifests = "Manifest", nil },
			`component "gpu-operator" has neither a chart nor manifests`},
		"twice": {func(r *schema.RecipeResult) { r.ComponentRefs = append(r.ComponentRefs, r.ComponentRefs[0]) }, `component "cert-manager" is in the recipe twice`},
		"not in the order": {func(r *schema.RecipeResult) { r.DeploymentOrder = r.DeploymentOrder[:4] },
			`component "gpu-operator" is missing in deploymentOrder`},
		"order of a stranger": {func(r *schema.RecipeResult) { r.DeploymentOrder = append(r.DeploymentOrder, "x") },
			`deploymentOrder names "x", which is not a component of the recipe`},
		"order against the graph": {func(r *schema.RecipeResult) {
			o := r.DeploymentOrder
			o[0], o[4] = o[4], o[0]
		}, `component "gpu-operator" depends on "cert-manager", which does not come before it in deploymentOrder`},
		"unknown dependency": {func(r *schema.RecipeResult) { last(r).DependencyRefs = []string{"nope"} },
			`component "gpu-operator" depends on "nope", which does not come before it in deploymentOrder`},
		"changed manifest": {func(r *schema.RecipeResult) { last(r).Manifests[0].Content = "apiVersion: v1\n" },
			`component "gpu-operator": manifest "components/gpu-operator/manifests/dcgm.yaml" has the digest sha256:`},
		"missing manifest": {func(r *schema.RecipeResult) {
			last(r).Manifests[0].Path = "components/gpu-operator/manifests/nope.yaml"
		},
			`component "gpu-operator": manifest "components/gpu-operator/manifests/nope.yaml" cannot be read`},
		"hidden manifest": {func(r *schema.RecipeResult) { last(r).Manifests[0].Path = "a/.yaml" },
			`component "gpu-operator": manifest "a/.yaml" has no good name for a manifest`},
		"same file name": {func(r *schema.RecipeResult) { last(r).Manifests[1] = last(r).Manifests[0] },
			`component "gpu-operator": manifest "components/gpu-operator/manifests/dcgm.yaml" has the file name of another one`},
		"dot in a name": {func(r *schema.RecipeResult) {
			r.ComponentRefs[1].Name, r.DeploymentOrder[1], last(r).DependencyRefs[1] = "a.b", "a.b", "a.b"
		}, `component "a.b": Helm takes no dot in the alias of a sub-chart`},
		"name that Helm uses": {func(r *schema.RecipeResult) {
			r.ComponentRefs[1].Name, r.DeploymentOrder[1], last(r).DependencyRefs[1] = "global", "global", "global"
		}, `component "global": the umbrella chart has another use for values of that name`},
		"long name": {func(r *schema.RecipeResult) {
			n := strings.Repeat("a", 54)
			r.ComponentRefs[1].Name, r.DeploymentOrder[1], last(r).DependencyRefs[1] = n, n, n
		}, `component "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": the release "`},
		"two releases of one name": {func(r *schema.RecipeResult) {
			n := "gpu-operator-before"
			r.ComponentRefs[1].Name, r.DeploymentOrder[1], last(r).DependencyRefs[1] = n, n, n
		}, `components "gpu-operator-before" and "gpu-operator" both make a release "gpu-operator-before"`},
		"scheduling path": {func(r *schema.RecipeResult) { last(r).Scheduling.System.NodeSelector = []string{"a..b"} },
			`component "gpu-operator": scheduling: path "a..b": a key is empty at character 3`},
		"scheduling path into a value": {func(r *schema.RecipeResult) { last(r).Scheduling.System.NodeSelector = []string{"driver.version.x"} },
			`component "gpu-operator": scheduling: "driver.version" is text and has no key "x"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := fixture(t)
			test.change(r)
			p := full()
			p.SetJSON = nil // of a component that some tests rename
			tree, err := Render(r, p, fixtures())
			if tree != nil || err == nil {
				t.Fatal("made a bundle")
			}
			if got := schema.List(err)[0].Error(); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s\nwant %s…", got, test.want)
			}
			if c := schema.CodeOf(err); c != schema.Invalid {
				t.Errorf("code %q", c)
			}
		})
	}
}

// A recipe of a catalogue that is not shipped carries its manifests' text.
func TestManifestInRecipe(t *testing.T) {
	r := fixture(t)
	for i := range r.ComponentRefs {
		for k := range r.ComponentRefs[i].Manifests {
			m := &r.ComponentRefs[i].Manifests[k]
			data, err := fixtures().Manifest(*m)
			if err != nil {
				t.Fatal(err)
			}
			m.Content = string(data)
		}
	}
	none := Source{Manifest: func(m schema.Manifest) ([]byte, error) {
		return nil, schema.Errorf(schema.NotFound, "no manifest %q", m.Path)
	}}
	got, err := Render(r, full(), none)
	if err != nil {
		t.Fatal(err)
	}
	want := mustRender(t, full())
	for _, p := range want.Paths() {
		if strings.HasPrefix(p, "templates/") {
			if diff := cmp.Diff(string(want.Data(p)), string(got.Data(p))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", p, diff)
			}
		}
	}
}

func TestNoFiles(t *testing.T) {
	_, err := Render(fixture(t), schema.RenderParams{Values: []string{"/etc/passwd"}}, Source{Manifest: fixtures().Manifest})
	if err == nil || err.Error() != `values[0]: file "/etc/passwd": files cannot be named here` {
		t.Errorf("got %v", err)
	}
}

func FuzzToleration(f *testing.F) {
	for _, s := range []string{"a=b:NoSchedule", "a:NoExecute", "a=:PreferNoSchedule", "x.example.com/y=z:NoSchedule", ":", "=:", "a=b=c:NoSchedule"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tol, err := parseToleration(s)
		if err == nil && tol.String() != s {
			t.Errorf("%q reads back as %q", s, tol.String())
		}
		if err != nil && schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%q: code %s", s, schema.CodeOf(err))
		}
	})
}

func FuzzRepository(f *testing.F) {
	f.Add("https://git.example.com/x", "", "")
	f.Add("oci://registry.example.com:5000/a/b:v1", "v1", "x/../y")
	f.Add("oci://h/b@sha256:00", "", ".")
	f.Fuzz(func(t *testing.T, url, revision, dir string) {
		r, err := parseRepository(url, revision, dir)
		if err != nil {
			if schema.CodeOf(err) != schema.Invalid {
				t.Errorf("code %s", schema.CodeOf(err))
			}
			return
		}
		if strings.ContainsAny(r.url+r.revision+r.dir, " \n\"'`$") || strings.HasPrefix(r.path("x"), "..") || strings.HasPrefix(r.path("x"), "/") {
			t.Errorf("%q %q %q gave %+v", url, revision, dir, r)
		}
	})
}

func FuzzChecksums(f *testing.F) {
	f.Add([]byte(strings.Repeat("0", 64) + "  a\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := (&Tree{files: map[string]file{checksums: {data: data}}}).FS()
		found, err := VerifyTree(tree)
		if err != nil && schema.CodeOf(err) != schema.Invalid {
			t.Errorf("code %s", schema.CodeOf(err))
		}
		for _, x := range found {
			if x.What != "missing" {
				t.Errorf("%v in an empty bundle", x)
			}
		}
	})
}
