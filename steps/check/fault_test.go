package check

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// fault is something wrong with a cluster, and the one check that must find it.
type fault struct {
	name, check, status string
	says                string // part of the reason
	hint                string // part of the hint
	plant               func(t testing.TB, c *kubetest.Cluster) (mend func())
}

// patch merges into an object or its status, and returns what puts the old fields
// back.
func patch(t testing.TB, c *kubetest.Cluster, path, bad, good string) func() {
	t.Helper()
	send := func(body string) {
		t.Helper()
		if err := c.Client.RESTClient().Patch(types.MergePatchType).AbsPath(path).Body([]byte(body)).Do(context.Background()).Error(); err != nil {
			t.Fatalf("patching %s: %v", path, err)
		}
	}
	send(bad)
	return func() { send(good) }
}

// gone deletes an object, and returns what makes it again.
func gone(t testing.TB, c *kubetest.Cluster, path string) func() {
	t.Helper()
	raw, err := c.Client.RESTClient().Get().AbsPath(path).DoRaw(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	if err := c.Client.RESTClient().Delete().AbsPath(path).Do(context.Background()).Error(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { // a finalizer delays it
		err := c.Client.RESTClient().Get().AbsPath(path).Do(context.Background()).Error()
		if apierrors.IsNotFound(err) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still there: %v", path, err)
		}
	}
	meta := o["metadata"].(map[string]any)
	o["metadata"] = map[string]any{"name": meta["name"], "namespace": meta["namespace"], "labels": meta["labels"], "annotations": meta["annotations"]}
	return func() {
		t.Helper()
		parts := strings.Split(strings.Trim(path, "/"), "/")
		s := standIn{object: o, name: parts[len(parts)-1]}
		s.source.Resource = parts[len(parts)-2]
		if parts[0] == "apis" {
			s.source.Group, s.source.Version = parts[1], parts[2]
		} else {
			s.source.Version = parts[1]
		}
		if i := slices.Index(parts, "namespaces"); i >= 0 && i < len(parts)-2 {
			s.source.Namespace = parts[i+1]
		}
		s.put(t, c)
		for end := time.Now().Add(30 * time.Second); s.source.Resource == "customresourcedefinitions"; time.Sleep(20 * time.Millisecond) {
			d, err := c.Client.RESTClient().Get().AbsPath(path).DoRaw(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(d, []byte(`"status":"True","type":"Established"`)) || bytes.Contains(d, []byte(`"type":"Established","status":"True"`)) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not established: %s", path, d)
			}
		}
	}
}

// extra makes an object that should not be there.
func extra(t testing.TB, c *kubetest.Cluster, s standIn) func() {
	t.Helper()
	s.put(t, c)
	return func() {
		t.Helper()
		if err := c.Client.RESTClient().Delete().AbsPath(s.path()).Body([]byte(`{"gracePeriodSeconds":0,"propagationPolicy":"Background"}`)).Do(context.Background()).Error(); err != nil {
			t.Fatal(err)
		}
		// No controller takes the finalizers away.
		err := c.Client.RESTClient().Patch(types.MergePatchType).AbsPath(s.path()).Body([]byte(`{"metadata":{"finalizers":null}}`)).Do(context.Background()).Error()
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
}

func pod(name, owner string, status map[string]any) standIn {
	s := newStandIn("v1", "Pod", "pods", "cert-manager", name, map[string]any{
		"spec": map[string]any{"containers": []any{map[string]any{"name": "x", "image": "x"}}}, "status": status,
	})
	if owner != "" {
		s.object["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": "1"}}
	}
	return s
}

func waiting(reason string) map[string]any {
	return map[string]any{"phase": "Running", "containerStatuses": []any{map[string]any{
		"name": "x", "image": "x", "imageID": "", "ready": false, "restartCount": 7, "state": map[string]any{"waiting": map[string]any{"reason": reason}},
	}}}
}

func workload(kind, namespace, name string, status map[string]any) standIn {
	s := newStandIn("apps/v1", kind, strings.ToLower(kind)+"s", namespace, name, clone(bodies[kind]))
	old, _ := s.object["status"].(map[string]any)
	if old == nil {
		old = map[string]any{}
	}
	for k, v := range status {
		old[k] = v
	}
	s.object["status"] = old
	return s
}

func faults() []fault {
	const (
		apps    = "/apis/apps/v1/namespaces/"
		webhook = apps + "cert-manager/deployments/cert-manager-webhook"
		plugin  = apps + "gpu-operator/daemonsets/nvidia-device-plugin-daemonset"
		node    = "/api/v1/nodes/gpu-1"
	)
	merge := func(path, bad, good string) func(testing.TB, *kubetest.Cluster) func() {
		return func(t testing.TB, c *kubetest.Cluster) func() { return patch(t, c, path, bad, good) }
	}
	without := func(path string) func(testing.TB, *kubetest.Cluster) func() {
		return func(t testing.TB, c *kubetest.Cluster) func() { return gone(t, c, path) }
	}
	with := func(s standIn) func(testing.TB, *kubetest.Cluster) func() {
		return func(t testing.TB, c *kubetest.Cluster) func() { return extra(t, c, s) }
	}
	return []fault{
		{"a Deployment has no Pod", "cert-manager", "failed", "Deployment cert-manager/cert-manager-webhook: status.availableReplicas is not set, must be >= 1", "kubectl describe deployment -n cert-manager cert-manager-webhook; kubectl get events -n cert-manager",
			merge(webhook+"/status", `{"status":{"availableReplicas":0,"replicas":1}}`, `{"status":{"availableReplicas":1}}`)},
		{"a Deployment is not there", "cert-manager", "failed", "no Deployment cert-manager-cainjector in namespace cert-manager", "deploy.sh --again --only cert-manager", without(apps + "cert-manager/deployments/cert-manager-cainjector")},
		{"a DaemonSet lacks a Pod", "gpu-operator-health", "failed", "status.numberReady is 1, must be 2", "taint", merge(plugin+"/status", `{"status":{"numberReady":1}}`, `{"status":{"numberReady":2}}`)},
		{"a DaemonSet leaves out a GPU node", "gpu-operator-health", "failed", "status.desiredNumberScheduled is 1, must be >= 2", "taint",
			merge(plugin+"/status", `{"status":{"desiredNumberScheduled":1,"numberReady":1}}`, `{"status":{"desiredNumberScheduled":2,"numberReady":2}}`)},
		{"a CRD is not there", "cert-manager", "failed", "no CustomResourceDefinition clusterissuers.cert-manager.io", "--again --only cert-manager", without("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterissuers.cert-manager.io")},
		{"an operator is not ready", "operator-health", "failed", "status.state is notReady, must be ready", "kubectl get clusterpolicies", merge("/apis/nvidia.com/v1/clusterpolicies/x-clusterpolicy/status", `{"status":{"state":"notReady"}}`, `{"status":{"state":"ready"}}`)},
		{"the operator is an old one", "gpu-operator-version", "failed", "is v24.3.0, must be >= v24.6.0", "bundle",
			merge(apps+"gpu-operator/deployments/gpu-operator", `{"metadata":{"labels":{"app.kubernetes.io/version":"v24.3.0"}}}`, `{"metadata":{"labels":{"app.kubernetes.io/version":"v25.10.1"}}}`)},
		{"a chart has another version", "releases", "failed", "Release cert-manager/cert-manager: chart.version is v1.0.0", "bundle",
			func(t testing.TB, c *kubetest.Cluster) func() {
				return rerelease(t, c, func(r map[string]any) { set(r, "chart.metadata.version", "v1.0.0") })
			}},
		{"a release has failed", "releases", "failed", "Release cert-manager/cert-manager: status is failed, must be deployed", "helm status",
			func(t testing.TB, c *kubetest.Cluster) func() {
				return rerelease(t, c, func(r map[string]any) { set(r, "info.status", "failed") })
			}},
		{"a release left no trace", "releases", "unknown", "no Release cert-manager", "deploying the recipe's bundle again", func(t testing.TB, c *kubetest.Cluster) func() {
			return gone(t, c, "/api/v1/namespaces/cert-manager/secrets/sh.helm.release.v1.cert-manager.v1")
		}},
		{"a webhook is dead", "webhooks", "failed", "ValidatingWebhookConfiguration cert-manager-webhook: Service cert-manager/cert-manager-webhook has no endpoint that is ready", "endpointslices",
			merge("/apis/discovery.k8s.io/v1/namespaces/cert-manager/endpointslices/cert-manager-webhook-1", `{"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":false}}]}`, `{"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}}]}`)},
		{"a quota is used up", "pods-created", "failed", "Deployment cert-manager/cert-manager: status.conditions[type=ReplicaFailure].status is True", "resourcequota",
			merge(apps+"cert-manager/deployments/cert-manager/status", `{"status":{"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]}}`, `{"status":{"conditions":null}}`)},
		{"an image is missing", "platform-health", "failed", "Pod cert-manager/stray: status.containerStatuses[*].state.waiting.reason is ImagePullBackOff", "kubectl logs", with(pod("stray", "", waiting("ImagePullBackOff")))},
		{"a Pod crashes", "platform-health", "failed", "is CrashLoopBackOff", "kubectl logs", with(pod("loop", "other-5c9f", waiting("CrashLoopBackOff")))},
		{"a Pod is pending", "platform-health", "failed", "Pod cert-manager/stuck: status.phase is Pending", "kubectl", with(pod("stuck", "", map[string]any{"phase": "Pending"}))},
		{"a workload beside them is not ready", "expected-resources", "failed", "Deployment monitoring/beside: status.availableReplicas is not set, must be 1", "kubectl describe deployment -n monitoring beside", with(workload("Deployment", "monitoring", "beside", nil))},
		{"a Job has failed", "jobs-complete", "failed", "Job cert-manager/startupapicheck", "kubectl logs job", with(newStandIn("batch/v1", "Job", "jobs", "cert-manager", "startupapicheck", map[string]any{
			"spec":   map[string]any{"template": map[string]any{"spec": map[string]any{"restartPolicy": "Never", "containers": []any{map[string]any{"name": "x", "image": "x"}}}}},
			"status": map[string]any{"startTime": "2026-01-01T00:00:00Z", "conditions": []any{map[string]any{"type": "FailureTarget", "status": "True"}, map[string]any{"type": "Failed", "status": "True"}}},
		}))},
		{"a volume is not bound", "volumes-bound", "failed", "PersistentVolumeClaim monitoring/data: status.phase is Pending, must be Bound", "kubectl describe pvc", with(newStandIn("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "monitoring", "data", map[string]any{
			"spec": map[string]any{"accessModes": []any{"ReadWriteOnce"}, "resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}}}, "status": map[string]any{"phase": "Pending"},
		}))},
		{"a node is not ready", "nodes-ready", "failed", "Node gpu-1: status.conditions[type=Ready].status is False, must be True", "kubectl describe node",
			merge(node+"/status", `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`, `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`)},
		{"a GPU has fallen off", "gpu-capacity", "failed", "is 7, must be 8", "XID", merge(node+"/status", `{"status":{"allocatable":{"nvidia.com/gpu":"7"}}}`, `{"status":{"allocatable":{"nvidia.com/gpu":"8"}}}`)},
		{"a GPU node has no product", "gpu-labels", "failed", "Node gpu-1", "gpu-feature-discovery", merge(node, `{"metadata":{"labels":{"nvidia.com/gpu.product":null}}}`, `{"metadata":{"labels":{"nvidia.com/gpu.product":"NVIDIA-H100-80GB-HBM3"}}}`)},
		{"a node offers no devices", "dra-resource-slices", "failed", "1 ResourceSlice, must be >= 2", "kubelet plugin", without("/apis/resource.k8s.io/v1/resourceslices/gpu-1")},
		{"a DeviceClass is not there", "dra-device-classes", "failed", "no DeviceClass gpu.nvidia.com", "DRA driver", without("/apis/resource.k8s.io/v1/deviceclasses/gpu.nvidia.com")},
		{"a certificate is not issued", "certificates-ready", "failed", "Certificate cert-manager/broken", "CertificateRequest", with(newStandIn("cert-manager.io/v1", "Certificate", "certificates", "cert-manager", "broken", map[string]any{
			"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False"}}},
		}))},
	}
}

// rerelease changes what Helm keeps of the release of cert-manager.
func rerelease(t testing.TB, c *kubetest.Cluster, change func(release map[string]any)) func() {
	t.Helper()
	ctx, api := context.Background(), c.Client.CoreV1().Secrets("cert-manager")
	s, err := api.Get(ctx, "sh.helm.release.v1.cert-manager.v1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old := s.Data["release"]
	put := func(data []byte) {
		t.Helper()
		s.Data["release"] = data
		if s, err = api.Update(ctx, s, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := base64.StdEncoding.DecodeString(string(old))
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var release map[string]any
	if err := json.NewDecoder(zr).Decode(&release); err != nil {
		t.Fatal(err)
	}
	change(release)
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(zw).Encode(release), zw.Close()); err != nil {
		t.Fatal(err)
	}
	put([]byte(base64.StdEncoding.EncodeToString(b.Bytes())))
	return func() { put(old) }
}
