package kube

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// These tests run against a real API server; see tools/kube.

func client(t testing.TB, kubeconfig string) *Client {
	t.Helper()
	c, err := Connect(Config{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// addNode creates a node as a cloud's controllers and a kubelet would leave it.
func addNode(t testing.TB, k *kubetest.Cluster, name, providerID, kubelet, osImage, kernel string, labels map[string]string) {
	t.Helper()
	ctx := context.Background()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.NodeSpec{ProviderID: providerID}}
	n, err := k.Client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}) })
	n.Status.NodeInfo = corev1.NodeSystemInfo{
		KubeletVersion: kubelet, OSImage: osImage, KernelVersion: kernel, OperatingSystem: "linux", Architecture: "amd64",
		ContainerRuntimeVersion: "containerd://1.7.24", MachineID: "0123", SystemUUID: "4567", BootID: "89ab",
	}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.158.18"}}
	if _, err := k.Client.CoreV1().Nodes().UpdateStatus(ctx, n, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func addPod(t testing.TB, k *kubetest.Cluster, name string, init string, images ...string) {
	t.Helper()
	p := pod("", images...)
	p.Name = name
	if init != "" {
		p.Spec.InitContainers = []corev1.Container{{Name: "init", Image: init}}
	}
	if _, err := k.Client.CoreV1().Pods(k.Namespace).Create(context.Background(), &p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		zero := int64(0)
		_ = k.Client.CoreV1().Pods(k.Namespace).Delete(context.Background(), name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
	})
}

// addRelease stores a release as Helm 3 and 4 do.
func addRelease(t testing.TB, k *kubetest.Cluster, name string, revision int, status, chart string) {
	t.Helper()
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	fmt.Fprintf(zw, `{"name":%q,"info":{"status":%q},"chart":%s,"config":{"password":"hunter2"},"version":%d}`, name, status, chart, revision)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := k.Client.CoreV1().Secrets(k.Namespace).Create(context.Background(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:   fmt.Sprintf("sh.helm.release.v1.%s.v%d", name, revision),
			Labels: map[string]string{"owner": "helm", "name": name, "status": status, "version": fmt.Sprint(revision)},
		},
		Type: "helm.sh/release.v1",
		Data: map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

const clusterPolicyCRD = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"clusterpolicies.nvidia.com"},
"spec":{"group":"nvidia.com","scope":"Cluster","names":{"plural":"clusterpolicies","singular":"clusterpolicy","kind":"ClusterPolicy","listKind":"ClusterPolicyList"},
"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`

// post creates an object that the typed client of the tests does not know.
func post(t testing.TB, k *kubetest.Cluster, path, body string) {
	t.Helper()
	end := time.Now().Add(5 * time.Minute)
	for {
		err := k.Client.CoreV1().RESTClient().Post().AbsPath(path).SetHeader("Content-Type", jsonType).Body([]byte(body)).Do(context.Background()).Error()
		if err == nil || strings.Contains(err.Error(), "already exists") {
			return
		}
		if time.Now().After(end) { // a new API takes a moment to be served
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func addPolicy(t testing.TB, k *kubetest.Cluster) {
	t.Helper()
	post(t, k, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", clusterPolicyCRD)
	post(t, k, "/apis/nvidia.com/v1/clusterpolicies", `{"apiVersion":"nvidia.com/v1","kind":"ClusterPolicy","metadata":{"name":"cluster-policy"},`+
		`"spec":{"driver":{"version":"570.133.20","enabled":true},"toolkit":{"env":[{"name":"TOKEN","value":"hunter2"}]}}}`)
}

// The nodes of every service, with what the clouds put on them.
func TestRealNodes(t *testing.T) {
	k := kubetest.New(t)
	tests := []struct {
		service, name, id, kubelet, osImage, kernel string
		labels                                      map[string]string
	}{
		{"eks", "ip-10-0-158-18.ec2.internal", "aws:///us-east-1e/i-0861d1808b85e90ca", "v1.33.5-eks-3025e55", "Ubuntu 24.04.3 LTS", "6.8.0-1024-aws",
			map[string]string{"eks.amazonaws.com/nodegroup": "gpu", "node.kubernetes.io/instance-type": "p5.48xlarge"}},
		{"gke", "gke-train-a3-1234abcd-x1", "gce://project/us-central1-a/gke-train-a3-1234abcd-x1", "v1.33.4-gke.1337000", "Container-Optimized OS from Google", "6.6.97+",
			map[string]string{"cloud.google.com/gke-nodepool": "a3", "cloud.google.com/gke-accelerator": "nvidia-h100-80gb"}},
		{"aks", "aks-gpu-12345678-vmss000000", "azure:///subscriptions/s/resourceGroups/mc/providers/Microsoft.Compute/virtualMachineScaleSets/aks-gpu/virtualMachines/0", "v1.32.7", "Ubuntu 22.04.5 LTS", "5.15.0-1091-azure",
			map[string]string{"kubernetes.azure.com/cluster": "MC_rg_c_eastus", "kubernetes.azure.com/agentpool": "gpu"}},
		{"oke", "10.0.10.7", "ocid1.instance.oc1.iad.anuwcljt", "v1.33.1", "Oracle Linux Server 8.10", "5.15.0-311.el8uek.x86_64",
			map[string]string{"oci.oraclecloud.com/fault-domain": "FAULT-DOMAIN-1", "oke.oraclecloud.com/node.info.private_subnet": "true"}},
		{"kind", "kind-control-plane", "kind://docker/kind/kind-control-plane", "v1.34.0", "Debian GNU/Linux 12 (bookworm)", "6.1.0-28-amd64", nil},
		{"k3s", "edge", "k3s://edge", "v1.33.3+k3s1", "openSUSE Leap 15.6", "6.4.0", nil},
	}
	for _, tt := range tests {
		t.Run(tt.service, func(t *testing.T) {
			addNode(t, k, tt.name, tt.id, tt.kubelet, tt.osImage, tt.kernel, tt.labels)
			s, err := collected(t, client(t, k.Kubeconfig), Node{Name: tt.name}, schema.CollectParams{Collectors: []schema.Collector{"k8s"}})
			if err != nil {
				t.Fatal(err)
			}
			want := data{
				"source-node": tt.name, "provider": tt.service, "provider-id": tt.id, "kubelet-version": tt.kubelet, "os-image": tt.osImage,
				"kernel-version": tt.kernel, "operating-system": "linux", "architecture": "amd64", "container-runtime": "containerd://1.7.24",
				"container-runtime-id": "containerd://1.7.24", "container-runtime-name": "containerd", "container-runtime-version": "1.7.24",
			}
			if d := cmp.Diff(want, subtype(s, "node")); d != "" {
				t.Error(d)
			}
			if text, err := schema.Encode(s); err != nil || bytes.Contains(text, []byte("10.0.158.18")) {
				t.Errorf("an address is in the snapshot, or %v", err)
			}
		})
	}
}

func TestRealCluster(t *testing.T) {
	k := kubetest.New(t)
	addPolicy(t, k)
	addNode(t, k, "real-1", "", "v1.33.5", "Ubuntu", "6.8", map[string]string{"real": "yes"})
	for i := range 7 {
		addPod(t, k, fmt.Sprintf("p%d", i), "", fmt.Sprintf("nvcr.io/nvidia/real-app:v%d", i%3))
	}
	addPod(t, k, "with-init", "registry.k8s.io/real-init@sha256:"+strings.Repeat("ab", 32), "real-main")
	if _, err := k.Client.CoreV1().Pods(k.Namespace).UpdateEphemeralContainers(t.Context(), "with-init", &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "with-init"},
		Spec: corev1.PodSpec{EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: "debug", Image: "busybox:real", TerminationMessagePolicy: corev1.TerminationMessageReadFile, ImagePullPolicy: corev1.PullAlways}}}},
	}, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	chart := func(version string) string { return `{"metadata":{"name":"gpu-operator","version":"` + version + `"}}` }
	addRelease(t, k, "gpu", 1, "superseded", chart("v25.3.0"))
	addRelease(t, k, "gpu", 2, "failed", chart("v25.10.1"))
	addRelease(t, k, "gone", 3, "uninstalled", chart("v25.3.0"))
	addRelease(t, k, "stack", 10, "deployed", `{"metadata":{"name":"eidos","version":"1.0.0","dependencies":[{"name":"nfd","version":"~0.17","alias":"node-feature-discovery"}]},`+
		`"lock":{"dependencies":[{"name":"nfd","version":"0.17.3"}]}}`)

	c := client(t, k.Kubeconfig)
	c.page = 3
	s, err := collected(t, c, Node{Name: "real-1"}, schema.CollectParams{})
	if err != nil {
		t.Fatal(err)
	}
	pick := func(got data, keys ...string) data {
		out := data{}
		for _, key := range keys {
			out[key] = got[key]
		}
		return out
	}
	if d := cmp.Diff(data{"real-app": "v0, v1, v2", "real-init": "sha256:" + strings.Repeat("ab", 32), "real-main": "latest", "busybox": "real"},
		pick(subtype(s, "image"), "real-app", "real-init", "real-main", "busybox")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(data{"driver.version": "570.133.20", "driver.enabled": "true", "toolkit.env": `[{"name":"TOKEN"}]`}, subtype(s, "policy")); d != "" {
		t.Error(d)
	}
	ns := "." + k.Namespace
	if d := cmp.Diff(data{"gpu" + ns: "gpu-operator-v25.10.1, failed", "gone" + ns: nil, "stack" + ns: "eidos-1.0.0, deployed", "stack" + ns + "/node-feature-discovery": "nfd-0.17.3, deployed"},
		pick(subtype(s, "release"), "gpu"+ns, "gone"+ns, "stack"+ns, "stack"+ns+"/node-feature-discovery")); d != "" {
		t.Error(d)
	}
	if v, _ := subtype(s, "server")["version"].(string); !strings.HasPrefix(v, "v1.") {
		t.Errorf("version %q", v)
	}
	if got := subtype(s, "label")["real=yes"]; got != "real-1" {
		t.Errorf("label on %v", got)
	}
	text, err := schema.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("hunter2")) {
		t.Error("a secret is in the snapshot")
	}
	if err := schema.Decode("snapshot", text, &schema.Snapshot{}); err != nil {
		t.Error(err)
	}
}

// Each right is taken away alone: its part is absent and says so, the others
// are there.
func TestRealRBAC(t *testing.T) {
	k := kubetest.New(t)
	addPolicy(t, k)
	addNode(t, k, "rbac-1", "", "v1.33.5", "Ubuntu", "6.8", nil)
	addPod(t, k, "rbac", "", "rbac-app:1")
	addRelease(t, k, "rbac", 1, "deployed", `{"metadata":{"name":"c","version":"1.0.0"}}`)
	rules := []struct {
		rule rbacv1.PolicyRule
		part string // that needs it; its name in the reason
		verb string
	}{
		{kubetest.Rule("", "nodes", "get"), "node", "get nodes"},
		{kubetest.Rule("", "nodes", "list"), "topology", "list nodes"},
		{kubetest.Rule("", "pods", "list"), "image", "list pods"},
		{kubetest.Rule("nvidia.com", "clusterpolicies", "list"), "policy", "list clusterpolicies.nvidia.com"},
		{kubetest.Rule("", "secrets", "list"), "release", "list secrets"},
	}
	parts := map[string]string{"node": "node", "topology": "summary", "image": "image", "policy": "policy", "release": "release"}
	for without := -1; without < len(rules); without++ {
		name, denied := "nothing", ""
		var granted []rbacv1.PolicyRule
		for i, r := range rules {
			if i != without {
				granted = append(granted, r.rule)
			} else {
				name, denied = r.verb, r.part
			}
		}
		t.Run("without "+name, func(t *testing.T) {
			c := client(t, k.As(t, granted...))
			s, err := collected(t, c, Node{Name: "rbac-1"}, schema.CollectParams{})
			if err != nil {
				t.Fatal(err)
			}
			for part, sub := range parts {
				if there := subtype(s, sub) != nil; there == (part == denied) {
					t.Errorf("%s: there: %v", sub, there)
				}
			}
			var reasons string
			for _, c := range s.Collectors {
				reasons += c.Name + " " + c.Status + " " + c.Reason + "\n"
			}
			if denied != "" && !strings.Contains(reasons, "forbidden: "+name+": ") {
				t.Errorf("the refusal of %q is not in\n%s", name, reasons)
			}
			if denied == "" && strings.Contains(reasons, "forbidden") {
				t.Errorf("refused:\n%s", reasons)
			}
		})
	}
	t.Run("no rights at all", func(t *testing.T) {
		c := client(t, k.As(t))
		s, err := collected(t, c, Node{Name: "rbac-1"}, schema.CollectParams{})
		if err != nil {
			t.Fatal(err)
		}
		if subtype(s, "server") == nil || subtype(s, "image") != nil {
			t.Errorf("got %+v", s.Collectors)
		}
	})
	t.Run("token of nobody", func(t *testing.T) {
		c := client(t, k.Kubeconfig)
		config := *c.config
		config.CertData, config.KeyData, config.BearerToken = nil, nil, "not-a-token"
		c, err := newClient(&config, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = collected(t, c, Node{}, schema.CollectParams{BestEffort: true, Require: []schema.CollectorPart{"k8s"}})
		if schema.CodeOf(err) != schema.Unauthorized || !strings.Contains(err.Error(), "does not know these credentials") {
			t.Errorf("got %v", err)
		}
	})
}

// count counts the requests that a client sends.
type count struct {
	next http.RoundTripper
	each func(*http.Request)
}

func (c count) RoundTrip(r *http.Request) (*http.Response, error) {
	c.each(r)
	return c.next.RoundTrip(r)
}
