package compile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func TestData(t *testing.T) {
	cache := t.TempDir()
	cat, err := Data(cache)(context.Background(), "2026-03", "testdata/mine")
	if err != nil {
		t.Fatal(err)
	}
	res, err := cat.Resolve(schema.Criteria{Service: "eks", Accelerator: "l40", Intent: "inference"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"base", "l40", "eks", "eks-inference", "l40-eks-inference", "monitoring-hpa"}, res.Metadata.AppliedOverlays); diff != "" {
		t.Errorf("overlays (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, c := range res.ComponentRefs {
		switch c.Name {
		case "gpu-operator":
			got["driver"] = c.Values["driver"].(map[string]any)["version"].(string)
		case "kube-prometheus-stack":
			v := any(c.Values)
			for _, k := range strings.Split("prometheus prometheusSpec storageSpec volumeClaimTemplate spec storageClassName", " ") {
				v = v.(map[string]any)[k]
			}
			got["class"] = v.(string)
		case "node-local-dns":
			got["type"], got["text"] = c.Type, c.Manifests[0].Content[:3]
		}
	}
	want := map[string]string{"driver": "580.126.09", "class": "gp3", "type": "Manifest", "text": "{{-"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	prov, err := cat.Provenance(res)
	if err != nil {
		t.Fatal(err)
	}
	const path = "components.kube-prometheus-stack.values.prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName"
	for _, p := range prov {
		if p.Path == path {
			if p.How != "override" || p.From != "l40-eks-inference" || !strings.HasPrefix(p.At, "mine/site.cue:") ||
				len(p.Displaced) != 1 || p.Displaced[0].Value != `"gp2"` {
				t.Errorf("provenance %+v", p)
			}
		}
	}

	// The second time comes from the cache, and a damaged one is made again.
	kept, err := filepath.Glob(filepath.Join(cache, "*", "index.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	again, err := Data(cache)(context.Background(), "2026-03", "testdata/mine")
	if err != nil || again.Sources != cat.Sources {
		t.Errorf("again: %v", err)
	}
	if err := os.WriteFile(kept[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err = Data(cache)(context.Background(), "2026-03", "testdata/mine")
	if err != nil || again.Sources != cat.Sources {
		t.Errorf("after damage: %v", err)
	}
}

func TestDataRefuses(t *testing.T) {
	good := "package recipes\noverlays: \"x\": {base: \"eks\", criteria: accelerator: \"l40\"}\n"
	for name, tt := range map[string]struct {
		files map[string]string
		link  bool
		want  string
		code  schema.Code
	}{
		"empty":            {map[string]string{"README.md": "x"}, false, "holds no CUE files", schema.Invalid},
		"other package":    {map[string]string{"a.cue": "package other\n"}, false, `is of package "other"; write package recipes`, schema.Invalid},
		"no package":       {map[string]string{"a.cue": "x: 1\n"}, false, `is of package ""; write package recipes`, schema.Invalid},
		"not CUE":          {map[string]string{"a.cue": "package \"\n"}, false, "not CUE", schema.Invalid},
		"somewhere":        {map[string]string{"sub/a.cue": good}, false, "CUE files are in", schema.Invalid},
		"stray manifest":   {map[string]string{"m.yaml": "a: 1"}, false, "manifests are in components/NAME/manifests", schema.Invalid},
		"hides a manifest": {map[string]string{"components/gpu-operator/manifests/dcgm-exporter.yaml": "a: 1"}, false, "would replace the built-in manifest", schema.Invalid},
		"too long":         {map[string]string{"a.cue": good + strings.Repeat("// x\n", maxFile/5)}, false, "over the limit of 10 MiB", schema.Invalid},
		"a link":           {map[string]string{"a.cue": good}, true, "not a regular file", schema.Invalid},
		"conflict": {map[string]string{"a.cue": "package recipes\noverlays: eks: constraints: \"K8s.server.version\": \">= 1.99\"\n"}, false,
			"see also recipes/releases/2026-03/overlays/eks.cue", schema.Invalid},
		"no overlay": {map[string]string{"a.cue": "package recipes\noverlays: x: {base: \"nothing\", criteria: accelerator: \"l40\"}\n"}, false, "unknown base", schema.Invalid},
		"grammar":    {map[string]string{"a.cue": "package recipes\noverlay: x: {}\n"}, false, `unknown field "overlay"; did you mean overlays?`, schema.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for f, text := range tt.files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if tt.link {
				if err := os.Symlink("/etc/hostname", filepath.Join(dir, "b.cue")); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Data("")(context.Background(), "2026-03", dir)
			if schema.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v; want %q", err, tt.want)
			}
		})
	}
	if _, err := Data("")(context.Background(), "", filepath.Join(t.TempDir(), "none")); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("no directory: %v", err)
	}
}
