package render

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/NVIDIA/eidos/schema"
)

// everything is every deployer and layout.
func everything() []schema.RenderParams {
	var out []schema.RenderParams
	for _, d := range deployers() {
		p := full()
		p.Deployer, p.Layout = d.name, d.layout
		if d.name != "helm" && d.name != "helmfile" {
			p.Repo = "https://git.example.com/gpu/config.git"
		}
		out = append(out, p)
	}
	return out
}

func sums(t testing.TB, tree *Tree) string {
	t.Helper()
	return string(tree.Data(checksums))
}

// The same recipe and parameters give the same bytes, on any number of
// processors, in any time zone, from many goroutines that share the recipe.
func TestReproducible(t *testing.T) {
	r := fixture(t)
	before, err := schema.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	all := everything()
	for _, p := range everything() {
		if p.Deployer != "argocd" {
			p.Dynamic = []string{"gpu-operator:driver.version", "monitoring:+site.name"}
			all = append(all, p)
		}
	}
	for _, p := range all {
		first, err := Render(r, p, fixtures())
		if err != nil {
			t.Fatal(err)
		}
		for _, procs := range []int{1, 2, 8} {
			old := runtime.GOMAXPROCS(procs)
			t.Setenv("TZ", []string{"UTC", "Asia/Kathmandu", "America/St_Johns"}[procs%3])
			var wg sync.WaitGroup
			got := make([]*Tree, 4)
			for i := range got {
				wg.Go(func() {
					if tree, err := Render(r, p, fixtures()); err == nil {
						got[i] = tree
					}
				})
			}
			wg.Wait()
			runtime.GOMAXPROCS(old)
			for _, tree := range got {
				if tree == nil || sums(t, tree) != sums(t, first) || !cmp.Equal(tree.Metadata, first.Metadata) {
					t.Fatalf("%s %s with %d processors differs", p.Deployer, p.Layout, procs)
				}
			}
		}
	}
	after, err := schema.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("rendering changed the recipe")
	}
}

// Whatever is set, the recipe stays as it was, a mistake gives no bundle, and
// a bundle is whole.
func TestRecipeStays(t *testing.T) {
	r := fixture(t)
	before, err := schema.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		paths := []string{"driver.version", "driver", "driver.rdma.enabled", "toolkit.env[0].value", "toolkit.env[0]", "toolkit.env[1].name",
			"operator.tolerations[0].key", "daemonsets.labels.x", "enabled", "new.key", "crds.enabled", "prometheus.prometheusSpec"}
		set := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"gpu-operator", "cert-manager", "certmanager", "monitoring", "node-tuning"}).Draw(t, "component") + ":" +
				rapid.SampledFrom([]string{"", "+"}).Draw(t, "add") + rapid.SampledFrom(paths).Draw(t, "path") + "=" +
				rapid.SampledFrom([]string{"true", "false", "null", "1", "1.10", `{"a":[1]}`, "[]", ""}).Draw(t, "value")
		})
		p := schema.RenderParams{
			Set:                  rapid.SliceOfN(set, 0, 4).Draw(t, "set"),
			SetJSON:              rapid.SliceOfN(set, 0, 2).Draw(t, "setJSON"),
			SystemNodeToleration: rapid.SliceOfN(rapid.SampledFrom([]string{"a=b:NoSchedule", "a:NoExecute", "x"}), 0, 2).Draw(t, "tolerations"),
		}
		tree, err := Render(r, p, fixtures())
		if after, _ := schema.Encode(r); !bytes.Equal(before, after) {
			t.Fatalf("%+v changed the recipe", p)
		}
		if (tree == nil) != (err != nil) {
			t.Fatalf("%+v gave both or neither: %v", p, err)
		}
		if err != nil {
			if schema.CodeOf(err) != schema.Invalid {
				t.Fatalf("%+v: code %s: %v", p, schema.CodeOf(err), err)
			}
			return
		}
		if found, err := VerifyTree(tree.FS()); err != nil || len(found) > 0 {
			t.Fatalf("%+v: %v %v", p, found, err)
		}
	})
}

func FuzzAssignment(f *testing.F) {
	for _, s := range []string{"a:b=c", `a:b\.c[0].d=e`, "a:+b=", "a:b[", "a:[0]=1", `a:\=b=c`, "a:b..c=1", "a:b[99999].c=x", "a:b]=", `a:b\`, "a:b[0]c=1", "=:"} {
		f.Add(s)
	}
	r := fixture(f)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAssignment(s)
		if err != nil {
			if schema.CodeOf(err) != schema.Invalid {
				t.Fatalf("%q: code %s", s, schema.CodeOf(err))
			}
			return
		}
		again, err := parsePath(a.path.String())
		if err != nil || a.path.String() != again.String() || len(a.path) != len(again) {
			t.Fatalf("%q: path %q reads back as %v, %v", s, a.path, again, err)
		}
		plus := ""
		if a.add {
			plus = "+"
		}
		if same, err := parseAssignment(a.component + ":" + plus + a.path.String() + "=" + a.value); err != nil || same.value != a.value || same.path.String() != a.path.String() {
			t.Fatalf("%q reads back as %+v, %v", s, same, err)
		}
		for _, c := range r.ComponentRefs {
			values := copyMap(c.Values)
			if err := (setter{path: a.path, value: typed(a.value)}).set(values, a.add); err == nil && !strings.Contains(a.path.String(), "[") {
				if err := (setter{path: a.path, value: typed(a.value)}).set(values, false); err != nil {
					t.Fatalf("%q was set, and is not there to be set again: %v", s, err)
				}
			}
		}
	})
}
