package upstream

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func read[T schema.Value](t *testing.T, r Reader, text string) (T, string) {
	t.Helper()
	doc, err := schema.Parse("doc.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	media := mediaOf[T]()
	if !Is(doc, media) {
		t.Fatalf("not upstream's:\n%s", text)
	}
	v, notes, err := r.Read(doc, media)
	if err != nil {
		t.Fatal(err)
	}
	return v.(T), strings.Join(notes, "\n")
}

// TestSnapshotVersions holds that a snapshot reads alike under every
// apiVersion, and as eidos itself reads it under its own.
func TestSnapshotVersions(t *testing.T) {
	data, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want schema.Snapshot
	if err := schema.Decode("h100-eks.yaml", data, &want); err != nil {
		t.Fatal(err)
	}
	var first *schema.Snapshot
	for _, version := range Versions() {
		text := strings.Replace(string(data), schema.APIVersion, version, 1)
		text = strings.Replace(text, "    source: ", "    source-node: ", 1)
		got, notes := read[*schema.Snapshot](t, Reader{}, text)
		if notes != "doc.yaml: read as "+version {
			t.Errorf("notes %q", notes)
		}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%s reads differently (-%s +this):\n%s", version, Versions()[0], diff)
		}
	}
	// Only the order of types and subtypes may differ.
	values := func(s *schema.Snapshot) map[string]any {
		out := map[string]any{"metadata": s.Metadata}
		for _, m := range s.Measurements {
			for _, sub := range m.Subtypes {
				for k, v := range sub.Data {
					out[string(m.Type)+"."+sub.Subtype+"."+k] = v
				}
			}
		}
		return out
	}
	if diff := cmp.Diff(values(&want), values(first)); diff != "" {
		t.Errorf("values (-eidos +upstream):\n%s", diff)
	}
}

func TestSnapshotShapes(t *testing.T) {
	s, notes := read[*schema.Snapshot](t, Reader{}, `
kind: Snapshot
apiVersion: aicr.run/v1
metadata: {source-node: gpu-1, timestamp: 2026-03-21T10:00:00Z, version: v0.22.0, cluster: prod}
fingerprint: {service: {value: eks}}
measurements:
  - type: OS
    subtypes:
      - subtype: release
        data: &release {ID: ubuntu, VERSION_ID: 22.10, COUNT: 2, RATE: 0.5, NONE: null, MANY: [1, 2]}
        context: {source: /etc/os-release}
      - subtype: copy
        data: *release
  - type: NetworkTopology
    subtypes:
      - subtype: identity
        context: {gpuType: NVIDIA-GB300}
        data: {pf-count: 8}
      - subtype: pfs
        items:
          - context: {pciAddress: "0000:03:00.0", rail: from context}
            data: {rail: 0}
          - data: {rail: 1}
  - type: Weather
    subtypes: []
  - type: K8s
`)
	want := &schema.Snapshot{
		Kind: "Snapshot", APIVersion: schema.APIVersion,
		Metadata: schema.SnapshotMetadata{Timestamp: "2026-03-21T10:00:00Z", Version: "v0.22.0", Source: "gpu-1"},
		Measurements: []schema.Measurement{
			{Type: "K8s", Subtypes: []schema.Subtype{}},
			{Type: "NetworkTopology", Subtypes: []schema.Subtype{
				{Subtype: "identity", Data: map[string]schema.Scalar{"pf-count": int64(8)}},
				{Subtype: "pfs[0]", Data: map[string]schema.Scalar{"pciAddress": "0000:03:00.0", "rail": int64(0)}},
				{Subtype: "pfs[1]", Data: map[string]schema.Scalar{"rail": int64(1)}},
			}},
			{Type: "OS", Subtypes: []schema.Subtype{
				{Subtype: "copy", Data: map[string]schema.Scalar{"ID": "ubuntu", "VERSION_ID": "22.10", "COUNT": int64(2), "RATE": 0.5}},
				{Subtype: "release", Data: map[string]schema.Scalar{"ID": "ubuntu", "VERSION_ID": "22.10", "COUNT": int64(2), "RATE": 0.5}},
			}},
		},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, note := range []string{
		"read as aicr.run/v1", `doc.yaml:4:83: unknown key "cluster" is left out`,
		`"MANY" is not one value and is left out`, `measurements of type "Weather" are left out`,
	} {
		if !strings.Contains(notes, note) {
			t.Errorf("notes lack %q:\n%s", note, notes)
		}
	}
}

const recipeText = `
kind: recipeResult
apiVersion: aicr.run/v1beta1
metadata: {version: v0.11.1, appliedOverlays: [base, eks], excludedOverlays: [gb200-eks]}
criteria: {service: EKS, accelerator: any, os: ubuntu, intent: "quantum leap"}
constraints:
  - {name: OS.release.VERSION_ID, value: 24.04, severity: warning, unit: none}
  - {name: K8s.server.version, value: ">= 1.34.3-gke.1318000 < 1.35 || >= 1.35.0-gke.2745000", severity: error, remediation: upgrade the cluster}
  - {name: worker-os, value: ubuntu}
componentRefs:
  - name: gpu-operator
    type: Helm
    chart: nvidia/gpu-operator
    source: https://helm.ngc.nvidia.com/nvidia
    version: v25.10.1
    valuesFile: components/gpu-operator/values-eks.yaml
    overrides: {driver: {version: 1.10}, enabled: true}
    manifestFiles: [components/gpu-operator/manifests/quota.yaml]
    dependencyRefs: [cert-manager, aws-efa, gone]
    expectedResources: [{kind: Deployment, name: gpu-operator}]
    colour: blue
  - name: cert-manager
    type: Helm
    namespace: certs
    source: https://charts.jetstack.io
    version: v1.17.2
  - {name: aws-efa, type: Helm, overrides: {enabled: false}}
deploymentOrder: [cert-manager]
validation:
  performance:
    timeout: 10m
    checks: [nccl-all-reduce-bw]
    constraints: [{name: nccl-all-reduce-bw, value: ">= 300"}]
    infrastructure: nccl-doctor
`

func TestRecipe(t *testing.T) {
	tree := fstest.MapFS{
		"registry.yaml": {Data: []byte(`
kind: ComponentRegistry
spec:
  components:
    - name: gpu-operator
      valueOverrideKeys: [gpuoperator]
      helm: {defaultNamespace: gpu-operator}
      nodeScheduling: {accelerated: {nodeSelectorPaths: [daemonsets.nodeSelector]}}
`)},
		"components/gpu-operator/values.yaml":          {Data: []byte("driver: {enabled: true, version: '580'}\nenv: [{name: A}]\n")},
		"components/gpu-operator/values-eks.yaml":      {Data: []byte("driver: {rdma: true}\nenv: [{name: B}]\n")},
		"components/gpu-operator/manifests/quota.yaml": {Data: []byte("apiVersion: v1\nkind: ResourceQuota\n")},
	}
	r, notes := read[*schema.RecipeResult](t, Reader{Tree: tree, Name: "tree"}, recipeText)
	gpu := r.ComponentRefs[1]
	want := map[string]any{
		"driver": map[string]any{"enabled": true, "version": 1.1, "rdma": true},
		"env":    []any{map[string]any{"name": "B"}},
	}
	if diff := cmp.Diff(want, gpu.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if gpu.Chart != "gpu-operator" || gpu.Namespace != "gpu-operator" || len(gpu.Needs) != 0 || len(gpu.Manifests) != 1 ||
		!cmp.Equal(gpu.DependencyRefs, []string{"cert-manager"}) || gpu.Scheduling.Accelerated.NodeSelector[0] != "daemonsets.nodeSelector" {
		t.Errorf("gpu-operator: %+v", gpu)
	}
	if c := r.ComponentRefs[0]; c.Name != "cert-manager" || c.Namespace != "certs" || c.Chart != "cert-manager" {
		t.Errorf("cert-manager: %+v", c)
	}
	if !cmp.Equal(r.DeploymentOrder, []string{"cert-manager", "gpu-operator"}) {
		t.Errorf("order %v", r.DeploymentOrder)
	}
	if r.Criteria != (schema.Criteria{Service: "eks", OS: "ubuntu"}) {
		t.Errorf("criteria %+v", r.Criteria)
	}
	wantConstraints := []schema.Constraint{
		{Name: "K8s.server.version", Value: ">= 1.34.3-gke.1318000, < 1.35 || >= 1.35.0-gke.2745000", Severity: "error", Hint: "upgrade the cluster"},
		{Name: "OS.release.VERSION_ID", Value: "24.04", Severity: "warning"},
	}
	if diff := cmp.Diff(wantConstraints, r.Constraints); diff != "" {
		t.Errorf("constraints (-want +got):\n%s", diff)
	}
	wantPhase := map[string]schema.Phase{"performance": {
		Checks: []string{"nccl-all-reduce-bw"}, Timeout: "10m",
		Constraints: []schema.Constraint{{Name: "nccl-all-reduce-bw", Value: ">= 300"}},
	}}
	if diff := cmp.Diff(wantPhase, r.Validation); diff != "" {
		t.Errorf("validation (-want +got):\n%s", diff)
	}
	for _, note := range []string{
		"doc.yaml: read as aicr.run/v1beta1; values from tree",
		`unknown key "colour" is left out`, "overlays that upstream left out: gb200-eks", `"worker-os" names no measurement`,
		"gpu-operator depends on gone, which the recipe does not deploy", "switched off, and left out: aws-efa",
		"validation.performance.infrastructure has no counterpart", "expectedResources and health checks of 1 component", `intent "quantum leap" is not a word`,
	} {
		if !strings.Contains(notes, note) {
			t.Errorf("notes lack %q:\n%s", note, notes)
		}
	}
}

// TestRecipeWithoutTree holds that a recipe is read without its tree, and that
// it lists what it lacks.
func TestRecipeWithoutTree(t *testing.T) {
	r, notes := read[*schema.RecipeResult](t, Reader{}, recipeText)
	want := []string{"components/gpu-operator/values-eks.yaml", "components/gpu-operator/manifests/quota.yaml"}
	if diff := cmp.Diff(want, r.ComponentRefs[1].Needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	if !strings.Contains(notes, "1 of 2 components needs files of the tree that v0.11.1 made it from: --values-from DIR") {
		t.Errorf("notes:\n%s", notes)
	}
}

func TestCriteria(t *testing.T) {
	want := schema.Criteria{Service: "eks", Accelerator: "h100", Intent: "training", OS: "amazonlinux", Nodes: 4}
	for _, text := range []string{
		"service: EKS\naccelerator: h100\nintent: training\nos: AmazonLinux\nnodes: 4\nplatform: any\n",
		"spec: {service: eks, gpu: H100, intent: training, os: amazonlinux, nodes: 4}\n",
		"kind: RecipeCriteria\nspec: {service: eks, accelerator: h100, intent: training, os: amazonlinux, nodes: 4}\n",
		"kind: RecipeCriteria\napiVersion: aicr.run/v1\nmetadata: {name: a}\nspec: {service: eks, accelerator: h100, intent: training, os: amazonlinux, nodes: 4, region: x}\n",
	} {
		c, notes := read[*schema.RecipeCriteria](t, Reader{}, text)
		if c.Spec != want {
			t.Errorf("%s: %+v", text, c.Spec)
		}
		if strings.Contains(text, "region") != strings.Contains(notes, `unknown key "region"`) {
			t.Errorf("%s: notes %s", text, notes)
		}
	}
}

// Strict is about criteria that ask: those that name a recipe are not what it is made of.
func TestStrict(t *testing.T) {
	doc, err := schema.Parse("doc.yaml", []byte("spec: {service: eks, "+strings.Repeat("x", 200)+": 1, regions: x}\nspek: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := Reader{Strict: true}.Read(doc, mediaOf[*schema.RecipeCriteria]())
	shown, left := schema.First(err)
	if v != nil || len(shown) != 3 || left != 0 || schema.CodeOf(err) != schema.Invalid {
		t.Fatalf("%v, %v", v, err)
	}
	if last := shown[2].Error(); last != `spek: unknown key "spek" (doc.yaml:2:1)` || schema.HintOf(shown[2]) != "did you mean spec?" {
		t.Errorf("%s, hint %s", last, schema.HintOf(shown[2]))
	}
	_, notes := read[*schema.RecipeResult](t, Reader{Strict: true},
		"kind: RecipeResult\napiVersion: aicr.run/v1\ncriteria: {service: eks, region: x}\ncomponentRefs: []\n")
	if !strings.Contains(notes, `unknown key "region" is left out`) {
		t.Errorf("notes:\n%s", notes)
	}
}

func TestRefused(t *testing.T) {
	snapshot := mediaOf[*schema.Snapshot]()
	tree := Reader{Name: "tree", Tree: fstest.MapFS{"recipes/registry.yaml": {Data: []byte("components: []")}}}
	for _, tt := range []struct {
		reader           Reader
		media, doc, want string
	}{
		{Reader{}, "", "kind: Snapshot\napiVersion: aicr.run/v9\n", `apiVersion "aicr.run/v9" is not one that this eidos reads (doc.yaml:2:13)`},
		{Reader{}, "", "kind: AICRConfig\napiVersion: aicr.run/v1\n", `kind "AICRConfig" of upstream is not a document`},
		{Reader{}, snapshot, "kind: RecipeResult\napiVersion: aicr.run/v1\ncomponentRefs: []\n", "holds a RecipeResult of upstream"},
		{Reader{}, "", "kind: Snapshot\napiVersion: aicr.run/v1\nmeasurements: []\n", "metadata.timestamp is missing"},
		{Reader{}, "", "kind: RecipeResult\napiVersion: aicr.run/v1\nconstraints: [{name: K8s.server.version, value: '=> 1'}]\n", `no operator "=>"`},
		{tree, "", "kind: RecipeResult\napiVersion: aicr.run/v1\ncomponentRefs: [{name: a, valuesFile: components/a/values.yaml}]\n", `"tree" has no "components/a/values.yaml"`},
		{tree, "", "kind: RecipeResult\napiVersion: aicr.run/v1\ncomponentRefs: [{name: a, valuesFile: ../values.yaml}]\n", "not a path in a tree"},
		{Reader{}, "", "kind: RecipeResult\napiVersion: aicr.run/v1\ncomponentRefs: [{name: a, dependencyRefs: [b]}, {name: b, dependencyRefs: [a]}]\n", "cyclic"},
	} {
		doc, err := schema.Parse("doc.yaml", []byte(tt.doc))
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := tt.reader.Read(doc, tt.media)
		if err == nil || !strings.Contains(err.Error(), tt.want) || v != nil {
			t.Errorf("%s: %v, %v; want %q", tt.doc, v, err, tt.want)
		}
	}
}
