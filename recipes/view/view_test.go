package view

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

func recipe(t *testing.T, q schema.Criteria) (*recipes.Catalog, *schema.RecipeResult) {
	t.Helper()
	cat, err := recipes.Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	res, err := cat.Resolve(q, false)
	if err != nil {
		t.Fatal(err)
	}
	if res.Provenance, err = cat.Provenance(res); err != nil {
		t.Fatal(err)
	}
	return cat, res
}

func training() schema.Criteria { return schema.Criteria{Service: "eks", Intent: "training"} }

func TestSelect(t *testing.T) {
	tree := map[string]any{
		"a":   map[string]any{"b": int64(1), "nvidia.com/gpu": "8", "x.y": map[string]any{"z": true}},
		"l":   []any{"first", map[string]any{"k": "v"}},
		"nil": nil,
	}
	for sel, want := range map[string]any{
		"a.b":                int64(1),
		".a.b":               int64(1),
		`a."nvidia.com/gpu"`: "8",
		"a.nvidia.com/gpu":   "8",
		"a.x.y.z":            true,
		"l[0]":               "first",
		"l[1].k":             "v",
		`"l"[1]."k"`:         "v",
		"nil":                nil,
		"a.x.y":              map[string]any{"z": true},
	} {
		got, err := Select(tree, sel)
		if err != nil {
			t.Errorf("%s: %v", sel, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sel, diff)
		}
	}
	for sel, want := range map[string]struct {
		code schema.Code
		text string
	}{
		"a.c":                      {schema.NotFound, `a has no key "c"`},
		"b":                        {schema.NotFound, `the recipe has no key "b"`},
		"l[2]":                     {schema.NotFound, "l has 2 elements, none at 2"},
		"l.k":                      {schema.NotFound, "l is a list of 2"},
		"a[0]":                     {schema.NotFound, "a is not a list"},
		"a.b.c":                    {schema.NotFound, "a.b is 1, there is nothing below it"},
		"a..b":                     {schema.Invalid, "a key is empty at character 3"},
		"a.":                       {schema.Invalid, ""},
		"l[-1]":                    {schema.Invalid, "is not an index"},
		"l[x]":                     {schema.Invalid, "is not an index"},
		"l[0":                      {schema.Invalid, "[ is not closed"},
		`a."b`:                     {schema.Invalid, "the quote is not closed"},
		`a."b"c`:                   {schema.Invalid, "a dot is missing"},
		strings.Repeat("a.", 4000): {schema.Invalid, "over the limit"},
	} {
		_, err := Select(tree, sel)
		if schema.CodeOf(err) != want.code || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v; want %s %q", sel, err, want.code, want.text)
		}
	}
}

func FuzzSelect(f *testing.F) {
	for _, s := range []string{"a.b", `a."n.c"[3]`, "[0]", "..", `"`, `"\x"`, "a[99999999999999999999]"} {
		f.Add(s)
	}
	tree := map[string]any{"a": map[string]any{"b": []any{"x"}}}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := Select(tree, s)
		if c := schema.CodeOf(err); err != nil && c != schema.Invalid && c != schema.NotFound {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func TestExplain(t *testing.T) {
	_, res := recipe(t, training())
	for path, want := range map[string]string{
		"components.gpu-operator.values.cdi.enabled": "components.gpu-operator.values.cdi.enabled = true\n  pin       eks-training ",
		"constraints.K8s.server.version":             "constraints.\"K8s.server.version\" = \">= 1.32\"\n  the chart of nvidia-dra-driver-gpu\n  also asks eks-training ",
		"deploymentOrder.gpu-operator":               "deploymentOrder.gpu-operator\n  after cert-manager, kube-prometheus-stack\n",
		"components.gpu-operator.values.driver":      "components.gpu-operator.values.driver.enabled = true\n  default   registry ",
		// Inside a list that was set as a whole.
		"components.gpu-operator.values.devicePlugin.env[0].value": "components.gpu-operator.values.devicePlugin.env = [",
	} {
		got, err := Explain(res, []string{path})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if text := Text(got); !strings.HasPrefix(text, want) {
			t.Errorf("%s:\n%s\nwant\n%s", path, text, want)
		}
	}
	if all, err := Explain(res, nil); err != nil || len(all) != len(res.Provenance) {
		t.Errorf("%d of %d, %v", len(all), len(res.Provenance), err)
	}
	_, err := Explain(res, []string{"components.gpu-operatr", "constraints.x"})
	if len(schema.List(err)) != 2 || schema.CodeOf(err) != schema.NotFound {
		t.Errorf("unknown paths: %v", err)
	}
	res.Provenance = nil
	if _, err := Explain(res, nil); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("without provenance: %v", err)
	}
}

func TestDiff(t *testing.T) {
	_, a := recipe(t, training())
	_, b := recipe(t, schema.Criteria{Service: "eks", Intent: "training", Accelerator: "gb200"})
	changes, err := Diff(a, b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Change{}
	for _, c := range changes {
		got[c.Path] = c
	}
	for _, want := range []Change{
		{Path: "components.skyhook-customizations", B: "present", FromB: "gb200-eks-training"},
		{Path: `constraints."K8s.server.version"`, A: ">= 1.32", B: ">= 1.32.4", FromA: "the chart of nvidia-dra-driver-gpu", FromB: "gb200-eks-training"},
		{Path: "criteria.accelerator", B: "gb200"},
	} {
		if diff := cmp.Diff(want, got[want.Path]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Path, diff)
		}
	}
	for p := range got {
		if strings.HasPrefix(p, "components.skyhook-customizations.") {
			t.Errorf("%s: the component as a whole is new", p)
		}
	}
	if same, err := Diff(a, a); err != nil || len(same) > 0 {
		t.Errorf("the same: %v, %v", same, err)
	}
}

// TestGraph holds the pictures to files; EIDOS_UPDATE=1 writes them.
func TestGraph(t *testing.T) {
	cat, res := recipe(t, training())
	for name, g := range map[string]Graph{"order": Deployment(res), "overlays": Overlays(cat, res)} {
		for _, format := range Formats() {
			got, err := g.Format(format)
			if err != nil {
				t.Fatal(err)
			}
			if format == "svg" {
				if err := xml.Unmarshal([]byte(got), new(struct{})); err != nil {
					t.Errorf("%s: not XML: %v", name, err)
				}
			}
			file := filepath.Join("testdata", name+"."+format)
			if os.Getenv("EIDOS_UPDATE") != "" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		}
	}
	if _, err := (Graph{}).Format("png"); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("png: %v", err)
	}
}
