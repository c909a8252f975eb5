package constraint

import (
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// topology is a snapshot of a cluster with these labels, taints and number of nodes.
func topology(nodes int64, labels, taints map[string]schema.Scalar) *schema.Snapshot {
	return &schema.Snapshot{Measurements: []schema.Measurement{{Type: "NodeTopology", Subtypes: []schema.Subtype{
		{Subtype: "summary", Data: map[string]schema.Scalar{"node-count": nodes}},
		{Subtype: "label", Data: labels},
		{Subtype: "taint", Data: taints},
	}}}}
}

// TestNodeSet evaluates constraints on sets of nodes of a cluster with two nodes
// with GPUs and one without.
func TestNodeSet(t *testing.T) {
	s := topology(3, map[string]schema.Scalar{
		"kubernetes.io/hostname=a": "a", "kubernetes.io/hostname=b": "b", "kubernetes.io/hostname=c": "c",
		"kubernetes.io/os=linux":                            "a, b, c",
		"cloud.google.com/gke-accelerator=nvidia-h100-80gb": "a, b",
		"pool=x": "a", "pool=y": "b", "tier=1": "a, b", "zone=eu-1": "a, b, c", "empty=": "a, b",
	}, map[string]schema.Scalar{
		"nvidia.com/gpu=present:NoSchedule": "a, b", "nvidia.com/gpu=present:NoExecute": "a", "old:NoSchedule": "b",
	})
	few := topology(9, map[string]schema.Scalar{"nvidia.com/gpu.present=true": "a, b and 2 more", "kubernetes.io/os=linux": "a and 8 more"}, nil)
	upstream := topology(2, map[string]schema.Scalar{"nvidia.com/gpu.present": "true|a,b", "pool.x": "x|a", "pool.y": "y|b"}, nil)
	for _, tt := range []struct {
		s            *schema.Snapshot
		path, expr   string
		want         Verdict
		text, reason string // reason of what is unknown: the error
	}{
		{s, "NodeTopology.gpu-nodes.label.tier", "1", Passed, "1 (a, b)", ""},
		{s, "NodeTopology.gpu-nodes.label.pool", "x", Failed, "x (a), y (b)", "does not hold on b"},
		{s, "NodeTopology.gpu-nodes.label.pool", "in [x, y]", Passed, "x (a), y (b)", ""},
		{s, "NodeTopology.gpu-nodes.label.pool", "!= (absent)", Passed, "x (a), y (b)", ""},
		{s, "NodeTopology.gpu-nodes.label.gone", "(absent)", Passed, "(absent) (a, b)", ""},
		{s, "NodeTopology.gpu-nodes.label.gone", "!= (absent)", Failed, "(absent) (a, b)", "does not hold on a, b"},
		{s, "NodeTopology.gpu-nodes.label.tier", "(absent)", Failed, "1 (a, b)", "does not hold on a, b"},
		{s, "NodeTopology.gpu-nodes.label.empty", "!= (absent)", Passed, "(empty) (a, b)", ""},
		{s, "NodeTopology.nodes.label.zone", "eu-1", Passed, "eu-1 (a, b, c)", ""},
		{s, "NodeTopology.nodes.label.tier", "1", Failed, "1 (a, b), (absent) (c)", "does not hold on c"},
		{s, "NodeTopology.gpu-nodes.label.cloud.google.com/gke-accelerator", "nvidia-h100-80gb", Passed, "nvidia-h100-80gb (a, b)", ""},
		{s, "NodeTopology.gpu-nodes.taint.nvidia.com/gpu", "present:NoSchedule", Failed, "present:NoSchedule (a, b), present:NoExecute (a)", "does not hold on a"},
		{s, "NodeTopology.gpu-nodes.taint.nvidia.com/gpu", "!= (absent)", Passed, "present:NoSchedule (a, b), present:NoExecute (a)", ""},
		{s, "NodeTopology.nodes.taint.old", "(absent)", Failed, "(absent) (a, c), NoSchedule (b)", "does not hold on b"},
		{upstream, "NodeTopology.gpu-nodes.label.pool", "x", Failed, "x (a), y (b)", "does not hold on b"},
		{few, "NodeTopology.gpu-nodes.label.tier", "1", Unknown, "", "the snapshot lists only some of the nodes with nvidia.com/gpu.present=true"},
		{few, "NodeTopology.nodes.label.tier", "1", Unknown, "", "the snapshot names 0 of its 9 nodes"},
		{topology(1, map[string]schema.Scalar{"kubernetes.io/hostname=a": "a"}, nil), "NodeTopology.gpu-nodes.label.tier", "1", Unknown, "", "no node of the snapshot has a label by which a node with a GPU is known"},
		{&schema.Snapshot{}, "NodeTopology.gpu-nodes.label.tier", "1", Unknown, "", "the snapshot has no labels of nodes"},
	} {
		p, err := ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Measured(); err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		set, ok := p.NodeSet()
		if !ok {
			t.Errorf("%s is not about a set of nodes", tt.path)
			continue
		}
		values, err := set.Values(tt.s)
		if err != nil {
			if tt.want != Unknown || err.Error() != tt.reason {
				t.Errorf("%s: %v, want %q", tt.path, err, tt.reason)
			}
			continue
		}
		got, text, reason := parse(t, tt.expr).EvalNodes(values)
		if got != tt.want || text != tt.text || reason != tt.reason {
			t.Errorf("%s %q is %s, %q, %q, want %s, %q, %q", tt.path, tt.expr, got, text, reason, tt.want, tt.text, tt.reason)
		}
	}
	for _, p := range []string{"NodeTopology.gpu-nodes.label", "NodeTopology.gpu-nodes.lable.x", "NodeTopology.nodes.count", "NodeTopology.gpu-node.label.x"} {
		path, err := ParsePath(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := path.Measured(); schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%s can be measured: %v", p, err)
		}
	}
}
