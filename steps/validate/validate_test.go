package validate

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// real reads the snapshot of a node of an EKS cluster with eight H100.
func real(t testing.TB) *schema.Snapshot {
	t.Helper()
	data, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := &schema.Snapshot{}
	if err := schema.Decode("h100-eks.yaml", data, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func recipe(cs ...schema.Constraint) *schema.RecipeResult {
	return &schema.RecipeResult{Constraints: cs}
}

func TestReal(t *testing.T) {
	tests := []struct {
		path, expr string
		want       schema.Check // name and expected are filled in
	}{
		{"K8s.server.version", ">= 1.28", schema.Check{Actual: "v1.30.14-eks-3025e55", Status: passed}},
		{"K8s.server.version", ">= 1.34", schema.Check{Actual: "v1.30.14-eks-3025e55", Status: failed}},
		{"OS.release.ID", "ubuntu", schema.Check{Actual: "ubuntu", Status: passed}},
		{"OS.release.ID", "in [rhel, ubuntu]", schema.Check{Actual: "ubuntu", Status: passed}},
		{"OS.sysctl./proc/sys/kernel/osrelease", ">= 6.8", schema.Check{Actual: "6.8.0-1024-aws", Status: passed}},
		{"SystemD.containerd.service.ActiveState", "active", schema.Check{Actual: "active", Status: passed}},
		{"OS.kmod.nvidia", "true", schema.Check{Actual: "true", Status: passed}},
		{"OS.kmod.nvidi", "true", schema.Check{Status: unknown, Reason: `OS.kmod has no "nvidi"`, Hint: "did you mean OS.kmod.nvidia?"}},
		{"OS.relase.ID", "ubuntu", schema.Check{Status: unknown, Reason: "the snapshot has no OS.relase", Hint: "did you mean OS.release?"}},
		{"NodeTopology.summary.nodes", ">= 2", schema.Check{Status: unknown, Reason: "the snapshot has no NodeTopology", Hint: "run eidos snapshot --collectors topology with a kubeconfig for the cluster"}},
		{"OS.release.PRETTY_NAME", ">= 24", schema.Check{Actual: "Ubuntu 24.04.3 LTS", Status: unknown, Reason: `"Ubuntu 24.04.3 LTS" is not a version: part "Ubuntu 24" is not a number`}},
	}
	s := real(t)
	for _, test := range tests {
		t.Run(test.path+" "+test.expr, func(t *testing.T) {
			r, err := Run(recipe(schema.Constraint{Name: test.path, Value: test.expr}), s, false)
			if err != nil {
				t.Fatal(err)
			}
			test.want.Name, test.want.Expected = test.path, test.expr
			if diff := cmp.Diff([]schema.Check{test.want}, r.Results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	tests := map[string]struct {
		collectors   []schema.CollectorStatus
		reason, hint string
	}{
		"not asked for": {nil, "the snapshot has no GPU", "run eidos snapshot --collectors gpu on a node with the NVIDIA driver"},
		"absent": {[]schema.CollectorStatus{{Name: "gpu", Status: "absent", Reason: "no NVIDIA driver"}},
			"the snapshot has no GPU: no NVIDIA driver", "run eidos snapshot --collectors gpu on a node with the NVIDIA driver"},
		"failed": {[]schema.CollectorStatus{{Name: "gpu", Status: "failed", Reason: "driver/library version mismatch"}},
			"the gpu collector failed: driver/library version mismatch", "mend that and run eidos snapshot --collectors gpu again"},
		"of another": {[]schema.CollectorStatus{{Name: "k8s", Status: "failed", Reason: "refused"}, {Name: "gpu", Status: "ok"}},
			"the snapshot has no GPU", "run eidos snapshot --collectors gpu on a node with the NVIDIA driver"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := Run(recipe(schema.Constraint{Name: "GPU.smi.driver", Value: ">= 580"}), &schema.Snapshot{Collectors: test.collectors}, false)
			if err != nil {
				t.Fatal(err)
			}
			want := []schema.Check{{Name: "GPU.smi.driver", Expected: ">= 580", Status: unknown, Reason: test.reason, Hint: test.hint}}
			if diff := cmp.Diff(want, r.Results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOffNode: what a laptop measured of itself says nothing of the nodes.
func TestOffNode(t *testing.T) {
	s := &schema.Snapshot{
		Measurements: []schema.Measurement{
			{Type: "K8s", Subtypes: []schema.Subtype{{Subtype: "server", Data: map[string]schema.Scalar{"version": "v1.33.5-eks-113cf36"}}}},
			{Type: "OS", Subtypes: []schema.Subtype{{Subtype: "release", Data: map[string]schema.Scalar{"ID": "ubuntu"}}}},
		},
		Collectors: []schema.CollectorStatus{{Name: "k8s", Status: "ok", Reason: "policy: none; node: this host, laptop, is not a node of the cluster"}},
	}
	r, err := Run(recipe(schema.Constraint{Name: "K8s.server.version", Value: ">= 1.30"}, schema.Constraint{Name: "OS.release.ID", Value: "ubuntu"}), s, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Check{
		{Name: "K8s.server.version", Expected: ">= 1.30", Actual: "v1.33.5-eks-113cf36", Status: passed},
		{Name: "OS.release.ID", Expected: "ubuntu", Status: unknown, Reason: "not measured on a node: this host, laptop, is not a node of the cluster",
			Hint: "run eidos snapshot on a node of the cluster, or with --agent"},
	}
	if diff := cmp.Diff(want, r.Results); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if schema.CodeOf(Judge(r)) != schema.Unsatisfied {
		t.Error("what is unknown passes")
	}
}

func TestMalformedIsNoSkip(t *testing.T) {
	_, err := Run(recipe(
		schema.Constraint{Name: "K8s.server.version", Value: ">= "},
		schema.Constraint{Name: "Kubernetes.server.version", Value: "1"},
		schema.Constraint{Name: "OS.release.ID", Value: "ubuntu"},
	), real(t), true)
	if schema.CodeOf(err) != schema.Invalid || len(schema.List(err)) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"constraints[0]: ", "constraints[1]: "} {
		if got := schema.List(err)[i].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%q does not start with %q", got, want)
		}
	}
}

// report has one check of every sort.
func report(t testing.TB, allowUnknown bool) *schema.ValidationResult {
	t.Helper()
	r := recipe(
		schema.Constraint{Name: "OS.release.ID", Value: "ubuntu", From: "h100-eks-ubuntu"},
		schema.Constraint{Name: "K8s.server.version", Value: ">= 1.34", From: "h100-eks", Hint: "upgrade the control plane"},
		schema.Constraint{Name: "NodeTopology.summary.nodes", Value: ">= 2"},
		schema.Constraint{Name: "OS.kmod.nvidia_peermem", Value: "false", Severity: warning},
		schema.Constraint{Name: "OS.sysctl./proc/sys/vm/nr_hugepages", Value: "0", Severity: warning},
	)
	r.Validation = map[string]schema.Phase{"performance": {Constraints: []schema.Constraint{{Name: "nccl-all-reduce-bw", Value: ">= 100"}}}}
	s := real(t)
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			if sub.Subtype == "sysctl" { // what a report must not pass on to a terminal
				sub.Data["/proc/sys/vm/nr_hugepages"] = "<b>&\x1b[31m"
			}
		}
	}
	out, err := Run(r, s, allowUnknown)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSummary(t *testing.T) {
	want := schema.Summary{Passed: 1, Failed: 1, Unknown: 1, Skipped: 1, Warnings: 2, Total: 6, Status: fail}
	if diff := cmp.Diff(want, report(t, false).Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	ok := schema.Constraint{Name: "OS.release.ID", Value: "ubuntu"}
	wrong := schema.Constraint{Name: "OS.release.ID", Value: "rhel"}
	open := schema.Constraint{Name: "OS.release.nope", Value: "1"}
	mild := func(c schema.Constraint) schema.Constraint { c.Severity = warning; return c }
	tests := []struct {
		name         string
		constraints  []schema.Constraint
		allowUnknown bool
		status       string
		err          string // of Judge, "" for none
	}{
		{"none", nil, false, pass, ""},
		{"passed", []schema.Constraint{ok}, false, pass, ""},
		{"failed", []schema.Constraint{ok, wrong}, false, fail, "1 of 2 constraints does not hold:\n  OS.release.ID must be rhel, is ubuntu"},
		{"unknown", []schema.Constraint{ok, open}, false, partial, "1 of 2 constraints is unknown:\n  OS.release.nope must be 1, unknown: OS.release has no \"nope\""},
		{"unknown is allowed", []schema.Constraint{ok, open}, true, partial, ""},
		{"failed beside what is allowed", []schema.Constraint{wrong, open}, true, fail, "1 of 2 constraints does not hold:\n  OS.release.ID must be rhel, is ubuntu"},
		{"both", []schema.Constraint{wrong, open}, false, fail, "2 of 2 constraints do not hold:\n  OS.release.ID must be rhel, is ubuntu\n  OS.release.nope must be 1, unknown: OS.release has no \"nope\""},
		{"warnings", []schema.Constraint{ok, mild(wrong), mild(open)}, false, pass, ""},
	}
	kind := Kind()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, s := recipe(test.constraints...), real(t)
			for _, enforce := range []bool{false, true} {
				v, err := kind.Run(context.Background(), engine.Env{}, &schema.ValidateParams{AllowUnknown: test.allowUnknown, Enforce: enforce},
					engine.Inputs{"recipe": {r}, "snapshot": {s}})
				res, ok := v.(*schema.ValidationResult)
				if !ok || res.Summary.Status != test.status {
					t.Fatalf("enforce %v: got %+v, want status %s", enforce, v, test.status)
				}
				if !enforce || test.err == "" {
					if err != nil {
						t.Errorf("enforce %v: %v", enforce, err)
					}
					continue
				}
				if err == nil || err.Error() != test.err || schema.CodeOf(err) != schema.Unsatisfied {
					t.Errorf("got error %q, want %q", err, test.err)
				}
				if out, err := schema.Encode(res); err != nil || schema.Decode("report", out, &schema.ValidationResult{}) != nil {
					t.Errorf("the report is no document: %v, %s", err, out)
				}
			}
		})
	}
}

// On a snapshot of several nodes every node must satisfy what is demanded.
func TestNodesDiffer(t *testing.T) {
	s := &schema.Snapshot{
		Measurements: []schema.Measurement{{Type: "GPU", Subtypes: []schema.Subtype{{Subtype: "smi", Data: map[string]any{"driver": "580.1"}}}}},
		Differences: []schema.Difference{{Path: "GPU.smi.driver", Values: []schema.NodeValue{
			{Value: "580.1", Nodes: []string{"a", "b", "c", "d", "e"}},
			{Value: "570.9", Nodes: []string{"f"}},
			{Value: "580", Nodes: []string{"g"}},
		}}},
	}
	const actual = "580.1 (a, b, c and 2 more), 570.9 (f), 580 (g)"
	tests := []struct {
		expr string
		want schema.Check
	}{
		{">= 570", schema.Check{Actual: actual, Status: passed}},
		{">= 575", schema.Check{Actual: actual, Status: failed, Reason: "does not hold on f"}},
		{">= 570.2", schema.Check{Actual: actual, Status: passed}},
		{"!= 580.5", schema.Check{Actual: actual, Status: unknown, Reason: "on g: 580 has too few parts to compare with != 580.5"}},
	}
	for _, test := range tests {
		r, err := Run(recipe(schema.Constraint{Name: "GPU.smi.driver", Value: test.expr}), s, false)
		if err != nil {
			t.Fatal(err)
		}
		test.want.Name, test.want.Expected = "GPU.smi.driver", test.expr
		if diff := cmp.Diff([]schema.Check{test.want}, r.Results); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.expr, diff)
		}
	}
}

// A report is the same whatever the order of the recipe's constraints.
func TestOrder(t *testing.T) {
	a := schema.Constraint{Name: "K8s.server.version", Value: ">= 1.30"}
	b := schema.Constraint{Name: "OS.release.ID", Value: "ubuntu"}
	s := real(t)
	x, err := Run(recipe(a, b), s, false)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Run(recipe(b, a), s, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, y); diff != "" {
		t.Error(diff)
	}
}
