package kube

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/NVIDIA/eidos/schema"
)

func TestTopology(t *testing.T) {
	var l corev1.NodeList
	for _, name := range []string{"n3", "n1", "n2"} {
		n := corev1.Node{}
		n.Name = name
		n.Labels = map[string]string{"zone": "a", "host": name}
		if name != "n2" {
			n.Spec.Taints = []corev1.Taint{{Key: "nvidia.com/gpu", Value: "present", Effect: "NoSchedule"}, {Key: "dedicated", Effect: "NoExecute"}}
			n.Status.Allocatable = corev1.ResourceList{gpuResource: resource.MustParse("8")}
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		}
		l.Items = append(l.Items, n)
	}
	h := map[string]http.HandlerFunc{"GET /api/v1/nodes": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", protoType)
		_, _ = w.Write(envelope(&l))
	}}
	_, c := serve(t, h)
	s, err := collected(t, c, Node{}, schema.CollectParams{Collectors: []schema.Collector{"topology"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Measurement{{Type: "NodeTopology", Subtypes: []schema.Subtype{
		{Subtype: "label", Data: data{"zone=a": "n1, n2, n3", "host=n1": "n1", "host=n2": "n2", "host=n3": "n3"}},
		{Subtype: "summary", Data: data{"node-count": int64(3), "ready-node-count": int64(2), "gpu-node-count": int64(2), "gpu-count": int64(16), "taint-count": int64(2), "label-count": int64(4)}},
		{Subtype: "taint", Data: data{"nvidia.com/gpu=present:NoSchedule": "n1, n3", "dedicated:NoExecute": "n1, n3"}},
	}}}
	if d := cmp.Diff(want, s.Measurements); d != "" {
		t.Error(d)
	}
	s, err = collected(t, c, Node{}, schema.CollectParams{Collectors: []schema.Collector{"topology"}, MaxNodesPerEntry: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := subtype(s, "label")["zone=a"]; got != "n1 and 2 more" {
		t.Errorf("got %v", got)
	}
}
