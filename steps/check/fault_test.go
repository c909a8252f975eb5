package check

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/NVIDIA/eidos/schema"
)

// fault is something wrong with a cluster, and the one check that must find it.
type fault struct {
	name, check, status string
	says                string // part of the reason
	hint                string // part of the hint
	plant               plant
}

// plant makes a fault and returns what mends it.
type plant func(t testing.TB, s *stack) (mend func())

// find plants each fault, which one check must find, and mends it.
func (s *stack) find(t *testing.T, list []fault) {
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			mend := f.plant(t, s)
			got := s.until(t, func(got map[string]schema.Check) bool { return len(got) == 1 && f.found(got) })
			mend()
			if row := got[f.check]; !f.found(got) {
				t.Errorf("%s is %s: %s (hint %s), want %s: %s (hint %s)", f.check, row.Status, row.Reason, row.Hint, f.status, f.says, f.hint)
			}
			for name, row := range got {
				if name != f.check {
					t.Errorf("also %s: %s", name, row.Reason)
				}
			}
			for name, c := range s.until(t, func(got map[string]schema.Check) bool { return len(got) == 0 }) {
				t.Errorf("after it was mended %s is %s: %s", name, c.Status, c.Reason)
			}
		})
	}
}

// found reports whether its check has found a fault.
func (f fault) found(got map[string]schema.Check) bool {
	row, ok := got[f.check]
	return ok && row.Status == f.status && strings.Contains(row.Reason, f.says) && strings.Contains(row.Hint, f.hint)
}

// until returns what is wrong, on a real cluster once it is as it should be: its
// controllers take a moment.
func (s *stack) until(t testing.TB, as func(map[string]schema.Check) bool) map[string]schema.Check {
	t.Helper()
	for end := time.Now().Add(settleLimit); ; time.Sleep(time.Second) {
		if got := wrong(s.run(t)); as(got) || !s.real || time.Now().After(end) {
			return got
		}
	}
}

// settleLimit is how long controllers, a kubelet and its backing off may take.
const settleLimit = 5 * time.Minute

// patch merges into an object or its status, and returns what puts the old fields
// back.
func patch(t testing.TB, s *stack, path, bad, good string) func() {
	t.Helper()
	send := func(body string) {
		t.Helper()
		if err := s.Client.RESTClient().Patch(types.MergePatchType).AbsPath(path).Body([]byte(body)).Do(context.Background()).Error(); err != nil {
			t.Fatalf("patching %s: %v", path, err)
		}
	}
	send(bad)
	return func() { send(good) }
}

// gone deletes an object, and returns what makes it again.
func gone(t testing.TB, s *stack, path string) func() {
	t.Helper()
	c := s.Cluster
	raw, err := c.Client.RESTClient().Get().AbsPath(path).DoRaw(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	remove(t, s, path)
	meta := o["metadata"].(map[string]any)
	o["metadata"] = map[string]any{"name": meta["name"], "namespace": meta["namespace"], "labels": meta["labels"], "annotations": meta["annotations"]}
	return func() {
		t.Helper()
		parts := strings.Split(strings.Trim(path, "/"), "/")
		again := standIn{object: o, name: parts[len(parts)-1]}
		again.source.Resource = parts[len(parts)-2]
		if parts[0] == "apis" {
			again.source.Group, again.source.Version = parts[1], parts[2]
		} else {
			again.source.Version = parts[1]
		}
		if i := slices.Index(parts, "namespaces"); i >= 0 && i < len(parts)-2 {
			again.source.Namespace = parts[i+1]
		}
		s.put(t, again)
		for end := time.Now().Add(30 * time.Second); again.source.Resource == "customresourcedefinitions"; time.Sleep(20 * time.Millisecond) {
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

// remove deletes an object and waits until it is gone, or another of its name is there: a
// controller may make one at once.
func remove(t testing.TB, s *stack, path string) {
	t.Helper()
	uid := func() (types.UID, error) {
		var o metav1.PartialObjectMetadata
		text, err := s.Client.RESTClient().Get().AbsPath(path).DoRaw(context.Background())
		if err == nil {
			err = json.Unmarshal(text, &o)
		}
		return o.UID, err
	}
	old, err := uid()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Client.RESTClient().Delete().AbsPath(path).Do(context.Background()).Error(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(settleLimit); ; time.Sleep(20 * time.Millisecond) { // a finalizer delays it
		now, err := uid()
		if apierrors.IsNotFound(err) || err == nil && now != old {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still there: %v", path, err)
		}
	}
}

// extra makes an object that should not be there.
func extra(t testing.TB, s *stack, o standIn) func() {
	t.Helper()
	s.put(t, o)
	return func() {
		t.Helper()
		if err := s.Client.RESTClient().Delete().AbsPath(o.path()).Body([]byte(`{"gracePeriodSeconds":0,"propagationPolicy":"Background"}`)).Do(context.Background()).Error(); err != nil {
			t.Fatal(err)
		}
		// Without controllers nobody takes the finalizers away.
		err := s.Client.RESTClient().Patch(types.MergePatchType).AbsPath(o.path()).Body([]byte(`{"metadata":{"finalizers":null}}`)).Do(context.Background()).Error()
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
}

// pod is one whose spec makes a kubelet write the status that it has here.
func pod(name string, spec, status map[string]any) standIn {
	all := template(name)["spec"].(map[string]any)
	maps.Copy(all, spec)
	return newStandIn("v1", "Pod", "pods", "cert-manager", name, map[string]any{"spec": all, "status": status})
}

func waiting(reason string) map[string]any {
	return map[string]any{"phase": "Running", "containerStatuses": []any{map[string]any{
		"name": "x", "image": "x", "imageID": "", "ready": false, "restartCount": 7, "state": map[string]any{"waiting": map[string]any{"reason": reason}},
	}}}
}

// crashed is the status between an end and the next start.
var crashed = map[string]any{"phase": "Running", "containerStatuses": []any{map[string]any{
	"name": "x", "image": "x", "imageID": "", "ready": false, "restartCount": 3, "state": map[string]any{"terminated": map[string]any{"exitCode": 1, "reason": "Error"}},
}}}

// loop is a Pod that crashes.
func loop(status map[string]any) standIn {
	return pod("loop", map[string]any{"containers": containers(map[string]any{"command": fails})}, status)
}

// beside is a Deployment of no component, whose Pod runs and is never ready.
func beside() standIn {
	o := body("Deployment", "beside")
	set(o, "spec.template.spec.containers", containers(map[string]any{"readinessProbe": never}))
	return newStandIn("apps/v1", "Deployment", "deployments", "monitoring", "beside", o)
}

func (s *stack) faults() []fault {
	const (
		apps    = "/apis/apps/v1/namespaces/"
		webhook = apps + "cert-manager/deployments/cert-manager-webhook"
		plugin  = apps + "gpu-operator/daemonsets/nvidia-device-plugin-daemonset"
	)
	last := s.nodes[1]
	node := "/api/v1/nodes/" + last
	merge := func(path, bad, good string) plant {
		return func(t testing.TB, s *stack) func() { return patch(t, s, path, bad, good) }
	}
	without := func(path string) plant {
		return func(t testing.TB, s *stack) func() { return gone(t, s, path) }
	}
	with := func(o standIn) plant {
		return func(t testing.TB, s *stack) func() { return extra(t, s, o) }
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
			func(t testing.TB, s *stack) func() {
				return rerelease(t, s, func(r map[string]any) { set(r, "chart.metadata.version", "v1.0.0") })
			}},
		{"a release has failed", "releases", "failed", "Release cert-manager/cert-manager: status is failed, must be deployed", "helm status",
			func(t testing.TB, s *stack) func() {
				return rerelease(t, s, func(r map[string]any) { set(r, "info.status", "failed") })
			}},
		{"a release left no trace", "releases", "unknown", "no Release cert-manager", "deploying the recipe's bundle again", func(t testing.TB, s *stack) func() {
			return gone(t, s, "/api/v1/namespaces/cert-manager/secrets/sh.helm.release.v1.cert-manager.v1")
		}},
		{"a webhook is dead", "webhooks", "failed", "ValidatingWebhookConfiguration cert-manager-webhook: Service cert-manager/cert-manager-webhook has no endpoint that is ready", "endpointslices",
			merge("/apis/discovery.k8s.io/v1/namespaces/cert-manager/endpointslices/cert-manager-webhook-1", `{"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":false}}]}`, `{"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}}]}`)},
		{"a quota is used up", "pods-created", "failed", "Deployment cert-manager/cert-manager: status.conditions[type=ReplicaFailure].status is True", "resourcequota",
			merge(apps+"cert-manager/deployments/cert-manager/status", `{"status":{"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]}}`, `{"status":{"conditions":null}}`)},
		{"an image is missing", "platform-health", "failed", "Pod cert-manager/stray: status.containerStatuses[*].state.waiting.reason is ImagePullBackOff", "kubectl logs", with(pod("stray", map[string]any{"containers": containers(map[string]any{"image": noImage})}, waiting("ImagePullBackOff")))},
		{"a Pod crashes", "platform-health", "failed", "Pod cert-manager/loop: status.containerStatuses[*].state.terminated.reason is Error", "kubectl logs", with(loop(crashed))},
		{"a Pod crashes again and again", "platform-health", "failed", "is CrashLoopBackOff", "kubectl logs", with(loop(waiting("CrashLoopBackOff")))},
		{"a Pod is pending", "platform-health", "failed", "Pod cert-manager/stuck: status.phase is Pending", "kubectl", with(pod("stuck", map[string]any{"nodeSelector": map[string]any{"no": "such"}}, map[string]any{"phase": "Pending"}))},
		{"a workload beside them is not ready", "expected-resources", "failed", "Deployment monitoring/beside: status.availableReplicas is not set, must be 1", "kubectl describe deployment -n monitoring beside", with(beside())},
		{"a Job has failed", "jobs-complete", "failed", "Job cert-manager/startupapicheck", "kubectl logs job", with(newStandIn("batch/v1", "Job", "jobs", "cert-manager", "startupapicheck", map[string]any{
			"spec":   map[string]any{"backoffLimit": 0, "template": map[string]any{"spec": map[string]any{"restartPolicy": "Never", "containers": containers(map[string]any{"command": fails})}}},
			"status": map[string]any{"startTime": "2026-01-01T00:00:00Z", "conditions": []any{map[string]any{"type": "FailureTarget", "status": "True"}, map[string]any{"type": "Failed", "status": "True"}}},
		}))},
		{"a volume is not bound", "volumes-bound", "failed", "PersistentVolumeClaim monitoring/data: status.phase is Pending, must be Bound", "kubectl describe pvc", with(newStandIn("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "monitoring", "data", map[string]any{
			"spec": map[string]any{"accessModes": []any{"ReadWriteOnce"}, "storageClassName": "none", "resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}}}, "status": map[string]any{"phase": "Pending"},
		}))},
		{"a node is not ready", "nodes-ready", "failed", "Node " + last + ": status.conditions[type=Ready].status is False, must be True", "kubectl describe node",
			merge(node+"/status", `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`, `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`)},
		{"a GPU has fallen off", "gpu-capacity", "failed", "is 7, must be 8", "XID", merge(node+"/status", `{"status":{"allocatable":{"nvidia.com/gpu":"7"}}}`, `{"status":{"allocatable":{"nvidia.com/gpu":"8"}}}`)},
		{"a GPU node has no product", "gpu-labels", "failed", "Node " + last, "gpu-feature-discovery", merge(node, `{"metadata":{"labels":{"nvidia.com/gpu.product":null}}}`, `{"metadata":{"labels":{"nvidia.com/gpu.product":"NVIDIA-H100-80GB-HBM3"}}}`)},
		{"a node offers no devices", "dra-resource-slices", "failed", "1 ResourceSlice, must be >= 2", "kubelet plugin", without("/apis/resource.k8s.io/v1/resourceslices/" + last)},
		{"a DeviceClass is not there", "dra-device-classes", "failed", "no DeviceClass gpu.nvidia.com", "DRA driver", without("/apis/resource.k8s.io/v1/deviceclasses/gpu.nvidia.com")},
		{"a certificate is not issued", "certificates-ready", "failed", "Certificate cert-manager/broken", "CertificateRequest", with(newStandIn("cert-manager.io/v1", "Certificate", "certificates", "cert-manager", "broken", map[string]any{
			"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False"}}},
		}))},
	}
}

// rerelease changes what Helm keeps of the release of cert-manager.
func rerelease(t testing.TB, s *stack, change func(release map[string]any)) func() {
	t.Helper()
	ctx, api := context.Background(), s.Client.CoreV1().Secrets("cert-manager")
	secret, err := api.Get(ctx, "sh.helm.release.v1.cert-manager.v1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old := secret.Data["release"]
	put := func(data []byte) {
		t.Helper()
		secret.Data["release"] = data
		if secret, err = api.Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
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
