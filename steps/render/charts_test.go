package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// standIn is a chart that writes the values it gets into a ConfigMap. It has a
// default for everything that the recipe takes away with null.
func standIn(t *testing.T, name, version string, values map[string]any) []byte {
	t.Helper()
	defaults, err := schema.EncodeYAML(nulls(values))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, f := range [][2]string{
		{"Chart.yaml", fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", name, version)},
		{"values.yaml", string(defaults)},
		{"templates/values.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: values-{{ .Chart.Name }}\n  namespace: {{ .Release.Namespace }}\n  annotations: {version: {{ .Chart.Version }}}\ndata:\n  values: {{ .Values | toJson | quote }}\n"},
	} {
		if err := tw.WriteHeader(&tar.Header{Name: name + "/" + f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// serveCharts serves a stand-in for every chart of r, from a registry or a
// repository on loopback, and points r's sources there.
func serveCharts(t *testing.T, h *helm, r *schema.RecipeResult) {
	t.Helper()
	oci := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(oci.Close)
	files := t.TempDir()
	web := httptest.NewServer(http.FileServer(http.Dir(files)))
	t.Cleanup(web.Close)
	type entry struct {
		Name    string   `yaml:"name"`
		Version string   `yaml:"version"`
		URLs    []string `yaml:"urls"`
	}
	index := map[string][]entry{}
	for i := range r.ComponentRefs {
		c := &r.ComponentRefs[i]
		if c.Type != "Helm" {
			continue
		}
		file := c.Chart + "-" + c.Version + ".tgz"
		if err := os.WriteFile(filepath.Join(files, file), standIn(t, c.Chart, c.Version, c.Values), 0o644); err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(c.Source, "oci://"); ok {
			_, rest, _ = strings.Cut(rest, "/")
			c.Source = "oci://" + strings.TrimPrefix(oci.URL, "http://") + "/" + rest
			h.run(t, "push", filepath.Join(files, file), c.Source, "--plain-http")
			continue
		}
		c.Source = web.URL
		index[c.Chart] = append(index[c.Chart], entry{c.Chart, c.Version, []string{file}})
	}
	data, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "entries": index})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, "index.yaml"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// nulls keeps of m what is null, as something.
func nulls(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if sub, ok := v.(map[string]any); ok {
			if sub = nulls(sub); len(sub) > 0 {
				out[k] = sub
			}
		} else if v == nil {
			out[k] = map[string]any{"the-chart": "default"}
		}
	}
	return out
}
