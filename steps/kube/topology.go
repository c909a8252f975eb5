package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// gpuResource is what the NVIDIA device plugin calls a GPU.
const gpuResource corev1.ResourceName = "nvidia.com/gpu"

// topology reads every node's taints and labels: each with the nodes that have
// it, at most most names of them (0 is all), and how many there are.
func (c *Client) topology(ctx context.Context, most int) (collect.Reading, error) {
	taints, labels := nodeSets{}, nodeSets{}
	var nodes, ready, withGPU, gpus int64
	err := list(ctx, c, request{resource: "nodes", path: []string{"api", "v1", "nodes"}}, func(n *corev1.Node) {
		nodes++
		for _, t := range n.Spec.Taints {
			taints.add(taintText(t), n.Name)
		}
		for k, v := range n.Labels {
			labels.add(k+"="+v, n.Name)
		}
		for _, cond := range n.Status.Conditions {
			if cond.Type == corev1.NodeReady && cond.Status == corev1.ConditionTrue {
				ready++
			}
		}
		if q, ok := n.Status.Allocatable[gpuResource]; ok && q.Value() > 0 {
			withGPU++
			gpus += q.Value()
		}
	})
	if err != nil {
		return collect.Reading{}, err
	}
	return collect.Reading{Subtypes: []schema.Subtype{
		{Subtype: "summary", Data: map[string]schema.Scalar{
			"node-count": nodes, "ready-node-count": ready, "gpu-node-count": withGPU, "gpu-count": gpus,
			"taint-count": int64(len(taints)), "label-count": int64(len(labels)),
		}},
		{Subtype: "taint", Data: taints.data(most)},
		{Subtype: "label", Data: labels.data(most)},
	}}, nil
}

// taintText is a taint as kubectl writes it.
func taintText(t corev1.Taint) string {
	if t.Value == "" {
		return t.Key + ":" + string(t.Effect)
	}
	return t.Key + "=" + t.Value + ":" + string(t.Effect)
}

// nodeSets are names of nodes by what they have.
type nodeSets map[string][]string

func (s nodeSets) add(key, node string) { s[key] = append(s[key], node) }

// data lists the nodes of each key, sorted, at most most of them; 0 is all.
func (s nodeSets) data(most int) map[string]schema.Scalar {
	out := map[string]schema.Scalar{}
	for k, names := range s {
		slices.Sort(names)
		more := ""
		if most > 0 && len(names) > most {
			more = fmt.Sprintf(" and %d more", len(names)-most)
			names = names[:most]
		}
		out[k] = strings.Join(names, ", ") + more
	}
	return out
}
