package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	cueyaml "cuelang.org/go/encoding/yaml"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// definitions builds the CUE package that everything here is made of.
func definitions(t *testing.T) cue.Value {
	t.Helper()
	inst := load.Instances([]string{"."}, nil)[0]
	if inst.Err != nil {
		t.Fatal(inst.Err)
	}
	v := cuecontext.New().BuildInstance(inst)
	if err := v.Err(); err != nil {
		t.Fatal(err)
	}
	return v
}

// definitionOf is the first part of a test file's name: Snapshot_minimal.txtar.
func definitionOf(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), "_")
	return strings.TrimSuffix(name, ".yaml")
}

// byCUE checks data against #def with CUE itself.
func byCUE(root cue.Value, def string, data []byte) error {
	f, err := cueyaml.Extract("doc.yaml", data)
	if err != nil {
		return err
	}
	d := root.LookupPath(cue.MakePath(cue.Def(def)))
	return d.Unify(cuecontext.New().BuildFile(f)).Validate(cue.Concrete(true))
}

// decodeAs decodes data as a document or parameter type by name.
func decodeAs(def string, data []byte) (any, error) {
	v := map[string]any{
		"Snapshot": &Snapshot{}, "RecipeResult": &RecipeResult{}, "RecipeCriteria": &RecipeCriteria{},
		"ValidationResult": &ValidationResult{}, "Bundle": &Bundle{}, "Reference": &Reference{},
		"Signature": &Signature{}, "Verification": &Verification{}, "Pipeline": &Pipeline{},
		"CollectParams": &CollectParams{}, "ResolveParams": &ResolveParams{}, "ValidateParams": &ValidateParams{},
		"Drift": &Drift{}, "DiffParams": &DiffParams{},
		"ChartFacts": &ChartFacts{}, "KindFacts": &KindFacts{}, "InspectParams": &InspectParams{}, "DetectionResult": &DetectionResult{}, "DetectParams": &DetectParams{},
		"Evidence": &Evidence{}, "EvidenceParams": &EvidenceParams{}, "VerifyClusterParams": &VerifyClusterParams{},
		"Mirror": &Mirror{}, "MirrorParams": &MirrorParams{}, "CheckMirrorParams": &CheckMirrorParams{}, "RelocateParams": &RelocateParams{},
		"ImageList": &ImageList{}, "ImagesParams": &ImagesParams{},
		"BundleLock": &BundleLock{}, "VendorParams": &VendorParams{},
		"RenderParams": &RenderParams{}, "PushParams": &PushParams{}, "SignParams": &SignParams{}, "VerifyParams": &VerifyParams{},
		"AttestParams": &AttestParams{}, "TrustPolicy": &TrustPolicy{},
	}[def]
	if v == nil {
		return nil, Errorf(NotFound, "no Go type for %q", def)
	}
	return v, Decode("doc.yaml", data, v)
}

// Documents that CUE accepts must decode, and what Go writes CUE must accept.
func TestAccept(t *testing.T) {
	root := definitions(t)
	files, err := filepath.Glob("testdata/accept/*.yaml")
	if err != nil || len(files) < 16 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	files = append(files, "../testdata/snapshots/h100-eks.yaml")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			def := definitionOf(file)
			if strings.HasPrefix(file, "..") {
				def = "Snapshot"
			}
			if err := byCUE(root, def, data); err != nil {
				t.Fatalf("CUE refuses it: %v", err)
			}
			v, err := decodeAs(def, data)
			if err != nil {
				t.Fatalf("Go refuses it: %v", err)
			}
			first, err := Encode(v)
			if err != nil {
				t.Fatal(err)
			}
			asYAML, err := EncodeYAML(v)
			if err != nil {
				t.Fatal(err)
			}
			for _, back := range [][]byte{first, asYAML} {
				if err := byCUE(root, def, back); err != nil {
					t.Errorf("CUE refuses what Go wrote: %v", err)
				}
				again, err := decodeAs(def, back)
				if err != nil {
					t.Fatalf("reading back: %v", err)
				}
				second, err := Encode(again)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(first), string(second)); diff != "" {
					t.Errorf("not the identity (-first +second):\n%s", diff)
				}
			}
		})
	}
}

// Every file holds a document that CUE refuses and the messages that Go gives,
// with positions. EIDOS_UPDATE=1 rewrites the messages.
func TestReject(t *testing.T) {
	root := definitions(t)
	files, err := filepath.Glob("testdata/reject/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			def := definitionOf(file)
			if !strings.Contains(string(ar.Comment), "syntax") && byCUE(root, def, ar.Files[0].Data) == nil {
				t.Error("CUE accepts it")
			}
			_, err = decodeAs(def, ar.Files[0].Data)
			got := messages(err)
			if os.Getenv("EIDOS_UPDATE") != "" {
				ar.Files = append(ar.Files[:1], txtar.File{Name: "errors", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if CodeOf(err) != Invalid {
				t.Errorf("code %q", CodeOf(err))
			}
		})
	}
}

func messages(err error) string {
	var b strings.Builder
	for _, e := range List(err) {
		b.WriteString("error: " + e.Error() + "\n")
		if se, ok := e.(*Error); ok && se.Hint != "" {
			b.WriteString("hint: " + se.Hint + "\n")
		}
	}
	return b.String()
}
