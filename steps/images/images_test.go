package images

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema/imageref"
)

const digits = "0123456789012345678901234567890123456789012345678901234567890123"

// Every image of a chart's default rendering is found again, with its tag, when
// the recipe sets nothing, and all but those listed here are explained by a
// value. The output of all charts is golden.
func TestDefaults(t *testing.T) {
	lib := charts.Builtin()
	names, err := lib.Names()
	if err != nil || len(names) < 30 {
		t.Fatal(names, err)
	}
	got := map[string][]string{}
	for _, n := range names {
		name, version, _ := strings.Cut(n, "@")
		c, err := lib.Find(name, version)
		if err != nil {
			t.Fatal(err)
		}
		images, notes := ofChart(c, nil)
		for _, im := range images {
			path := "-"
			if im.group != nil {
				path = im.group.path + " = " + strings.Join(im.group.parts, " / ")
			}
			got[n] = append(got[n], fmt.Sprintf("%s  %s  %s", im.Ref, im.from, path))
		}
		for _, note := range notes {
			got[n] = append(got[n], "note: "+note)
		}
		for _, s := range c.Images {
			r, ok := imageref.Parse(s)
			if !ok {
				t.Errorf("%s: %q is not understood", n, s)
			}
			if text := strings.Join(got[n], "\n"); !placeholder(r) && !strings.Contains(text, r.String()) || placeholder(r) && !strings.Contains(text, "note: ") {
				t.Errorf("%s: %s is lost in\n%s", n, r, text)
			}
		}
	}
	data, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/charts.json"
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile(golden, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)+"\n"); diff != "" {
		t.Errorf("images of the charts (-want +got):\n%s", diff)
	}
}

// The images of every manifest of the catalogue are understood.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob("../../recipes/releases/*/components/*/manifests/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	got := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(filepath.ToSlash(f), "../../recipes/")
		images, notes := ofManifest(name, string(text), nil)
		if len(notes) > 0 {
			t.Errorf("%s: %v", f, notes)
		}
		if n := strings.Count(string(text), "image:"); n != len(images) {
			t.Errorf("%s: %d of %d images", f, len(images), n)
		}
		for _, im := range images {
			got[name] = append(got[name], im.String())
		}
	}
	if len(got) < 4 {
		t.Errorf("only %v have images", got)
	}
}

// How a manifest may name an image, and what a value changes.
func TestManifestForms(t *testing.T) {
	values := map[string]any{"own": "a.io/mine:2", "deep": map[string]any{"image": "a.io/deep:3"}, "packageVersion": "9"}
	for text, want := range map[string]string{
		"  image: a.io/b:1\n":                                                                   "a.io/b:1",
		"- image: \"a.io/b:1\" # why\n":                                                         "a.io/b:1",
		"image: {{ get $c \"own\" | default \"a.io/b:1\" }}\n":                                  "a.io/mine:2",
		"image: {{ get $c \"not\" | default \"a.io/b:1\" | quote }}\n":                          "a.io/b:1",
		"image: {{ dig \"deep\" \"image\" \"a.io/b:1\" $c }}\n":                                 "a.io/deep:3",
		"  image: a.io/b\n  version: {{ get $c \"packageVersion\" | default \"1\" | quote }}\n": "a.io/b:9",
		"  image: a.io/b\n    version: 1\n":                                                     "note",
		"image: {{ .Values.x }}\n":                                                              "note",
		"image: {{ printf \"%s:%s\" $a $b }}\n":                                                 "note",
	} {
		images, notes := ofManifest("m", text, values)
		got := ""
		for _, im := range images {
			got += im.String()
		}
		if len(notes) > 0 {
			got += "note"
		}
		if got != want {
			t.Errorf("%q: %q %v, want %q", text, got, notes, want)
		}
	}
}

// What the recipe sets changes what runs; what it switches off does not run.
func TestValues(t *testing.T) {
	lib := charts.Builtin()
	for _, tt := range []struct{ chart, values, has, not string }{
		{"gpu-operator@v25.10.1", `{"driver":{"version":"580.126.09"}}`, "nvcr.io/nvidia/driver:580.126.09", "580.105.08"},
		{"gpu-operator@v25.10.1", `{"driver":{"enabled":false}}`, "nvcr.io/nvidia/gpu-operator:v25.10.1", "nvidia/driver"},
		{"gpu-operator@v25.10.1", `{"nfd":{"enabled":false}}`, "nvcr.io/nvidia/gpu-operator:v25.10.1", "node-feature-discovery"},
		{"gpu-operator@v25.10.1", `{"sandboxWorkloads":{"enabled":true}}`, "nvcr.io/nvidia/cloud-native/vgpu-device-manager:v0.4.1", "nothing"},
		{"gpu-operator@v25.10.1", `{"toolkit":{"repository":"mirror.local/nvidia/k8s"}}`, "mirror.local/nvidia/k8s/container-toolkit:v1.18.1", "nvcr.io/nvidia/k8s/container"},
		{"cert-manager@v1.20.2", `{"imageRegistry":"mirror.local"}`, "mirror.local/jetstack/cert-manager-controller:v1.20.2", "quay.io"},
		{"cert-manager@v1.20.2", `{"image":{"tag":"v1.20.3"}}`, "quay.io/jetstack/cert-manager-controller:v1.20.3", "controller:v1.20.2"},
		{"kai-scheduler@v0.13.0", `{"global":{"registry":"ghcr.io/nvidia/kai-scheduler"}}`, "ghcr.io/nvidia/kai-scheduler/binder:v0.13.0", "registry/local"},
		{"nvsentinel@v1.1.0", `{"global":{"image":{"tag":"v1.1.0"}}}`, "ghcr.io/nvidia/nvsentinel/gpu-health-monitor:v1.1.0-dcgm-4.x", ":main"},
		{"kube-prometheus-stack@82.8.0", `{"grafana":{"enabled":false}}`, "quay.io/prometheus/prometheus:v3.10.0", "grafana"},
		{"skyhook-operator@v0.14.0", `{"controllerManager":{"manager":{"image":{"tag":"v0.15.0"}}}}`, "nvcr.io/nvidia/skyhook/operator:v0.15.0@sha256:d9f50c5d8203a28be6acb88a845c32191829b3a92923de74977e22a81398aae1", "v0.14.0"},
	} {
		name, version, _ := strings.Cut(tt.chart, "@")
		c, err := lib.Find(name, version)
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := json.Unmarshal([]byte(tt.values), &values); err != nil {
			t.Fatal(err)
		}
		images, notes := ofChart(c, values)
		var text strings.Builder
		for _, im := range images {
			fmt.Fprintln(&text, im.Ref)
		}
		if !strings.Contains(text.String(), tt.has+"\n") || strings.Contains(text.String(), tt.not) {
			t.Errorf("%s %s: %v\n%s", tt.chart, tt.values, notes, &text)
		}
	}
}
