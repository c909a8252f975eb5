package kube

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
)

type data = map[string]schema.Scalar

func eksNode(name string) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"eks.amazonaws.com/nodegroup": "gpu"}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1e/i-0861d1808b85e90ca"},
		Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{
			ContainerRuntimeVersion: "containerd://1.7.24", KubeletVersion: "v1.30.14-eks-3025e55", KernelVersion: "6.8.0-1024-aws",
			OperatingSystem: "linux", OSImage: "Ubuntu 22.04.5 LTS", Architecture: "amd64", MachineID: "m", SystemUUID: "s", BootID: "b",
		}},
	}
}

func TestCluster(t *testing.T) {
	node := eksNode("ip-10-0-158-18.ec2.internal")
	a, c := serve(t, map[string]http.HandlerFunc{
		"GET /api/v1/pods": pods([]corev1.Pod{
			pod("nvcr.io/nvidia/k8s-driver-manager:v0.8.0", "nvcr.io/nvidia/driver:570.133.20-ubuntu22.04"),
			pod("", "registry.k8s.io/coredns/coredns:v1.11.4@sha256:abc", "registry.local:5000/team/app"),
			pod("", "registry.k8s.io/pause@sha256:def", "redis:7", "quay.io/bitnami/redis:7"),
			pod("", "nginx:1.27", "docker.io/library/nginx:1.28"),
			pod("", "nginx:1.27"),
		}),
		"GET /api/v1/nodes/" + node.Name: answer(node),
		"GET /apis/nvidia.com/v1/clusterpolicies": answer(map[string]any{"items": []any{map[string]any{
			"metadata": map[string]any{"name": "cluster-policy"},
			"spec": map[string]any{
				"driver":     map[string]any{"version": "570.133.20", "enabled": true, "repoConfig": map[string]any{}, "none": nil},
				"daemonsets": map[string]any{"labels": map[string]any{"helm.sh/chart": "gpu-operator-v25.3.0"}, "tolerations": []any{map[string]any{"operator": "Exists"}}},
				"toolkit":    map[string]any{"env": []any{map[string]any{"name": "TOKEN", "value": "hunter2"}}},
				"dcgm":       map[string]any{"hostPort": 1000000},
			},
		}}}),
	})
	s, err := collected(t, c, Node{Name: node.Name}, schema.CollectParams{Collectors: []schema.Collector{"k8s"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Measurement{{Type: "K8s", Subtypes: []schema.Subtype{
		{Subtype: "image", Data: data{
			"k8s-driver-manager": "v0.8.0", "driver": "570.133.20-ubuntu22.04", "busybox": "latest", "coredns": "v1.11.4", "app": "latest",
			"pause": "sha256:def", "redis": "docker.io/library/redis:7, quay.io/bitnami/redis:7", "nginx": "1.27, 1.28",
		}},
		{Subtype: "node", Data: data{
			"source-node": node.Name, "provider": "eks", "provider-id": node.Spec.ProviderID, "container-runtime": "containerd://1.7.24",
			"container-runtime-id": "containerd://1.7.24", "container-runtime-name": "containerd", "container-runtime-version": "1.7.24",
			"kubelet-version": "v1.30.14-eks-3025e55", "kernel-version": "6.8.0-1024-aws", "operating-system": "linux",
			"os-image": "Ubuntu 22.04.5 LTS", "architecture": "amd64",
		}},
		{Subtype: "policy", Data: data{
			"driver.version": "570.133.20", "driver.enabled": "true", "daemonsets.labels.helm.sh/chart": "gpu-operator-v25.3.0",
			"daemonsets.tolerations": `[{"operator":"Exists"}]`, "toolkit.env": `[{"name":"TOKEN"}]`, "dcgm.hostPort": "1000000",
		}},
		{Subtype: "server", Data: data{"version": "v1.33.5-eks-3025e55", "platform": "linux/amd64", "goVersion": "go1.24.6"}},
	}}}
	if d := cmp.Diff(want, s.Measurements); d != "" {
		t.Error(d)
	}
	if n := a.count("GET /api/v1/pods"); n != 3 {
		t.Errorf("%d pages were read, not 3", n)
	}
}

// A page in JSON, from a server or proxy that has no protobuf.
func TestImagesFromJSON(t *testing.T) {
	_, c := serve(t, map[string]http.HandlerFunc{
		"GET /api/v1/pods": func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Accept", "application/json")
			pods([]corev1.Pod{pod("", "a/x:1"), pod("", "a/x:2"), pod("", "a/x:3")})(w, r)
		},
	})
	r, err := c.images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(data{"x": "1, 2, 3"}, r.Subtypes[0].Data); d != "" {
		t.Error(d)
	}
}

func TestSplitImage(t *testing.T) {
	tests := []struct{ image, repo, tag string }{
		{"nginx", "docker.io/library/nginx", "latest"},
		{"nginx:1", "docker.io/library/nginx", "1"},
		{"bitnami/redis:7", "docker.io/bitnami/redis", "7"},
		{"localhost/x", "localhost/x", "latest"},
		{"reg:5000/a/b", "reg:5000/a/b", "latest"},
		{"reg:5000/a/b:v1@sha256:ab", "reg:5000/a/b", "v1"},
		{"reg.io/a@sha256:ab", "reg.io/a", "sha256:ab"},
	}
	for _, tt := range tests {
		if repo, tag := splitImage(tt.image); repo != tt.repo || tag != tt.tag {
			t.Errorf("%s: %s %s", tt.image, repo, tag)
		}
	}
}

func TestFindNode(t *testing.T) {
	list := func(names ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			l := corev1.NodeList{}
			sel, _ := strings.CutPrefix(r.URL.Query().Get("labelSelector"), "kubernetes.io/hostname=")
			for _, n := range names {
				if sel == "" || strings.HasPrefix(n, sel+".") {
					node := eksNode(n)
					node.Status.NodeInfo.MachineID, node.Status.NodeInfo.BootID = "m-"+n, "b-"+n
					l.Items = append(l.Items, node)
				}
			}
			w.Header().Set("Content-Type", protoType)
			_, _ = w.Write(envelope(&l))
		}
	}
	tests := []struct {
		name  string
		node  Node
		nodes []string
		want  string // the node's name, or the reason that there is none
		off   string // why the host is not a node
	}{
		{"by its name", Node{Name: "n2", Host: "n1"}, []string{"n1", "n2"}, "n2", ""},
		{"a name that is no node", Node{Name: "n9"}, []string{"n1"}, "get nodes: the server could not find the requested resource", ""},
		{"by host name", Node{Host: "N1"}, []string{"n1", "n2"}, "n1", ""},
		{"by host name as a label", Node{Host: "n1"}, []string{"n1.ec2.internal", "n2.ec2.internal"}, "n1.ec2.internal", ""},
		{"the only one", Node{Host: "laptop", Machine: "m-laptop", Boot: "b-laptop"}, []string{"far"}, "far",
			"this host, laptop, is not a node of the cluster, whose only node, far, is shown"},
		{"the only one, this machine", Node{Host: "renamed", Machine: "m-k3s", Boot: "b-k3s"}, []string{"k3s"}, "k3s", ""},
		{"the only one, a clone", Node{Host: "clone", Machine: "m-k3s", Boot: "b-clone"}, []string{"k3s"}, "k3s",
			"this host, clone, is not a node of the cluster, whose only node, k3s, is shown"},
		{"the only one, a container of this machine", Node{Host: "laptop", Machine: "m-laptop", Boot: "b-kind"}, []string{"kind"}, "kind",
			"this host, laptop, is not a node of the cluster, whose only node, kind, is shown"},
		{"none of several", Node{Host: "laptop"}, []string{"n1", "n2"}, "this host, laptop, is not a node of the cluster", "this host, laptop, is not a node of the cluster"},
		{"no nodes", Node{Host: "laptop"}, nil, "the cluster has no nodes", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := map[string]http.HandlerFunc{"GET /api/v1/nodes": list(tt.nodes...)}
			for _, n := range tt.nodes {
				h["GET /api/v1/nodes/"+n] = answer(eksNode(n))
			}
			_, c := serve(t, h)
			s, err := collected(t, c, tt.node, schema.CollectParams{Collectors: []schema.Collector{"k8s"}, BestEffort: true})
			if err != nil {
				t.Fatal(err)
			}
			got, _ := subtype(s, "node")["source-node"].(string)
			if got != tt.want && !strings.Contains(s.Collectors[0].Reason, "node: "+tt.want) {
				t.Errorf("got %q, %+v", got, s.Collectors)
			}
			if off := s.OffNode(); off != tt.off {
				t.Errorf("off the nodes: %q, want %q", off, tt.off)
			}
		})
	}
}

func TestProvider(t *testing.T) {
	node := func(id, kubelet string, labels ...string) *corev1.Node {
		n := &corev1.Node{Spec: corev1.NodeSpec{ProviderID: id}}
		n.Status.NodeInfo.KubeletVersion = kubelet
		n.Labels = map[string]string{}
		for _, l := range labels {
			n.Labels[l] = "x"
		}
		return n
	}
	tests := []struct {
		node *corev1.Node
		want string
	}{
		{node("aws:///us-east-1e/i-0861", "v1.30.14-eks-3025e55"), "eks"},
		{node("aws:///us-east-1e/i-0861", "v1.30.14", "eks.amazonaws.com/nodegroup"), "eks"},
		{node("aws:///us-east-1e/i-0861", "v1.30.14"), "aws"},
		{node("gce://p/us-central1-a/gke-x", "v1.33.1-gke.1337000"), "gke"},
		{node("gce://p/us-central1-a/vm", "v1.33.1"), "gcp"},
		{node("azure:///subscriptions/x", "v1.33.1", "kubernetes.azure.com/cluster"), "aks"},
		{node("ocid1.instance.oc1.iad.x", "v1.33.1", "oke.oraclecloud.com/node.info.private_subnet"), "oke"},
		{node("ocid1.instance.oc1.iad.x", "v1.33.1"), "oci"},
		{node("kind://docker/kind/kind-control-plane", "v1.33.1"), "kind"},
		{node("k3s://node", "v1.33.1+k3s1"), "k3s"},
		{node("", "v1.33.1"), ""},
	}
	for _, tt := range tests {
		if got := provider(tt.node); got != tt.want {
			t.Errorf("%s %s: %q, not %q", tt.node.Spec.ProviderID, tt.node.Status.NodeInfo.KubeletVersion, got, tt.want)
		}
	}
}

// What is forbidden is absent, with verb and resource, and fatal only where it
// is required.
func TestForbidden(t *testing.T) {
	deny := func(message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { status(w, 403, metav1.StatusReasonForbidden, message) }
	}
	_, c := serve(t, map[string]http.HandlerFunc{
		"GET /api/v1/pods":                        deny(`pods is forbidden: User "u" cannot list resource "pods"`),
		"GET /api/v1/nodes/n":                     answer(eksNode("n")),
		"GET /apis/nvidia.com/v1/clusterpolicies": deny(`clusterpolicies is forbidden`),
		"GET /api/v1/secrets":                     deny(`secrets is forbidden`),
	})
	p := schema.CollectParams{Collectors: []schema.Collector{"k8s"}}
	s, err := collected(t, c, Node{Name: "n"}, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.CollectorStatus{{Name: "k8s", Status: "ok", Reason: `image: forbidden: list pods: pods is forbidden: User "u" cannot list resource "pods"; ` +
		`policy: forbidden: list clusterpolicies.nvidia.com: clusterpolicies is forbidden; release: forbidden: list secrets: secrets is forbidden`}}
	if d := cmp.Diff(want, s.Collectors); d != "" {
		t.Error(d)
	}
	p.Require = []schema.CollectorPart{"k8s.image"}
	if _, err := collected(t, c, Node{Name: "n"}, p); schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), "k8s.image is required and absent") {
		t.Errorf("got %v", err)
	}
}

// What is picked out of a Pod's bytes is what decoding all of it gives.
func FuzzPodImages(f *testing.F) {
	seed := pod("i:1", "a:1", "b:2")
	data, err := seed.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole corev1.Pod
		if whole.Unmarshal(data) != nil {
			return
		}
		var got podImages
		if got.Unmarshal(data) != nil {
			return // stricter about numbers that no field can have
		}
		for _, c := range whole.Spec.Containers {
			if c.Image != "" && !slices.Contains(got.Spec.Containers, container{c.Image}) {
				t.Errorf("%q is not in %q", c.Image, got.Spec.Containers)
			}
		}
	})
}

func FuzzReadProtoPage(f *testing.F) {
	l := corev1.PodList{Items: []corev1.Pod{pod("i:1", "a:1")}}
	f.Add(envelope(&l))
	f.Add([]byte("k8s\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		_, err := readProtoPage(body, func(*podImages) { n++ })
		if len(body) < 4 && (err == nil || n > 0) {
			t.Error("a body that is too short was read")
		}
	})
}
