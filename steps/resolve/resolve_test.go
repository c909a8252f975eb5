package resolve

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
)

func shipped(t *testing.T) *recipes.Catalog {
	t.Helper()
	c, err := recipes.Release("2026-03")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func snapshot(t *testing.T) *schema.Snapshot {
	t.Helper()
	data, err := os.ReadFile("testdata/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s schema.Snapshot
	if err := schema.Decode("h100-eks.yaml", data, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestSnapshot(t *testing.T) {
	res, notes, err := Recipe(shipped(t), Question{Stated: schema.Criteria{Intent: "training"}, Snapshot: snapshot(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "platform left open: ") {
		t.Errorf("notes: %v", notes)
	}
	if diff := cmp.Diff(schema.Criteria{Service: "eks", Accelerator: "h100", OS: "ubuntu", Intent: "training"}, res.Criteria); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
	var seen []string
	for _, d := range res.Detected {
		seen = append(seen, detect.Sentence(d))
	}
	if diff := cmp.Diff([]string{
		"service eks, seen in the snapshot: K8s.server.version = v1.30.14-eks-3025e55",
		"accelerator h100, seen in the snapshot: GPU.smi.gpu.model = NVIDIA H100 80GB HBM3",
		"intent left open: what a cluster is for is a decision, not a measurement",
		"os ubuntu, seen in the snapshot: OS.release.ID = ubuntu",
		"platform left open: the snapshot has no measurement that could show it",
	}, seen); diff != "" {
		t.Errorf("detected (-want +got):\n%s", diff)
	}
}

// TestLeftOpen: what was detected and no recipe covers is left open and said,
// for the user did not ask for it; what is stated has to be covered.
func TestLeftOpen(t *testing.T) {
	res, notes, err := Recipe(shipped(t), Question{Snapshot: snapshot(t)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(schema.Criteria{Service: "eks"}, res.Criteria); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
	if len(notes) != 4 || !strings.Contains(notes[2], "accelerator h100") || !strings.Contains(notes[2], "h100-eks") {
		t.Errorf("notes: %q", notes)
	}
	if _, _, err := Recipe(shipped(t), Question{Stated: schema.Criteria{Accelerator: "h100"}, Snapshot: snapshot(t)}); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("stated and not covered: %v", err)
	}
}

func TestStatedWins(t *testing.T) {
	res, _, err := Recipe(shipped(t), Question{
		Stated:   schema.Criteria{Service: "aks", Intent: "training", OS: "any"},
		Snapshot: snapshot(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(schema.Criteria{Service: "aks", Accelerator: "h100", Intent: "training"}, res.Criteria); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	got := Merge(schema.Criteria{Service: "gke", OS: "any"}, schema.Criteria{Service: "eks", OS: "ubuntu", Intent: "training", Nodes: 3})
	if diff := cmp.Diff(schema.Criteria{Service: "gke", OS: "any", Intent: "training", Nodes: 3}, got); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
}

// TestKnown: other names are one word, and what is not a word is refused with
// those that there are, and no other hardware proposed.
func TestKnown(t *testing.T) {
	for _, tt := range []struct{ service, os, want string }{
		{"vanilla", "AL2023", "eks-amazonlinux"}, {"eks", "al2", "eks-amazonlinux"},
	} {
		q := schema.Criteria{Service: tt.service, OS: strings.ToLower(tt.os)}
		res, _, err := Recipe(shipped(t), Question{Stated: q, AllowGeneric: true})
		if err != nil {
			t.Fatal(err)
		}
		if res.Criteria.OS != "amazonlinux" {
			t.Errorf("%v: criteria %+v", q, res.Criteria)
		}
	}
	_, _, err := Recipe(shipped(t), Question{Stated: schema.Criteria{Accelerator: "h10", Service: "esk"}})
	if schema.CodeOf(err) != schema.Invalid || len(schema.List(err)) != 2 {
		t.Fatalf("got %v", err)
	}
	for _, e := range schema.List(err) {
		var se *schema.Error
		if !errors.As(e, &se) || strings.Contains(se.Hint, "did you mean") || !strings.Contains(se.Hint, "docs/site.md says how to add a word") {
			t.Errorf("hint of %v", e)
		}
	}
}

// TestNotNear: what a snapshot shows is not answered with a recipe for another
// product.
func TestNotNear(t *testing.T) {
	s := &schema.Snapshot{Measurements: []schema.Measurement{{Type: "K8s", Subtypes: []schema.Subtype{{Subtype: "server", Data: map[string]schema.Scalar{"version": "v1.33.1+rke2r1"}}}}}}
	_, notes, err := Recipe(shipped(t), Question{Snapshot: s})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(notes, "\n")
	if !strings.Contains(text, "service rke2") || strings.Contains(text, "nearest") {
		t.Errorf("notes %q", notes)
	}
	for _, open := range []string{"accelerator left open", "os left open"} {
		if !strings.Contains(text, open) {
			t.Errorf("notes do not say %q: %q", open, notes)
		}
	}
}

func TestKind(t *testing.T) {
	k := Kinds(nil)[0]
	var log []string
	env := engine.Env{Dir: t.TempDir(), Log: func(f string, a ...any) { log = append(log, f) }}
	doc, err := schema.FromValue(map[string]any{"criteria": map[string]any{"intent": "Training"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	out, err := k.Run(context.Background(), env, p, engine.Inputs{"snapshot": {snapshot(t)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.(*schema.RecipeResult).Metadata.AppliedOverlays; got[len(got)-2] != "h100-eks-ubuntu-training" {
		t.Errorf("overlays %v", got)
	}
	parts, err := k.Parts(env, p)
	if err != nil || len(parts) != 1 || !strings.HasPrefix(parts[0].Value, "sha256:") {
		t.Errorf("parts %v, %v", parts, err)
	}
	doc, err = schema.FromValue(map[string]any{"data": "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if p, err = k.Decode(doc); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Run(context.Background(), env, p, nil); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("without a compiler: %v", err)
	}
}

// TestCatalogueOnce: the key of a step does not cost reading the catalogue
// again, which is over a thousand allocations.
func TestCatalogueOnce(t *testing.T) {
	k := Kinds(nil)[0]
	n := testing.AllocsPerRun(10, func() {
		if _, err := k.Parts(engine.Env{}, &schema.ResolveParams{}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 20 {
		t.Errorf("%v allocations", n)
	}
}
