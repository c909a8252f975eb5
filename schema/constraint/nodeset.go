package constraint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// The sets of nodes that a path can be about: gpuNodes.label.KEY is the label KEY
// of every node with a GPU, allNodes.taint.KEY the taint KEY of every node.
const (
	allNodes = "NodeTopology.nodes"
	gpuNodes = "NodeTopology.gpu-nodes"
)

// emptyValue is what a label without a value is shown as.
const emptyValue = "(empty)"

// gpuLabels are labels that only nodes with an NVIDIA GPU carry, by key; a value
// that is not "" must be the label's. Clouds set them before anything is installed.
func gpuLabels() map[string]string {
	return map[string]string{
		"nvidia.com/gpu.present":                           "true",
		"nvidia.com/gpu.product":                           "",
		"gpu.nvidia.com/model":                             "",
		"cloud.google.com/gke-accelerator":                 "",
		"eks.amazonaws.com/instance-gpu-name":              "",
		"karpenter.k8s.aws/instance-gpu-name":              "",
		"kubernetes.azure.com/accelerator":                 "nvidia",
		"feature.node.kubernetes.io/pci-10de.present":      "true",
		"feature.node.kubernetes.io/pci-0300_10de.present": "true",
		"feature.node.kubernetes.io/pci-0302_10de.present": "true",
	}
}

// GPULabel reports whether only nodes with an NVIDIA GPU carry this label.
func GPULabel(key, value string) bool {
	want, ok := gpuLabels()[key]
	return ok && (want == "" || want == value)
}

// NodeSet is what a path about a set of nodes asks of each of them.
type NodeSet struct {
	gpus bool   // only nodes with GPUs
	what string // label or taint
	key  string
}

// NodeSet returns what p asks of a set of nodes; ok is false if p is not about one.
func (p Path) NodeSet() (set NodeSet, ok bool) {
	rest, all := strings.CutPrefix(p.String(), allNodes+".")
	if !all {
		if rest, ok = strings.CutPrefix(p.String(), gpuNodes+"."); !ok {
			return NodeSet{}, false
		}
	}
	what, key, _ := strings.Cut(rest, ".")
	return NodeSet{!all, what, key}, (what == "label" || what == "taint") && key != ""
}

// Values returns what the nodes of the set have, the most frequent first:
// schema.AbsentValue where a node has no such label or taint; a taint as
// VALUE:EFFECT or EFFECT, and a node with several of the key under each. An error
// says why the snapshot does not show it.
func (n NodeSet) Values(s *schema.Snapshot) ([]schema.NodeValue, error) {
	labels, taints := subtype(s, "label"), subtype(s, "taint")
	if labels == nil {
		return nil, fmt.Errorf("the snapshot has no labels of nodes")
	}
	members, with := map[string]bool{}, map[string][]string{}
	for key, v := range labels {
		name, value, text := Label(key, Text(v))
		mine := n.what == "label" && name == n.key
		if n.gpus && !mine && !GPULabel(name, value) {
			continue
		}
		nodes, all := Listed(text)
		if !all && (mine || n.gpus) {
			return nil, fmt.Errorf("the snapshot lists only some of the nodes with %s=%s", name, value)
		}
		for _, node := range nodes {
			if !n.gpus || GPULabel(name, value) {
				members[node] = true
			}
			if mine {
				shown := cmp.Or(value, emptyValue)
				with[shown] = append(with[shown], node)
			}
		}
	}
	for text, v := range taints {
		if n.what != "taint" {
			break
		}
		i := strings.LastIndexByte(text, ':')
		if i < 0 {
			continue
		}
		name, value, _ := strings.Cut(text[:i], "=")
		if name != n.key {
			continue
		}
		nodes, all := Listed(Text(v))
		if !all {
			return nil, fmt.Errorf("the snapshot lists only some of the nodes with the taint %s", text)
		}
		value = strings.TrimPrefix(value+text[i:], ":")
		with[value] = append(with[value], nodes...)
	}
	if len(members) == 0 && n.gpus {
		return nil, fmt.Errorf("no node of the snapshot has a label by which a node with a GPU is known")
	}
	if want, ok := subtype(s, "summary")["node-count"]; ok && !n.gpus && Text(want) != fmt.Sprint(len(members)) {
		return nil, fmt.Errorf("the snapshot names %d of its %s nodes", len(members), Text(want))
	}
	return n.byValue(members, with), nil
}

// byValue lists the values of the members, and who has none.
func (n NodeSet) byValue(members map[string]bool, with map[string][]string) []schema.NodeValue {
	var out []schema.NodeValue
	bare := maps.Clone(members)
	for value, nodes := range with {
		nodes = slices.DeleteFunc(nodes, func(node string) bool { return !members[node] })
		for _, node := range nodes {
			delete(bare, node)
		}
		if len(nodes) > 0 {
			slices.Sort(nodes)
			out = append(out, schema.NodeValue{Value: value, Nodes: nodes})
		}
	}
	if len(bare) > 0 {
		out = append(out, schema.NodeValue{Value: schema.AbsentValue, Nodes: slices.Sorted(maps.Keys(bare))})
	}
	slices.SortFunc(out, func(a, b schema.NodeValue) int {
		return cmp.Or(-cmp.Compare(len(a.Nodes), len(b.Nodes)), strings.Compare(a.Value, b.Value))
	})
	return out
}

// Label takes a label of a snapshot apart: as eidos writes it, "key=value": "nodes",
// and as upstream's tools do, "key": "value|nodes".
func Label(key, text string) (name, value, nodes string) {
	if name, value, ok := strings.Cut(key, "="); ok {
		return name, value, text
	}
	if value, nodes, ok := strings.Cut(text, "|"); ok {
		// Where a label has several values the value is in the key too.
		return strings.TrimSuffix(key, "."+value), value, nodes
	}
	return key, text, ""
}

// Listed takes apart the nodes that a snapshot lists for a label or a taint. all
// is false if there are more than are listed.
func Listed(text string) (nodes []string, all bool) {
	for n := range strings.SplitSeq(text, ",") {
		n = strings.TrimSpace(n)
		if n == "" || strings.Contains(n, " ") { // "node-9 and 3 more"
			return nil, false
		}
		nodes = append(nodes, n)
	}
	return nodes, true
}

// subtype is what a snapshot has of NodeTopology.
func subtype(s *schema.Snapshot, name string) map[string]schema.Scalar {
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			if m.Type == "NodeTopology" && sub.Subtype == name {
				return sub.Data
			}
		}
	}
	return nil
}
