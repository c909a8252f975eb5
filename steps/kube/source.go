package kube

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// Node says which node a snapshot is of.
type Node struct {
	Name string // NODE_NAME of the agent's Pod; "" if it is not known
	Host string // this machine's host name

	// Machine and Boot are this machine's /etc/machine-id and the kernel's boot
	// id, as the kubelet reports them of its node. Clones of one machine share
	// the first; kind's nodes, which are containers, the second.
	Machine, Boot string
}

// ThisNode is the node that this process runs on, as far as it can tell.
func ThisNode() Node {
	host, _ := os.Hostname()
	id := func(file string) string {
		text, _ := os.ReadFile(file) // without one, this machine is not known by it
		return strings.TrimSpace(string(text))
	}
	return Node{
		Name: os.Getenv("NODE_NAME"), Host: host,
		Machine: id("/etc/machine-id"), Boot: id("/proc/sys/kernel/random/boot_id"),
	}
}

// Source is the Kubernetes cluster: the collectors k8s and topology, over one
// connection. agent is the User-Agent, node is called when the cluster is read.
func Source(agent string, node func() Node) collect.Source {
	return collect.Source{
		Collectors: []schema.Collector{"k8s", "topology"},
		Open: func(ctx context.Context, p schema.CollectParams, want []schema.Collector) ([]collect.Part, func(), error) {
			c, err := Connect(Config{Kubeconfig: p.Kubeconfig, Context: p.Context, UserAgent: agent})
			if errors.Is(err, ErrNoCluster) {
				return nil, nil, collect.Absent("%s", ErrNoCluster)
			}
			if err != nil {
				return nil, nil, err
			}
			parts, err := c.parts(ctx, p, node(), want)
			if err != nil {
				c.Close()
				return nil, nil, err
			}
			return parts, c.Close, nil
		},
	}
}

// parts are the collectors of the cluster. The server's version is read first:
// if that does not work, nothing will, and it is said once.
func (c *Client) parts(ctx context.Context, p schema.CollectParams, node Node, want []schema.Collector) ([]collect.Part, error) {
	server, serverErr := c.server(ctx)
	if serverErr != nil && !isStatus(serverErr, http.StatusForbidden) {
		return nil, serverErr
	}
	all := []collect.Part{
		{Collector: "k8s", Name: "image", Read: c.images},
		{Collector: "k8s", Name: "node", Read: func(ctx context.Context) (collect.Reading, error) { return c.node(ctx, node) }},
		{Collector: "k8s", Name: "policy", Read: c.policy},
		{Collector: "k8s", Name: "release", Read: c.releases},
		{Collector: "k8s", Name: "server", Read: func(context.Context) (collect.Reading, error) { return server, serverErr }},
		{Collector: "topology", Read: func(ctx context.Context) (collect.Reading, error) { return c.topology(ctx, int(p.MaxNodesPerEntry)) }},
	}
	var out []collect.Part
	for _, part := range all {
		for _, w := range want {
			if part.Collector == w {
				part.Type = "K8s"
				if part.Collector == "topology" {
					part.Type = "NodeTopology"
				}
				part.Read = refused(part.Read)
				out = append(out, part)
			}
		}
	}
	return out, nil
}

// refused makes what the API server forbids, or does not have, absent: with
// the verb and the resource, which are in the message.
func refused(read func(context.Context) (collect.Reading, error)) func(context.Context) (collect.Reading, error) {
	return func(ctx context.Context) (collect.Reading, error) {
		r, err := read(ctx)
		if isStatus(err, http.StatusForbidden) || isStatus(err, http.StatusNotFound) {
			err = collect.Absent("%s", err)
		}
		return r, err
	}
}

// reading is one subtype.
func reading(name string, data map[string]schema.Scalar) collect.Reading {
	return collect.Reading{Subtypes: []schema.Subtype{{Subtype: name, Data: data}}}
}
