package kube

import (
	"context"
	"errors"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// NodeSource is the part of Source that is about one node: K8s.node. The agents of
// a fleet take it, so that its Pods are not listed once a node.
func NodeSource(agent string, node Node) collect.Source {
	return collect.Source{
		Collectors: []schema.Collector{"k8s"},
		Open: func(_ context.Context, p schema.CollectParams, _ []schema.Collector) ([]collect.Part, func(), error) {
			c, err := Connect(Config{Kubeconfig: p.Kubeconfig, Context: p.Context, UserAgent: agent})
			if errors.Is(err, ErrNoCluster) {
				return nil, nil, collect.Absent("%s", ErrNoCluster)
			}
			if err != nil {
				return nil, nil, err
			}
			read := func(ctx context.Context) (collect.Reading, error) { return c.node(ctx, node) }
			return []collect.Part{{Collector: "k8s", Name: "node", Type: "K8s", Read: refused(read)}}, c.Close, nil
		},
	}
}
