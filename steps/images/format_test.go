package images

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

func sample(t *testing.T) *schema.ImageList {
	t.Helper()
	digest := schema.Digest("sha256:" + digits)
	return &schema.ImageList{
		Kind: "ImageList", APIVersion: schema.APIVersion,
		Metadata: schema.ImageListMetadata{Name: "eks-training", Version: "2026-11", Recipe: digest},
		Images: []schema.Image{
			{Reference: "docker.io/library/alpine:3", Digest: digest, Components: []string{"a", "m"}, From: "rendered"},
			{Reference: "nvcr.io/nvidia/driver:580", Components: []string{"a"}, From: "values", PerOS: true},
			{Reference: "ghcr.io/nvidia/eidos:v1.0.0", Components: []string{}, From: "agent"},
			{Reference: "registry.k8s.io/busybox:1", Components: []string{}, Checks: []string{"cluster-dns", "dra-support"}, From: "check"},
			{Reference: "registry.k8s.io/pause@" + string(digest), Digest: digest, Components: []string{"b"}, From: "manifest"},
		},
		Charts: []schema.ImageChart{
			{Component: "a", Repository: "https://charts.example.com", Chart: "operator", Version: "v1.0.0", Namespace: "ns", Digest: digest},
			{Component: "b", Repository: "oci://ghcr.io/x", Chart: "other", Version: "2.0.0+1", Namespace: "b"},
		},
	}
}

// Every format is golden, and the inventories are what their own libraries take.
func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		data, err := Write(f, sample(t))
		if err != nil {
			t.Fatal(f, err)
		}
		golden := filepath.Join("testdata", "list."+f)
		if os.Getenv("EIDOS_UPDATE") != "" {
			if err := os.WriteFile(golden, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(data)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
		switch f {
		case "cyclonedx":
			var bom cdx.BOM
			if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
				t.Error(err)
			}
			refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
			for _, c := range *bom.Components {
				if refs[c.BOMRef] {
					t.Errorf("two components are %s", c.BOMRef)
				}
				refs[c.BOMRef] = true
			}
			for _, d := range *bom.Dependencies {
				for _, ref := range append(*d.Dependencies, d.Ref) {
					if !refs[ref] {
						t.Errorf("a dependency on %s, which is not there", ref)
					}
				}
			}
			if bom.SpecVersion != cdx.SpecVersion1_6 || len(*bom.Components) != 7 {
				t.Errorf("version %s, %d components", bom.SpecVersion, len(*bom.Components))
			}
		case "spdx":
			doc, err := spdxjson.Read(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if err := spdxlib.ValidateDocument(doc); err != nil {
				t.Error(err)
			}
			if len(doc.Packages) != 8 || len(doc.Relationships) != 9 {
				t.Errorf("%d packages, %d relationships", len(doc.Packages), len(doc.Relationships))
			}
		}
	}
	if _, err := Write("cyclone", sample(t)); err == nil || !strings.Contains(err.Error(), `no format "cyclone"`) {
		t.Error(err)
	}
}

// A list has who runs what, once, sorted, with what is not known.
func TestList(t *testing.T) {
	o := Options{Manifest: recipes.Manifest, Facts: charts.Builtin()}
	r := &schema.RecipeResult{ComponentRefs: []schema.ComponentRef{
		{Name: "gpu-operator", Type: "Helm", Chart: "gpu-operator", Version: "v25.10.1", Source: "https://x.example.com", Namespace: "g"},
		{Name: "nfd", Type: "Helm", Chart: "node-feature-discovery", Version: "v0.18.2", Source: "https://x.example.com", Namespace: "g"},
		{Name: "m", Type: "Manifest", Namespace: "m", Manifests: []schema.Manifest{{Path: "m.yaml", Content: "image: nvcr.io/nvidia/gpu-operator:v25.10.1\n"}}},
	}}
	for _, tt := range []struct {
		systems   []string
		has, note string
	}{
		{nil, "nvcr.io/nvidia/driver:580.105.08", "--node-os ubuntu24.04"},
		{[]string{"ubuntu22.04", "rhel9"}, "nvcr.io/nvidia/driver:580.105.08-rhel9", "nothing is known of the chart node-feature-discovery v0.18.2"},
	} {
		l, err := o.List(t.Context(), nil, r, nil, tt.systems, nil)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(l.Notes, "\n"); !strings.Contains(notes, tt.note) {
			t.Errorf("notes %s", notes)
		}
		seen := map[string]bool{}
		last := ""
		for _, im := range l.Images {
			if seen[im.Reference] || im.Reference < last {
				t.Errorf("%s is not in order, or twice", im.Reference)
			}
			seen[im.Reference], last = true, im.Reference
			if im.Reference == "nvcr.io/nvidia/gpu-operator:v25.10.1" && strings.Join(im.Components, " ") != "gpu-operator m" {
				t.Errorf("%s is of %v", im.Reference, im.Components)
			}
		}
		if !seen[tt.has] {
			t.Errorf("no %s in %v", tt.has, l.Images)
		}
	}
}

// The images of the checks of a recipe are listed, as its mirror has them, with that
// of eidos; those of other recipes' checks are not.
func TestImagesOfChecks(t *testing.T) {
	run := func(image string) *recipes.Run { return &recipes.Run{Image: image} }
	known := map[string]recipes.Check{
		"all":   {Name: "all", Components: []string{"*"}, Run: run("registry.k8s.io/box:1")},
		"other": {Name: "other", Components: []string{"other"}, Run: run("a.io/other:1")},
		"mine":  {Name: "mine", Components: []string{"m"}, Probe: "p", Run: run("registry.k8s.io/box:1")},
		"named": {Name: "named", Run: run("a.io/named:1")},
		"reads": {Name: "reads", Components: []string{"m"}},
	}
	r := &schema.RecipeResult{
		ComponentRefs: []schema.ComponentRef{{Name: "m", Type: "Manifest", Namespace: "m", Manifests: []schema.Manifest{{Path: "m.yaml", Content: "image: a.io/named:1\n"}}}},
		Validation:    map[string]schema.Phase{"performance": {Checks: []string{"named", "site"}}},
	}
	for _, tt := range []struct {
		version, mirror string
		known           map[string]recipes.Check
		want            []string
		note            string
	}{
		{"v1.2.3", "", nil, []string{"a.io/named:1 manifest m "}, ""},
		{"v1.2.3", "", known, []string{"a.io/named:1 manifest m named", "ghcr.io/nvidia/eidos:v1.2.3 agent  ", "registry.k8s.io/box:1 check  all mine"}, "nothing is known of the check site"},
		{"devel", "m:5000/x", known, []string{"a.io/named:1 manifest m ", "m:5000/x/a.io/named:1 check  named", "m:5000/x/registry.k8s.io/box:1 check  all mine"}, "eidos devel is not a release"},
		{"v0.0.0-20261126101112-880f58d4aaaa", "", map[string]recipes.Check{}, []string{"a.io/named:1 manifest m "}, "is not a release"},
	} {
		r.Metadata.Mirror = tt.mirror
		l, err := Options{Manifest: recipes.Manifest, Facts: charts.Builtin(), Version: tt.version}.List(t.Context(), nil, r, nil, nil, tt.known)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, im := range l.Images {
			got = append(got, strings.Join([]string{im.Reference, im.From, strings.Join(im.Components, " "), strings.Join(im.Checks, " ")}, " "))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("eidos %s, mirror %q (-want +got):\n%s", tt.version, tt.mirror, diff)
		}
		if notes := strings.Join(l.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
			t.Errorf("eidos %s: notes %q, want %q", tt.version, notes, tt.note)
		}
	}
}
