package bundles

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// answers are the recipes of the catalogue, one for each set of overlays and
// choices, and those of a site that takes the components and mixins which are there
// for sites.
func answers(t *testing.T) []*schema.RecipeResult {
	t.Helper()
	catalog, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := "package recipes\n\noverlays: \"kind-kueue\": {base: \"kind\", criteria: platform: \"kueue\", components: {" +
		"kueue: {}, \"dra-node-labeler\": {}, \"gcp-driver-installer\": {}, \"gke-gb200-rdma\": {}}}\n" +
		"overlays: \"kind-nim\": {base: \"kind\", criteria: platform: \"nim\", components: topograph: values: provider: name: \"dra\", mixins: {" +
		"\"kueue-topology\": true, \"node-problems\": true, \"nvsentinel-pipeline\": true, \"nvsentinel-remediation\": true, " +
		"\"nvsentinel-object-monitor\": true, \"nvsentinel-preflight\": true}}\n"
	if err := os.WriteFile(filepath.Join(dir, "kueue.cue"), []byte(overlay), 0o644); err != nil {
		t.Fatal(err)
	}
	site, err := compile.Data("")(context.Background(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []*schema.RecipeResult
	for _, platform := range []string{"kueue", "nim"} {
		ours, err := site.Resolve(schema.Criteria{Service: "kind", Platform: platform}, false)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ours)
	}
	all, err := catalog.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
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

// distinct leaves out recipes whose components are all in one before them: what is
// written for a component depends on nothing else, but for the names of others.
func distinct(t *testing.T, all []*schema.RecipeResult) []*schema.RecipeResult {
	t.Helper()
	var out []*schema.RecipeResult
	seen := map[string]bool{}
	for _, r := range all {
		fresh := false
		for _, c := range r.ComponentRefs {
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

// needHelm is the program, which scripts/tool builds.
func needHelm(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("EIDOS_CACHE")
	if cache == "" {
		cache = "../../../.cache"
	}
	helm, err := filepath.Glob(filepath.Join(cache, "tools/helm@v3*/bin/helm"))
	if err != nil || len(helm) == 0 {
		t.Skip("no helm: run scripts/tool helm")
	}
	return helm[len(helm)-1]
}

// TestCustomResources: every custom resource of all answers, by every deployer, with
// and without flags, fits the facts of its kind, and a real API server takes it where
// the definition of its kind can be had. docs/recipes.md names the other kinds.
func TestCustomResources(t *testing.T) {
	c := collect(t)
	if len(c.resources) < 100 || len(c.definitions) < 10 {
		t.Errorf("only %d, and %d definitions", len(c.resources), len(c.definitions))
	}
	without := map[string]string{}
	t.Run("facts", func(t *testing.T) { without["facts"] = c.fit(t) })
	t.Run("server", func(t *testing.T) { without["definitions"] = c.accepted(t) })
	page, err := os.ReadFile("../../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for what, kinds := range without {
		if line := fmt.Sprintf("- without %s: %s\n", what, kinds); !strings.Contains(string(page), line) {
			t.Errorf("docs/recipes.md does not have the line %q", line)
		}
	}
}

// names lists kinds, each once.
func names(kinds map[string]int) string { return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") }

// fit checks each against the facts of its kind, of the release that brings it, and
// returns the kinds that have none.
func (c *collection) fit(t *testing.T) string {
	kinds := map[[3]string]*crds.Kind{}
	without := map[string]int{}
	for _, r := range c.resources {
		if r.native {
			continue
		}
		key := [3]string{r.str("apiVersion"), r.str("kind"), r.release}
		if kinds[key] == nil {
			k, err := crds.Builtin().Find(key[0], key[1], key[2])
			if schema.CodeOf(err) == schema.NotFound {
				without[r.str("kind")]++
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			kinds[key] = k
		}
		o, err := crds.ObjectOf(r.object)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range kinds[key].Check(o) {
			t.Errorf("%s: %s of %s: %s", r.where, key[1], kinds[key].Release, p)
		}
	}
	t.Logf("without facts: %v", without)
	return names(without)
}

// fields is what a value has, without what it says: two objects of one kind with the
// same fields differ in names only.
func fields(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, k+":"+fields(v[k]))
		}
		return "{" + strings.Join(out, ",") + "}"
	case []any:
		seen := map[string]bool{}
		for _, item := range v {
			seen[fields(item)] = true
		}
		return "[" + strings.Join(slices.Sorted(maps.Keys(seen)), ",") + "]"
	}
	return fmt.Sprintf("%T", v)
}

// accepted gives each to a real API server that has the definitions which Go modules
// have and those which bundles bring, checks that it refuses a misspelt field of each
// kind, and returns the kinds that it does not know. Of what deployers write, which
// is thousands, it gets one with each set of fields.
func (c *collection) accepted(t *testing.T) string {
	server := start(t)
	for _, o := range c.definitions {
		if err := apply(server, o); err != nil {
			t.Fatalf("%s: %v", o.path(), err)
		}
	}
	served := map[string]bool{} // kinds, and whether their objects are in namespaces
	list, err := server.Client.RESTClient().Get().AbsPath("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").DoRaw(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range parse(t, list)[0]["items"].([]any) {
		o := object(definition.(map[string]any))
		for _, v := range o["spec"].(map[string]any)["versions"].([]any) {
			if v := object(v.(map[string]any)); v["served"] == true {
				served[o.str("spec", "group")+"/"+v.str("name")+" "+o.str("spec", "names", "kind")] = o.str("spec", "scope") == "Namespaced"
			}
		}
	}
	without, known := map[string]int{}, map[string]int{}
	shapes, namespaces := map[string]bool{}, map[string]bool{}
	for _, r := range c.resources {
		kind := r.str("apiVersion") + " " + r.str("kind")
		inNamespace, ok := served[kind]
		if r.native {
			inNamespace = !strings.HasPrefix(r.str("kind"), "Cluster")
		} else if !ok {
			without[r.str("kind")]++
			continue
		}
		if r.written {
			shape := kind + fields(map[string]any(r.object))
			if shapes[shape] {
				continue
			}
			shapes[shape] = true
		}
		known[kind]++
		ns := r.str("metadata", "namespace")
		if !inNamespace {
			delete(r.object["metadata"].(map[string]any), "namespace")
		} else if !namespaces[ns] {
			namespaces[ns] = true
			if err := apply(server, object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": ns}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := dry(server, r.object); err != nil {
			t.Errorf("%s: %s: %v", r.where, kind, err)
			continue
		}
		if spec, ok := r.object["spec"].(map[string]any); ok && known[kind] == 1 {
			spec["misspelt"] = 1
			if err := dry(server, r.object); err == nil || !strings.Contains(err.Error(), "misspelt") {
				t.Errorf("%s: %s: a misspelt field: %v", r.where, kind, err)
			}
		}
	}
	t.Logf("%d kinds that the server knows: %v", len(known), known)
	t.Logf("without a definition: %v", without)
	return names(without)
}
