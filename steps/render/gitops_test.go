package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// documents reads a file of several YAML documents: kind/name → document.
func documents(t *testing.T, data []byte) map[string]map[string]any {
	t.Helper()
	if len(data) == 0 {
		t.Fatal("no such file")
	}
	return parseObjects(t, string(data))
}

// at walks down keys of a document.
func dig(m any, keys ...string) any {
	for _, k := range keys {
		sub, _ := m.(map[string]any)
		m = sub[k]
	}
	return m
}

// The repository that was asked for is everywhere, and nothing else is.
func TestRepository(t *testing.T) {
	tests := map[string]struct {
		params schema.RenderParams
		file   string
		at     []string
		want   map[string]any
	}{
		"git": {schema.RenderParams{Deployer: "argocd", Repo: "https://git.example.com/a.git"},
			"app-of-apps.yaml", []string{"Application/gb200-eks-ubuntu-training", "spec", "source"},
			map[string]any{"repoURL": "https://git.example.com/a.git", "path": "applications", "targetRevision": "HEAD"}},
		"git, directory and branch": {schema.RenderParams{Deployer: "argocd", Repo: "ssh://git@git.example.com/a", RepoPath: "x/y/", Revision: "main"},
			"app-of-apps.yaml", []string{"Application/gb200-eks-ubuntu-training", "spec", "source"},
			map[string]any{"repoURL": "ssh://git@git.example.com/a", "path": "x/y/applications", "targetRevision": "main"}},
		"oci, tag in the address": {schema.RenderParams{Deployer: "argocd", Repo: "oci://registry.example.com:5000/a/b:v1"},
			"app-of-apps.yaml", []string{"Application/gb200-eks-ubuntu-training", "spec", "source"},
			map[string]any{"repoURL": "oci://registry.example.com:5000/a/b", "path": "applications", "targetRevision": "v1"}},
		"oci, digest": {schema.RenderParams{Deployer: "argocd", Repo: "oci://registry.example.com/b@sha256:abc"},
			"app-of-apps.yaml", []string{"Application/gb200-eks-ubuntu-training", "spec", "source"},
			map[string]any{"repoURL": "oci://registry.example.com/b", "path": "applications", "targetRevision": "sha256:abc"}},
		"flux branch": {schema.RenderParams{Deployer: "flux", Repo: "https://git.example.com/a.git", Revision: "prod"},
			"flux.yaml", []string{"GitRepository/gb200-eks-ubuntu-training", "spec"},
			map[string]any{"url": "https://git.example.com/a.git", "interval": "5m", "ref": map[string]any{"branch": "prod"}}},
		"flux tag": {schema.RenderParams{Deployer: "flux", Repo: "https://git.example.com/a.git", Revision: "refs/tags/v1"},
			"flux.yaml", []string{"GitRepository/gb200-eks-ubuntu-training", "spec"},
			map[string]any{"url": "https://git.example.com/a.git", "interval": "5m", "ref": map[string]any{"name": "refs/tags/v1"}}},
		"flux commit": {schema.RenderParams{Deployer: "flux", Repo: "https://git.example.com/a.git", Revision: strings.Repeat("a1", 20)},
			"flux.yaml", []string{"GitRepository/gb200-eks-ubuntu-training", "spec"},
			map[string]any{"url": "https://git.example.com/a.git", "interval": "5m", "ref": map[string]any{"commit": strings.Repeat("a1", 20)}}},
		"flux oci": {schema.RenderParams{Deployer: "flux", Repo: "oci://registry.example.com/a:v1", Set: []string{"gpu-operator:enabled=false", "node-tuning:enabled=false"}},
			"flux.yaml", []string{"OCIRepository/gb200-eks-ubuntu-training", "spec"},
			map[string]any{"url": "oci://registry.example.com/a", "interval": "5m", "ref": map[string]any{"tag": "v1"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := mustRender(t, test.params)
			docs := documents(t, tree.Data(test.file))
			if diff := cmp.Diff(test.want, dig(any(docs[test.at[0]]), test.at[1:]...)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.file, diff)
			}
		})
	}
}

func TestFluxFromOCI(t *testing.T) {
	_, err := Render(fixture(t), schema.RenderParams{Deployer: "flux", Repo: "oci://registry.example.com/a:v1"}, fixtures())
	want := "repo: Flux reads charts in a directory from Git only, and node-tuning and gpu-operator have manifests of their own"
	if err == nil || err.Error() != want || schema.CodeOf(err) != schema.Invalid {
		t.Errorf("got %v", err)
	}
}

// Each deployer keeps the order of the graph: what a component depends on is
// before it, and every release is there once.
func TestOrder(t *testing.T) {
	r := fixture(t)
	depends := map[string][]string{}
	for _, c := range r.ComponentRefs {
		depends[c.Name] = c.DependencyRefs
	}

	argo := mustRender(t, schema.RenderParams{Deployer: "argocd", Repo: "https://git.example.com/a"})
	wave := map[string]string{}
	for name := range depends {
		docs := documents(t, argo.Data("applications/"+name+".yaml"))
		wave[name], _ = dig(any(docs["Application/"+name]), "metadata", "annotations", "argocd.argoproj.io/sync-wave").(string)
	}
	for name, ds := range depends {
		for _, d := range ds {
			if wave[d] >= wave[name] { // one digit each
				t.Errorf("argocd: %s in wave %s, %s that it depends on in wave %s", name, wave[name], d, wave[d])
			}
		}
	}

	fl := mustRender(t, schema.RenderParams{Deployer: "flux", Repo: "https://git.example.com/a"})
	edges := map[string][]string{}
	for name := range depends {
		for key, o := range documents(t, fl.Data("releases/"+name+".yaml")) {
			if release, ok := strings.CutPrefix(key, "HelmRelease/"); ok {
				list, _ := dig(any(o), "spec", "dependsOn").([]any)
				edges[release] = []string{}
				for _, d := range list {
					edges[release] = append(edges[release], dig(d, "name").(string))
				}
			}
		}
	}
	wantEdges := map[string][]string{
		"cert-manager": {}, "monitoring": {}, "tuning-operator": {}, "node-tuning": {"tuning-operator"},
		"gpu-operator-before": {"cert-manager", "monitoring", "node-tuning"}, "gpu-operator": {"gpu-operator-before"},
	}
	if diff := cmp.Diff(wantEdges, edges); diff != "" {
		t.Errorf("flux: dependsOn (-want +got):\n%s", diff)
	}

	var file helmfileSpec
	text := mustRender(t, schema.RenderParams{Deployer: "helmfile"}).Data("helmfile.yaml")
	if err := yaml.Unmarshal(text, &yamlAsJSON{&file}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "prepare") {
		t.Errorf("helmfile: the hook for prepare runs for lint and template, too:\n%s", text)
	}
	seen := map[string]bool{}
	for _, rel := range file.Releases {
		if first := !strings.Contains(strings.Join(rel.Needs, " "), rel.Namespace+"/"); first && (len(rel.Hooks) != 1 || rel.Hooks[0].Events[0] != "presync") {
			t.Errorf("helmfile: namespaces are not made before %s: %+v", rel.Name, rel.Hooks)
		}
		for _, n := range rel.Needs {
			if !seen[n] {
				t.Errorf("helmfile: %s needs %s, which does not stand before it", rel.Name, n)
			}
		}
		seen[rel.Namespace+"/"+rel.Name] = true
	}
	if len(seen) != len(wantEdges) {
		t.Errorf("helmfile: releases %v", seen)
	}
}

// Manifests of built-in kinds go before the chart, those it brings the kinds
// for after it.
func TestEarly(t *testing.T) {
	tests := []struct {
		text string
		crd  bool
		want bool
	}{
		{"apiVersion: v1\nkind: ConfigMap\n", false, true},
		{"{{- if .x }}\napiVersion: apps/v1 # c\nkind: DaemonSet\n{{- end }}\n", false, true},
		{"apiVersion: \"networking.k8s.io/v1\"\nkind: NetworkPolicy\n", false, true},
		{"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n", false, false},
		{"apiVersion: v1\n---\napiVersion: skyhook.nvidia.com/v1alpha1\n", false, false},
		{"spec:\n  apiVersion: v1\n", false, false},
		{"apiVersion: x.example.com/v1\n", true, true},
	}
	for _, test := range tests {
		if got := newManifest("x.yaml", []byte(test.text), test.crd).early; got != test.want {
			t.Errorf("%q: early %v", test.text, got)
		}
	}
}
