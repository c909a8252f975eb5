package bundles

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
)

// resource is a custom resource, where it was seen first, and the release of the
// chart, NAME VERSION, that brings its kind; written by a deployer if it has none.
type resource struct {
	where, release  string
	written, native bool
	object
}

// collection holds each custom resource once, however many bundles have it.
type collection struct {
	resources []resource
	seen      map[string]bool
	total     int
	// definitions are the CustomResourceDefinitions that bundles bring.
	definitions []object
	// charts are what helm has to render, each once, by namespace.
	charts map[string][]chart
}

// chart is one of our own charts in a bundle.
type chart struct {
	where, release string
	files          map[string][]byte
}

func (c *collection) add(t *testing.T, where, release, namespace string, o object) {
	t.Helper()
	group, _, grouped := strings.Cut(o.str("apiVersion"), "/")
	native := !grouped || charts.Native(group)
	if native && (release == "" || !strings.HasPrefix(where, "kind-kueue ") && !strings.HasPrefix(where, "kind-nim ")) {
		return // no other test has the components that are there for sites
	}
	if o.str("metadata", "namespace") == "" && namespace != "" {
		o["metadata"].(map[string]any)["namespace"] = namespace
	}
	text, err := schema.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	c.total++
	if c.seen[string(text)] {
		return
	}
	c.seen[string(text)] = true
	c.resources = append(c.resources, resource{where, release, release == "", native, o})
}

// addChart keeps a chart, a directory of a tree, until all are rendered at once.
func (c *collection) addChart(where, release, namespace, dir string, tree *render.Tree) {
	files := map[string][]byte{}
	sum := sha256.New()
	for _, p := range tree.Paths() {
		if name, in := strings.CutPrefix(p, dir+"/"); in {
			files[name] = tree.Data(p)
			fmt.Fprintf(sum, "%s\x00%s\x00", name, files[name])
		}
	}
	if files["Chart.yaml"] == nil {
		return
	}
	if key := namespace + string(sum.Sum(nil)); !c.seen[key] {
		c.seen[key] = true
		c.charts[namespace] = append(c.charts[namespace], chart{where, release, files})
	}
}

// addTree takes the custom resources of a bundle.
func (c *collection) addTree(t *testing.T, r *schema.RecipeResult, deployer string, tree *render.Tree) {
	t.Helper()
	where := render.Name(r.Criteria) + " " + deployer
	for _, name := range tree.Paths() {
		data := tree.Data(name)
		first, _, _ := strings.Cut(name, "/")
		if path.Ext(name) != ".yaml" || first == "applications" && deployer == "argocd-helm" {
			continue
		}
		switch first {
		case "applications", "releases", "flux.yaml", "app-of-apps.yaml", "project.yaml", "applicationset.yaml":
			for _, o := range parse(t, data) {
				c.add(t, where+" "+name, "", "", o)
			}
		}
	}
	switch deployer {
	case "argocd-helm":
		c.addChart(where, "", "argocd", "applications", tree)
	case "helm": // the others deploy the same charts
		for _, ref := range r.ComponentRefs {
			for _, dir := range []string{"before", "after", "manifests"} {
				c.addChart(where+" "+ref.Name+"/"+dir, ref.Chart+" "+ref.Version, ref.Namespace, path.Join("components", ref.Name, dir), tree)
			}
		}
	}
}

// render makes objects of the charts, in one run of helm for each namespace: they
// are subcharts of one chart.
func (c *collection) render(t *testing.T, helm string) {
	t.Helper()
	name := regexp.MustCompile(`(?m)^name: .*`)
	for _, namespace := range slices.Sorted(maps.Keys(c.charts)) {
		dir := t.TempDir()
		put := func(file string, data []byte) {
			file = filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		put("Chart.yaml", []byte("apiVersion: v2\nname: all\nversion: 1.0.0\n"))
		for i, ch := range c.charts[namespace] {
			for file, data := range ch.files {
				switch {
				case file == "Chart.yaml":
					data = name.ReplaceAll(data, fmt.Appendf(nil, "name: c%d", i))
				case strings.HasPrefix(file, "crds/"):
					for _, o := range parse(t, data) {
						c.define(t, o)
					}
					continue
				}
				put(filepath.Join("charts", fmt.Sprintf("c%d", i), file), data)
			}
		}
		cmd := exec.Command(helm, "template", "all", dir, "--namespace", namespace)
		cmd.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=/dev/null"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("helm, charts of %s: %v", namespace, err)
		}
		const mark = "---\n# Source: all/charts/c"
		for _, text := range strings.Split(strings.TrimPrefix(string(out), mark), "\n"+mark) {
			number, rest, _ := strings.Cut(text, "/")
			i, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("no source: %.80s", text)
			}
			source, body, _ := strings.Cut(rest, "\n")
			ch := c.charts[namespace][i]
			for _, o := range parse(t, []byte(body)) {
				c.add(t, ch.where+" "+source, ch.release, namespace, o)
			}
		}
	}
}

// define keeps a definition that a bundle brings.
func (c *collection) define(t *testing.T, o object) {
	t.Helper()
	text, err := schema.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	if !c.seen[string(text)] {
		c.seen[string(text)] = true
		c.definitions = append(c.definitions, o)
	}
}

// collect makes the bundles of all answers, by every deployer that writes custom
// resources, with and without flags.
func collect(t *testing.T) *collection {
	t.Helper()
	helm := needHelm(t)
	c := &collection{seen: map[string]bool{}, charts: map[string][]chart{}}
	flags := []schema.RenderParams{{}, {
		SystemNodeSelector: []string{"role=system"}, SystemNodeToleration: []string{"dedicated=system:NoSchedule"},
		AcceleratedNodeSelector: []string{"nodeGroup=gpu"}, AcceleratedNodeToleration: []string{"nvidia.com/gpu:NoSchedule"},
		WorkloadSelector: []string{"app=training"}, WorkloadGate: "gate=closed:NoSchedule", Nodes: 8,
	}}
	all := answers(t)
	few := distinct(t, all)
	for _, r := range few {
		for _, p := range flags {
			for _, d := range []struct {
				deployer     schema.Deployer
				layout, repo string
			}{
				{"helm", "components", ""},
				{"argocd", "", "https://git.example.com/gpu/config.git"},
				{"argocd", "", "oci://registry.example.com/gpu/config:v1"},
				{"argocd-helm", "", "https://git.example.com/gpu/config.git"},
				{"flux", "", "https://git.example.com/gpu/config.git"},
			} {
				p.Deployer, p.Layout, p.Repo = d.deployer, d.layout, d.repo
				p.Set = nil
				if render.Name(r.Criteria) == "h100-gke-cos-training-kubeflow" { // a runtime needs the cluster's networks
					p.Set = []string{"kubeflow-trainer:tcpxo.networks=n1,n2,n3,n4,n5,n6,n7,n8"}
				}
				tree, err := render.Render(r, p, render.Source{Manifest: recipes.Manifest})
				if err != nil {
					t.Fatal(err)
				}
				c.addTree(t, r, string(d.deployer), tree)
			}
		}
	}
	c.render(t, helm)
	t.Logf("%d answers, %d with different components: %d custom resources, %d different", len(all), len(few), c.total, len(c.resources))
	return c
}
