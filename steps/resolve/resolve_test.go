package resolve

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

func shipped(t *testing.T) *recipes.Catalog {
	t.Helper()
	c, err := recipes.Shipped()
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
	if len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}
	if diff := cmp.Diff(schema.Criteria{Service: "eks", Accelerator: "h100", OS: "ubuntu", Intent: "training"}, res.Criteria); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]schema.Detection{
		{Field: "service", Value: "eks", Evidence: "K8s.server.version = v1.30.14-eks-3025e55"},
		{Field: "accelerator", Value: "h100", Evidence: "GPU.smi.gpu.model = NVIDIA H100 80GB HBM3"},
		{Field: "os", Value: "ubuntu", Evidence: "OS.release.ID = ubuntu"},
	}, res.Detected); diff != "" {
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
	if len(notes) != 2 || !strings.Contains(notes[0], "accelerator h100") || !strings.Contains(notes[0], "h100-eks") {
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

func TestDetect(t *testing.T) {
	m := func(typ schema.MeasurementType, subtype, key, value string) schema.Measurement {
		return schema.Measurement{Type: typ, Subtypes: []schema.Subtype{{Subtype: subtype, Data: map[string]schema.Scalar{key: value}}}}
	}
	for name, tt := range map[string]struct {
		in   []schema.Measurement
		want string // field=value pairs
		note string
	}{
		"nothing":            {nil, "", ""},
		"eks":                {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5-eks-3025e55")}, "service=eks", ""},
		"gke":                {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5-gke.1337000")}, "service=gke", ""},
		"aks":                {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5"), m("K8s", "node", "provider-id", "azure:///subscriptions/x")}, "service=aks", ""},
		"oke":                {[]schema.Measurement{m("K8s", "node", "provider-id", "ocid1.instance.oc1..x")}, "service=oke", ""},
		"kind":               {[]schema.Measurement{m("K8s", "node", "provider-id", "kind://docker/kind/kind-worker")}, "service=kind", ""},
		"own on AWS":         {[]schema.Measurement{m("K8s", "server", "version", "v1.33.5"), m("K8s", "node", "provider-id", "aws:///us-east-1a/i-0")}, "", ""},
		"eks by id":          {[]schema.Measurement{m("K8s", "node", "provider-id", "aws:///us-east-1a/i-0")}, "service=eks", ""},
		"nvml":               {[]schema.Measurement{m("GPU", "device", "0.model", "NVIDIA GB200"), m("GPU", "smi", "gpu.model", "NVIDIA H100")}, "accelerator=gb200", ""},
		"label":              {[]schema.Measurement{m("NodeTopology", "label", "nvidia.com/gpu.product.NVIDIA-A100-SXM4-80GB", "node-1")}, "accelerator=a100", ""},
		"not an l40":         {[]schema.Measurement{m("GPU", "smi", "gpu.model", "NVIDIA L40S")}, "", "does not know, left open: GPU.smi.gpu.model = NVIDIA L40S"},
		"l40":                {[]schema.Measurement{m("GPU", "smi", "gpu.model", "NVIDIA L40")}, "accelerator=l40", ""},
		"two":                {[]schema.Measurement{m("GPU", "device", "0.model", "NVIDIA A100"), m("GPU", "device", "1.model", "NVIDIA H100")}, "", "more than one accelerator"},
		"amazonlinux":        {[]schema.Measurement{m("OS", "release", "ID", "amzn")}, "os=amazonlinux", ""},
		"rhel":               {[]schema.Measurement{m("OS", "release", "ID", "rhel")}, "os=rhel", ""},
		"no recipe's system": {[]schema.Measurement{m("OS", "release", "ID", "debian")}, "", ""},
	} {
		found, notes := Detect(&schema.Snapshot{Measurements: tt.in})
		var got []string
		for _, d := range found {
			got = append(got, d.Field+"="+d.Value)
			if !strings.Contains(d.Evidence, " = ") {
				t.Errorf("%s: evidence %q", name, d.Evidence)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
		if text := strings.Join(notes, "; "); (tt.note == "") != (text == "") || !strings.Contains(text, tt.note) {
			t.Errorf("%s: notes %q, want %q", name, text, tt.note)
		}
	}
}

func TestKind(t *testing.T) {
	k := Kind(nil)
	var log []string
	env := engine.Env{Dir: t.TempDir(), Log: func(f string, a ...any) { log = append(log, f) }}
	p, err := k.DecodeValue("with", map[string]any{"criteria": map[string]any{"intent": "Training"}})
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
	p, err = k.DecodeValue("with", map[string]any{"data": "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Run(context.Background(), env, p, nil); schema.CodeOf(err) != schema.Invalid {
		t.Errorf("without a compiler: %v", err)
	}
}

// TestCatalogueOnce: the key of a step does not cost reading the catalogue
// again, which is over a thousand allocations.
func TestCatalogueOnce(t *testing.T) {
	k := Kind(nil)
	n := testing.AllocsPerRun(10, func() {
		if _, err := k.Parts(engine.Env{}, &schema.ResolveParams{}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 20 {
		t.Errorf("%v allocations", n)
	}
}
