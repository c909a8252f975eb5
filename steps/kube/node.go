package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// node reads the node that this runs on or, of a cluster with only one, that
// one: what it is says much of the cluster.
func (c *Client) node(ctx context.Context, this Node) (collect.Reading, error) {
	n, here, err := c.findNode(ctx, this)
	if err != nil {
		return collect.Reading{}, err
	}
	r := reading("node", nodeData(n))
	if !here {
		r.Note = fmt.Sprintf("this host, %s, "+schema.OffNodeReason+", whose only node, %s, is shown", this.Host, n.Name)
	}
	return r, nil
}

// findNode finds the node by the name that the agent's Pod was given, else by
// this machine's host name or, of a cluster with only one, by what the machine
// is. here is false for an only node that is not this machine.
func (c *Client) findNode(ctx context.Context, this Node) (n *corev1.Node, here bool, err error) {
	if this.Name != "" {
		var n corev1.Node
		return &n, true, c.get(ctx, "nodes", &n, "api", "v1", "nodes", this.Name)
	}
	if name := strings.ToLower(this.Host); name != "" {
		var n corev1.Node
		err := c.get(ctx, "nodes", &n, "api", "v1", "nodes", name)
		if err == nil || !isStatus(err, http.StatusNotFound) && !isStatus(err, http.StatusForbidden) {
			return &n, true, err
		}
		found, err := c.nodes(ctx, url.Values{"labelSelector": {corev1.LabelHostname + "=" + name}})
		if err != nil {
			return nil, false, err
		}
		if len(found) == 1 {
			return found[0], true, nil
		}
	}
	found, err := c.nodes(ctx, nil)
	switch {
	case err != nil:
		return nil, false, err
	case len(found) == 1:
		info := found[0].Status.NodeInfo
		return found[0], this.Machine != "" && info.MachineID == this.Machine && info.BootID == this.Boot, nil
	case len(found) == 0:
		return nil, false, collect.Absent("the cluster has no nodes")
	}
	return nil, false, collect.Absent("this host, %s, "+schema.OffNodeReason, this.Host)
}

// nodes returns the first two nodes that match: enough to know whether there is
// only one.
func (c *Client) nodes(ctx context.Context, query url.Values) ([]*corev1.Node, error) {
	q := url.Values{"limit": {"2"}}
	for k, v := range query {
		q[k] = v
	}
	resp, err := c.do(ctx, request{method: http.MethodGet, verb: "list", resource: "nodes", path: []string{"api", "v1", "nodes"}, query: q, accept: acceptObjects})
	if err != nil {
		return nil, err
	}
	var out []*corev1.Node
	_, err = readPage(resp, func(n *corev1.Node) { out = append(out, n) })
	return out, err
}

// nodeData keeps no addresses: provider-id names the machine to the cloud.
func nodeData(n *corev1.Node) map[string]schema.Scalar {
	info := n.Status.NodeInfo
	runtime, version, _ := strings.Cut(info.ContainerRuntimeVersion, "://")
	data := map[string]schema.Scalar{}
	for k, v := range map[string]string{
		"source-node":               n.Name,
		"provider":                  provider(n),
		"provider-id":               n.Spec.ProviderID,
		"container-runtime":         info.ContainerRuntimeVersion,
		"container-runtime-id":      info.ContainerRuntimeVersion,
		"container-runtime-name":    runtime,
		"container-runtime-version": version,
		"kubelet-version":           info.KubeletVersion,
		"kernel-version":            info.KernelVersion,
		"operating-system":          info.OperatingSystem,
		"os-image":                  info.OSImage,
		"architecture":              info.Architecture,
	} {
		if v != "" {
			data[k] = v
		}
	}
	return data
}

// services are the managed services by what only their nodes have: a label of
// the service's own, or a suffix of the kubelet's version.
var services = []struct{ name, label, suffix string }{
	{"eks", "eks.amazonaws.com/", "-eks-"},
	{"eks", "alpha.eksctl.io/", "-eks-"},
	{"gke", "cloud.google.com/gke-", "-gke."},
	{"aks", "kubernetes.azure.com/", ""},
	{"oke", "oke.oraclecloud.com/", ""},
	{"oke", "node.info.ds_proxymux_client", ""},
}

// clouds are the clouds by the scheme of a provider id; one without a scheme is
// Oracle's.
var clouds = []struct{ name, prefix string }{
	{"aws", "aws://"}, {"gcp", "gce://"}, {"azure", "azure://"}, {"oci", "ocid1."}, {"oci", "oci://"}, {"kind", "kind://"},
}

// provider names the managed service that n belongs to, or else the cloud: a
// self-managed cluster on a cloud is not that cloud's service. "" if neither
// shows.
func provider(n *corev1.Node) string {
	for _, s := range services {
		if s.suffix != "" && strings.Contains(n.Status.NodeInfo.KubeletVersion, s.suffix) {
			return s.name
		}
		for l := range n.Labels {
			if strings.HasPrefix(l, s.label) {
				return s.name
			}
		}
	}
	for _, c := range clouds {
		if strings.HasPrefix(n.Spec.ProviderID, c.prefix) {
			return c.name
		}
	}
	scheme, _, ok := strings.Cut(n.Spec.ProviderID, "://")
	if !ok {
		return ""
	}
	return scheme
}
