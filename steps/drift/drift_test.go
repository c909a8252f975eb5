package drift

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/NVIDIA/eidos/schema"
)

// snapshot builds one of Type.Subtype → key → value.
func snapshot(data map[string]map[string]schema.Scalar, collectors ...schema.CollectorStatus) *schema.Snapshot {
	s := &schema.Snapshot{Kind: "Snapshot", APIVersion: schema.APIVersion, Collectors: collectors,
		Metadata: schema.SnapshotMetadata{Timestamp: "2026-01-02T03:04:05Z", Version: "test", Source: "node-1"}}
	for _, name := range union(data, nil) {
		typ, sub, _ := bytes.Cut([]byte(name), []byte("."))
		s.Measurements = append(s.Measurements, schema.Measurement{
			Type: schema.MeasurementType(typ), Subtypes: []schema.Subtype{{Subtype: string(sub), Data: data[name]}},
		})
	}
	return s
}

func TestSnapshots(t *testing.T) {
	before := snapshot(map[string]map[string]schema.Scalar{
		"GPU.smi":    {"driver": "570.86.15", "gpu-count": int64(8)},
		"OS.release": {"ID": "ubuntu", "VERSION_ID": "22.04"},
		"OS.kmod":    {"nvidia": true, "nouveau": true},
		"SystemD.containerd.service": {
			"ActiveState": "active", "MainPID": int64(812), "ActiveEnterTimestamp": uint64(1), "CPUUsageNSec": uint64(5),
		},
	})
	now := snapshot(map[string]map[string]schema.Scalar{
		"OS.release": {"ID": "ubuntu", "VERSION_ID": "24.04"},
		"OS.kmod":    {"nvidia": true, "nvidia_peermem": true},
		"SystemD.containerd.service": {
			"ActiveState": "failed", "MainPID": int64(0), "ActiveEnterTimestamp": uint64(9), "CPUUsageNSec": uint64(7),
		},
		"K8s.server": {"version": "v1.33.5"},
	}, schema.CollectorStatus{Name: "gpu", Status: "absent", Reason: "no NVIDIA driver"})
	got := Snapshots(before, now, schema.DiffParams{})
	want := []schema.Change{
		{Path: "GPU.smi", Change: "removed", Reason: "collector gpu: absent: no NVIDIA driver"},
		{Path: "K8s.server", Change: "added"},
		{Path: "OS.kmod.nouveau", Change: "removed", From: "true"},
		{Path: "OS.kmod.nvidia_peermem", Change: "added", To: "true"},
		{Path: "OS.release.VERSION_ID", Change: "changed", From: "22.04", To: "24.04"},
		{Path: "SystemD.containerd.service.ActiveState", Change: "changed", From: "active", To: "failed"},
	}
	if d := cmp.Diff(want, got.Changes); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(schema.DriftSummary{Compared: 8, Changed: 6, Status: "drift"}, got.Summary); d != "" {
		t.Error(d)
	}
	if err := Err(got); schema.CodeOf(err) != schema.Unsatisfied {
		t.Errorf("drift is an error with code %q", schema.CodeOf(err))
	}
}

// A node of a fleet that falls out of step, or changes while it is out of step,
// is drift; and a recipe's constraint holds when it does on every node.
func TestFleet(t *testing.T) {
	fleet := func(differ ...schema.Difference) *schema.Snapshot {
		s := snapshot(map[string]map[string]schema.Scalar{"GPU.smi": {"gpu-count": int64(8)}, "K8s.server": {"version": "v1.33.5"}})
		s.Differences = differ
		return s
	}
	drivers := func(values ...schema.NodeValue) schema.Difference {
		return schema.Difference{Path: "GPU.smi.driver", Values: values}
	}
	same := fleet()
	same.Measurements[0].Subtypes[0].Data["driver"] = "570.86.15"
	c565 := drivers(schema.NodeValue{Value: "570.86.15", Nodes: []string{"a", "b"}}, schema.NodeValue{Value: "565.57.01", Nodes: []string{"c"}})
	c550 := drivers(schema.NodeValue{Value: "570.86.15", Nodes: []string{"a", "b"}}, schema.NodeValue{Value: "550.54.15", Nodes: []string{"c"}})
	for name, test := range map[string]struct {
		before, now *schema.Snapshot
		want        []schema.Change
	}{
		"out of step": {same, fleet(c565), []schema.Change{
			{Path: "GPU.smi.driver", Change: "changed", From: "570.86.15", To: "570.86.15 (a, b), 565.57.01 (c)"},
		}},
		"back in step": {fleet(c565), same, []schema.Change{
			{Path: "GPU.smi.driver", Change: "changed", From: "570.86.15 (a, b), 565.57.01 (c)", To: "570.86.15"},
		}},
		"further out": {fleet(c565), fleet(c550), []schema.Change{
			{Path: "GPU.smi.driver", Change: "changed", From: "570.86.15 (a, b), 565.57.01 (c)", To: "570.86.15 (a, b), 550.54.15 (c)"},
		}},
		"as it was": {fleet(c565), fleet(c565), []schema.Change{}},
		"a taint": {same, func() *schema.Snapshot {
			s := fleet(schema.Difference{Path: "NodeTopology.taint", Values: []schema.NodeValue{{Value: "(absent)", Nodes: []string{"a"}}, {Value: "x:NoSchedule", Nodes: []string{"b"}}}})
			s.Measurements[0].Subtypes[0].Data["driver"] = "570.86.15"
			return s
		}(), []schema.Change{{Path: "NodeTopology.taint", Change: "added", To: "(absent) (a), x:NoSchedule (b)"}}},
	} {
		if d := cmp.Diff(test.want, Snapshots(test.before, test.now, schema.DiffParams{}).Changes); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for value, want := range map[string][]schema.Change{
		">= 550": {},
		">= 570": {{Path: "GPU.smi.driver", Change: "regressed", From: ">= 570", To: "570.86.15 (a, b), 565.57.01 (c)", Reason: "does not hold on c"}},
	} {
		got, err := Recipe(&schema.RecipeResult{Constraints: []schema.Constraint{{Name: "GPU.smi.driver", Value: value}}}, fleet(c565), schema.DiffParams{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, slices.DeleteFunc(got.Changes, func(c schema.Change) bool { return c.Path != "GPU.smi.driver" })); d != "" {
			t.Errorf("%s: %s", value, d)
		}
	}
}

func TestVolatileAndIgnored(t *testing.T) {
	before := snapshot(map[string]map[string]schema.Scalar{"SystemD.kubelet.service": {"MainPID": int64(1), "Restart": "no"}})
	now := snapshot(map[string]map[string]schema.Scalar{"SystemD.kubelet.service": {"MainPID": int64(2), "Restart": "always"}})
	for name, c := range map[string]struct {
		p    schema.DiffParams
		want int64
	}{
		"usual":    {schema.DiffParams{}, 1},
		"volatile": {schema.DiffParams{Volatile: true}, 2},
		"ignored":  {schema.DiffParams{Ignore: []string{"SystemD.*.Restart"}}, 0},
	} {
		if got := Snapshots(before, now, c.p).Summary.Changed; got != c.want {
			t.Errorf("%s: %d changes, want %d", name, got, c.want)
		}
	}
}

// A snapshot never drifts from itself, and what is added one way is removed
// the other way.
func TestSnapshotsProperties(t *testing.T) {
	word := rapid.StringMatching(`[a-z]{1,3}`)
	gen := rapid.Custom(func(t *rapid.T) *schema.Snapshot {
		data := map[string]map[string]schema.Scalar{}
		for _, sub := range rapid.SliceOf(word).Draw(t, "subtypes") {
			keys := map[string]schema.Scalar{}
			for _, k := range rapid.SliceOf(word).Draw(t, "keys") {
				keys[k] = word.Draw(t, "value")
			}
			data["OS."+sub] = keys
		}
		return snapshot(data)
	})
	opposite := map[string]string{"added": "removed", "removed": "added", "changed": "changed"}
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		if d := Snapshots(a, a, schema.DiffParams{}); d.Summary.Status != "same" || len(d.Changes) != 0 {
			t.Fatalf("drifts from itself: %v", d.Changes)
		}
		there, back := Snapshots(a, b, schema.DiffParams{}), Snapshots(b, a, schema.DiffParams{})
		var turned []schema.Change
		for _, c := range back.Changes {
			c.Change, c.From, c.To = opposite[c.Change], c.To, c.From
			turned = append(turned, c)
		}
		if len(there.Changes) == 0 && len(turned) == 0 {
			return
		}
		if d := cmp.Diff(there.Changes, turned); d != "" {
			t.Fatal(d)
		}
	})
}

func recipe() *schema.RecipeResult {
	return &schema.RecipeResult{
		Kind: "RecipeResult", APIVersion: schema.APIVersion,
		Constraints: []schema.Constraint{
			{Name: "K8s.server.version", Value: ">= 1.32.4", From: "eks-training", Hint: "upgrade the control plane"},
			{Name: "OS.release.ID", Value: "ubuntu", From: "ubuntu"},
			{Name: "GPU.smi.driver", Value: ">= 570"},
		},
		ComponentRefs: []schema.ComponentRef{
			{Name: "cert-manager", Type: "Helm", Chart: "cert-manager", Version: "v1.17.2", Namespace: "cert-manager"},
			{Name: "gpu-operator", Type: "Helm", Chart: "gpu-operator", Version: "v25.10.1", Namespace: "gpu-operator"},
			{Name: "network-operator", Type: "Helm", Chart: "network-operator", Version: "25.4.0", Namespace: "nvidia-network-operator"},
			{Name: "skyhook", Type: "Helm", Chart: "skyhook-operator", Version: "v0.9.0", Namespace: "skyhook"},
			{Name: "tuning", Type: "Manifest", Namespace: "skyhook"},
		},
	}
}

func TestRecipe(t *testing.T) {
	now := snapshot(map[string]map[string]schema.Scalar{
		"K8s.server": {"version": "v1.31.9-eks-1"},
		"OS.release": {"ID": "ubuntu"},
		"K8s.release": {
			"cert-manager.cert-manager": "cert-manager-v1.17.2, deployed",
			"gpu.gpu-operator":          "gpu-operator-v25.3.0, failed",
			"dcgm.gpu-operator":         "dcgm-exporter-4.1.0, deployed",
			"skyhook.default":           "skyhook-operator-v0.9.0, deployed",
			"shop.prod":                 "shop-1.0.0, deployed",
		},
	}, schema.CollectorStatus{Name: "gpu", Status: "absent", Reason: "no NVIDIA driver"})
	got, err := Recipe(recipe(), now, schema.DiffParams{})
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Change{
		{Path: "GPU.smi.driver", Change: "unknown", From: ">= 570", Reason: "collector gpu: absent: no NVIDIA driver"},
		{Path: "K8s.server.version", Change: "regressed", From: ">= 1.32.4", To: "v1.31.9-eks-1", DemandedBy: "eks-training",
			Reason: "v1.31.9-eks-1 is not >= 1.32.4", Hint: "upgrade the control plane"},
		{Path: "components.dcgm", Change: "extra", To: "4.1.0", Reason: "installed in namespace gpu-operator, not part of the recipe"},
		{Path: "components.gpu-operator.status", Change: "changed", From: "deployed", To: "failed", Reason: "its Helm release is not in order"},
		{Path: "components.gpu-operator.version", Change: "changed", From: "v25.10.1", To: "v25.3.0"},
		{Path: "components.network-operator", Change: "missing", From: "25.4.0", Reason: "no Helm release of it in the snapshot"},
		{Path: "components.skyhook.namespace", Change: "changed", From: "skyhook", To: "default"},
	}
	if d := cmp.Diff(want, got.Changes); d != "" {
		t.Error(d)
	}
}

// A recipe deployed as one umbrella chart has one release; its parts are
// components, the umbrella itself is nothing extra.
func TestRecipeUmbrella(t *testing.T) {
	now := snapshot(map[string]map[string]schema.Scalar{"K8s.release": {
		"eidos.gpu-operator":                  "eidos-1.0.0, deployed",
		"eidos.gpu-operator/cert-manager":     "cert-manager-v1.17.2, deployed",
		"eidos.gpu-operator/gpu-operator":     "gpu-operator-v25.10.1, deployed",
		"eidos.gpu-operator/network-operator": "network-operator-25.4.0, deployed",
		"eidos.gpu-operator/skyhook":          "skyhook-operator-v0.9.0, deployed",
	}})
	r := recipe()
	r.Constraints = nil
	got, err := Recipe(r, now, schema.DiffParams{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Changes) != 0 {
		t.Errorf("got %v", got.Changes)
	}
}

// Without rights to read releases nothing is called missing.
func TestRecipeReleasesNotRead(t *testing.T) {
	now := snapshot(nil, schema.CollectorStatus{Name: "k8s", Status: "ok", Reason: "policy: 404; release: list secrets is forbidden"})
	r := recipe()
	r.Constraints = nil
	got, err := Recipe(r, now, schema.DiffParams{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Summary.Status != "unknown" || got.Summary.Unknown != 4 || got.Summary.Changed != 0 {
		t.Errorf("summary %+v", got.Summary)
	}
	if got.Changes[0].Reason != "collector k8s: release: list secrets is forbidden" {
		t.Errorf("reason %q", got.Changes[0].Reason)
	}
}

func TestRecipeRefusesABadConstraint(t *testing.T) {
	r := recipe()
	r.Constraints = []schema.Constraint{{Name: "K8s.server.version", Value: ">= "}, {Name: "Kubernetes.x.y", Value: "1"}}
	_, err := Recipe(r, snapshot(nil), schema.DiffParams{})
	if schema.CodeOf(err) != schema.Invalid || len(schema.List(err)) != 2 {
		t.Errorf("got %v", err)
	}
}

func TestCompareWantsOneBaseline(t *testing.T) {
	s := snapshot(nil)
	for _, c := range []struct {
		r *schema.RecipeResult
		b *schema.Snapshot
	}{{nil, nil}, {recipe(), s}} {
		if _, err := compare(c.r, c.b, s, schema.DiffParams{}); schema.CodeOf(err) != schema.Invalid {
			t.Errorf("got %v", err)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for _, c := range []struct{ key, value, name, namespace, part, version, status string }{
		{"a.b", "gpu-operator-v25.10.1, deployed", "a", "b", "", "v25.10.1", "deployed"},
		{"a.x.b", "nfs-4-provisioner-1.2.3-rc.1+meta, failed", "a.x", "b", "", "1.2.3-rc.1+meta", "failed"},
		{"a.b/c", "c-0.1.0, deployed", "a", "b", "c", "0.1.0", "deployed"},
		{"a", "v1.2.3", "a", "", "", "v1.2.3", ""},
	} {
		r := parseRelease(c.key, c.value)
		got := []string{r.name, r.namespace, r.part, r.version, r.status}
		if d := cmp.Diff([]string{c.name, c.namespace, c.part, c.version, c.status}, got); d != "" {
			t.Errorf("%s: %s: %s", c.key, c.value, d)
		}
	}
}

func FuzzParseRelease(f *testing.F) {
	f.Add("a.b/c", "c-0.1.0, deployed")
	f.Add(".", "-v1.")
	f.Fuzz(func(t *testing.T, key, value string) {
		r := parseRelease(key, value)
		if len(r.name)+len(r.namespace)+len(r.part) > len(key) || len(r.version)+len(r.status) > len(value) {
			t.Errorf("%q: %q gives %+v", key, value, r)
		}
	})
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.bc", false}, {"a*", "a", true}, {"*", "", true}, {"a*b", "ab", true},
		{"a*b", "a", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "aXbY", false}, {"a*ba", "aba", true}, {"ab*ba", "aba", false},
	} {
		if got := match(c.pattern, c.text); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
}

// What is recorded of the way to the recipe's version is in the report; nothing is
// known of what a recipe of another catalogue records.
func TestRecipeUpgrade(t *testing.T) {
	now := snapshot(map[string]map[string]schema.Scalar{"K8s.release": {
		"nodewright-operator.nodewright": "nodewright-v0.18.1, deployed",
		"trainer.kubeflow":               "kubeflow-trainer-2.1.0, deployed",
	}})
	r := &schema.RecipeResult{Metadata: schema.RecipeMetadata{Release: "2026-11"}, ComponentRefs: []schema.ComponentRef{
		{Name: "kubeflow-trainer", Type: "Helm", Chart: "kubeflow-trainer", Version: "2.2.0", Namespace: "kubeflow"},
		{Name: "nodewright-operator", Type: "Helm", Chart: "nodewright", Version: "v0.19.1", Namespace: "nodewright"},
	}}
	for release, want := range map[string][]string{"2026-11": {"manual", "safe"}, "2099-01": {"manual", ""}, "": {"manual", ""}} {
		r.Metadata.Release = release
		got, err := Recipe(r, now, schema.DiffParams{})
		if err != nil {
			t.Fatal(err)
		}
		var verdicts []string
		for _, c := range got.Changes {
			verdict := ""
			if c.Upgrade != nil {
				verdict = c.Upgrade.Verdict
			}
			if (c.Hint != "") != (verdict == "manual") {
				t.Errorf("%s: %s has the hint %q", release, c.Path, c.Hint)
			}
			verdicts = append(verdicts, verdict)
		}
		if d := cmp.Diff(want, verdicts); d != "" {
			t.Errorf("%q: %s", release, d)
		}
	}
}
