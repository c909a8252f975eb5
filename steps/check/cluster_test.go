package check

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(envRun); mode != "" {
		os.Exit(runOnly(mode))
	}
	os.Exit(kubetest.Main(m))
}

// planned is the recipe for training by Kubeflow on H100 and EKS, and the checks there are.
func planned(t testing.TB) (*schema.RecipeResult, map[string]recipes.Check) {
	t.Helper()
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	known, err := cat.Checks()
	if err != nil {
		t.Fatal(err)
	}
	all, err := cat.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if !slices.Contains(a.Leaves, "h100-eks-ubuntu-training-kubeflow") {
			continue
		}
		d, err := cat.Document(a)
		if err != nil {
			t.Fatal(err)
		}
		return &schema.RecipeResult{ComponentRefs: d.Components, Validation: d.Validation}, known
	}
	t.Fatal("the catalogue has no overlay h100-eks-ubuntu-training-kubeflow")
	return nil, nil
}

// conditional are the parameters of a run of those checks that need nothing but
// the API server.
func conditional(known map[string]recipes.Check, r *schema.RecipeResult, t testing.TB) schema.VerifyClusterParams {
	p := schema.VerifyClusterParams{Phase: []string{"all"}}
	items, err := choose(r, known, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		through := slices.ContainsFunc(i.check.Expect, func(e recipes.Expect) bool { return e.Proxy != nil })
		if i.check.Run != nil || i.check.Probe != "" && i.check.Probe != "webhooks" || through {
			p.Skip = append(p.Skip, i.check.Name)
		}
	}
	return p
}

func connect(t testing.TB, kubeconfig string) *kube.Client {
	t.Helper()
	c, err := kube.Connect(kube.Config{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// wrong lists what did not pass: NAME status: reason.
func wrong(r *schema.ValidationResult) map[string]schema.Check {
	out := map[string]schema.Check{}
	for _, c := range r.Results {
		if c.Status != "passed" {
			out[c.Name] = c
		}
	}
	return out
}

// deploy makes a cluster on which every condition of the recipe's checks holds.
func deploy(t testing.TB, c *kubetest.Cluster, r *schema.RecipeResult, known map[string]recipes.Check, p schema.VerifyClusterParams) {
	t.Helper()
	ctx := context.Background()
	for _, ns := range expect.Namespaces(r) {
		if _, err := c.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil && !strings.Contains(err.Error(), "exists") {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		n := kubetest.NewNode(fmt.Sprintf("gpu-%d", i))
		n.Labels["nvidia.com/cuda.driver-version.full"] = "580.105.08"
		if err := c.AddNode(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	items, err := choose(r, known, p)
	if err != nil {
		t.Fatal(err)
	}
	var all []standIn
	for _, i := range items {
		all = append(all, standInsOf(t, r, i.check)...)
	}
	all = mergeStandIns(all)
	defined := map[string]bool{}
	for _, s := range all {
		if s.source.Resource == "customresourcedefinitions" {
			defined[s.name] = true
		}
	}
	for _, s := range all {
		name := s.source.Resource + "." + s.source.Group
		if strings.Contains(s.source.Group, ".") && !strings.HasSuffix(s.source.Group, ".k8s.io") && !defined[name] {
			defined[name] = true
			d := crd(name, s.source.Version, s.source.Kind)
			if s.source.Namespace == "" {
				d.object["spec"].(map[string]any)["scope"] = "Cluster"
			}
			d.put(t, c)
		}
	}
	slices.SortStableFunc(all, func(a, b standIn) int { // definitions first
		if x, y := a.source.Resource == "customresourcedefinitions", b.source.Resource == "customresourcedefinitions"; x != y && x {
			return -1
		} else if x != y {
			return 1
		}
		return 0
	})
	for _, s := range all {
		if s.source.Resource == "customresourcedefinitions" {
			for _, o := range all {
				if o.source.Resource+"."+o.source.Group == s.name {
					s = crd(s.name, o.source.Version, o.source.Kind)
					if o.source.Namespace == "" {
						s.object["spec"].(map[string]any)["scope"] = "Cluster"
					}
				}
			}
		}
		s.put(t, c)
	}
	for i := range 2 {
		s := newStandIn("resource.k8s.io/v1", "ResourceSlice", "resourceslices", "", fmt.Sprintf("gpu-%d", i), clone(bodies["ResourceSlice"]))
		set(s.object, "spec.nodeName", fmt.Sprintf("gpu-%d", i))
		set(s.object, "spec.pool.name", fmt.Sprintf("gpu-%d", i))
		s.put(t, c)
	}
	webhook(t, c, true)
}

// webhook makes one of cert-manager with an endpoint.
func webhook(t testing.TB, c *kubetest.Cluster, ready bool) {
	newStandIn("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "", "cert-manager-webhook", map[string]any{
		"webhooks": []any{map[string]any{
			"name": "webhook.cert-manager.io", "sideEffects": "None", "admissionReviewVersions": []any{"v1"},
			"clientConfig": map[string]any{"service": map[string]any{"namespace": "cert-manager", "name": "cert-manager-webhook"}},
			"rules":        []any{map[string]any{"apiGroups": []any{"cert-manager.io"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"nothing"}}},
		}},
	}).put(t, c)
	s := newStandIn("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", "cert-manager", "cert-manager-webhook-1", map[string]any{
		"addressType": "IPv4", "endpoints": []any{map[string]any{"addresses": []any{"10.0.0.1"}, "conditions": map[string]any{"ready": ready}}},
	})
	s.object["metadata"].(map[string]any)["labels"] = map[string]any{"kubernetes.io/service-name": "cert-manager-webhook"}
	s.put(t, c)
}

// fault is something wrong with a cluster, and the one check that must find it.
type fault struct {
	name, check, status string
	says                string // part of the reason
	hint                string // part of the hint
	plant               func(t testing.TB, c *kubetest.Cluster) (mend func())
}

func TestPlantedFaults(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{})
	r, known := planned(t)
	p := conditional(known, r, t)
	deploy(t, c, r, known, p)
	client := connect(t, c.Kubeconfig)
	run := func() *schema.ValidationResult {
		t.Helper()
		out, err := Run(context.Background(), r, known, client, p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	sound := run()
	for name, c := range wrong(sound) {
		t.Errorf("%s is %s: %s", name, c.Status, c.Reason)
	}
	if t.Failed() || sound.Summary.Passed < 25 {
		t.Fatalf("%+v", sound.Summary)
	}
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			mend := f.plant(t, c)
			got := wrong(run())
			mend()
			row, ok := got[f.check]
			if !ok || row.Status != f.status || !strings.Contains(row.Reason, f.says) || !strings.Contains(row.Hint, f.hint) {
				t.Errorf("%s is %s: %s (hint %s), want %s: %s (hint %s)", f.check, row.Status, row.Reason, row.Hint, f.status, f.says, f.hint)
			}
			for name, row := range got {
				if name != f.check {
					t.Errorf("also %s: %s", name, row.Reason)
				}
			}
		})
	}
	for name, c := range wrong(run()) {
		t.Errorf("after all faults were mended %s is %s: %s", name, c.Status, c.Reason)
	}
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
	for { // what has a finalizer goes in its time
		if err := c.Client.RESTClient().Get().AbsPath(path).Do(context.Background()).Error(); apierrors.IsNotFound(err) {
			break
		}
		time.Sleep(20 * time.Millisecond)
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
		{"a Deployment has no Pod", "cert-manager", "failed", "Deployment cert-manager/cert-manager-webhook: status.availableReplicas is not set, must be >= 1", "kubectl get events -n cert-manager",
			merge(webhook+"/status", `{"status":{"availableReplicas":0,"replicas":1}}`, `{"status":{"availableReplicas":1}}`)},
		{"a Deployment is not there", "cert-manager", "failed", "no Deployment cert-manager-cainjector in namespace cert-manager", "kubectl get events", without(apps + "cert-manager/deployments/cert-manager-cainjector")},
		{"a DaemonSet lacks a Pod", "gpu-operator-health", "failed", "status.numberReady is 1, must be 2", "taint", merge(plugin+"/status", `{"status":{"numberReady":1}}`, `{"status":{"numberReady":2}}`)},
		{"a DaemonSet leaves out a GPU node", "gpu-operator-health", "failed", "status.desiredNumberScheduled is 1, must be >= 2", "taint",
			merge(plugin+"/status", `{"status":{"desiredNumberScheduled":1,"numberReady":1}}`, `{"status":{"desiredNumberScheduled":2,"numberReady":2}}`)},
		{"a CRD is not there", "cert-manager", "failed", "no CustomResourceDefinition clusterissuers.cert-manager.io", "", without("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterissuers.cert-manager.io")},
		{"an operator is not ready", "operator-health", "failed", "status.state is notReady, must be ready", "kubectl get clusterpolicies", merge("/apis/nvidia.com/v1/clusterpolicies/x-clusterpolicy", `{"status":{"state":"notReady"}}`, `{"status":{"state":"ready"}}`)},
		{"the operator is an old one", "gpu-operator-version", "failed", "is v24.3.0, must be >= v24.6.0", "bundle",
			merge(apps+"gpu-operator/deployments/gpu-operator", `{"metadata":{"labels":{"app.kubernetes.io/version":"v24.3.0"}}}`, `{"metadata":{"labels":{"app.kubernetes.io/version":"v25.10.1"}}}`)},
		{"a chart has another version", "releases", "failed", "Release cert-manager/cert-manager: chart.version is v1.0.0", "bundle",
			func(t testing.TB, c *kubetest.Cluster) func() { return rerelease(t, c, "v1.0.0", "deployed") }},
		{"a release has failed", "releases", "failed", "Release cert-manager/cert-manager: status is failed, must be deployed", "helm status",
			func(t testing.TB, c *kubetest.Cluster) func() { return rerelease(t, c, "", "failed") }},
		{"a release left no trace", "releases", "unknown", "no Release cert-manager", "", func(t testing.TB, c *kubetest.Cluster) func() {
			return gone(t, c, "/api/v1/namespaces/cert-manager/secrets/sh.helm.release.v1.cert-manager.v1")
		}},
		{"a webhook is dead", "webhooks", "failed", "ValidatingWebhookConfiguration cert-manager-webhook: Service cert-manager/cert-manager-webhook has no endpoint that is ready", "endpointslices",
			merge("/apis/discovery.k8s.io/v1/namespaces/cert-manager/endpointslices/cert-manager-webhook-1", `{"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":false}}]}`, `{"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}}]}`)},
		{"a quota is used up", "pods-created", "failed", "Deployment cert-manager/cert-manager: status.conditions[type=ReplicaFailure].status is True", "resourcequota",
			merge(apps+"cert-manager/deployments/cert-manager/status", `{"status":{"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]}}`, `{"status":{"conditions":null}}`)},
		{"an image is missing", "platform-health", "failed", "Pod cert-manager/stray: status.containerStatuses[*].state.waiting.reason is ImagePullBackOff", "kubectl logs", with(pod("stray", "", waiting("ImagePullBackOff")))},
		{"a Pod crashes", "platform-health", "failed", "is CrashLoopBackOff", "kubectl logs", with(pod("loop", "other-5c9f", waiting("CrashLoopBackOff")))},
		{"a Pod is pending", "platform-health", "failed", "Pod cert-manager/stuck: status.phase is Pending", "kubectl", with(pod("stuck", "", map[string]any{"phase": "Pending"}))},
		{"a workload beside them is not ready", "expected-resources", "failed", "Deployment monitoring/beside: status.availableReplicas is not set, must be 1", "kubectl describe", with(workload("Deployment", "monitoring", "beside", nil))},
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

// rerelease replaces the release of cert-manager.
func rerelease(t testing.TB, c *kubetest.Cluster, version, status string) func() {
	t.Helper()
	r, _ := planned(t)
	for _, k := range r.ComponentRefs {
		if k.Name == "cert-manager" {
			if version == "" {
				version = k.Version
			}
			release(t, k.Namespace, k.Name, k.Chart, version, status).put(t, c)
			return func() { release(t, k.Namespace, k.Name, k.Chart, k.Version, "deployed").put(t, c) }
		}
	}
	t.Fatal("the recipe has no cert-manager")
	return nil
}

// With the rights that are generated every check is decided; with one verb fewer
// what needs it is unknown and names it, and nothing else changes.
func TestRights(t *testing.T) {
	c := kubetest.Own(t, cluster.Options{})
	r, known := planned(t)
	p := conditional(known, r, t)
	deploy(t, c, r, known, p)
	rights, err := Rights(r, known, p)
	if err != nil {
		t.Fatal(err)
	}
	as := func(name string, rights []expect.Right) *schema.ValidationResult {
		t.Helper()
		out, err := Run(context.Background(), r, known, connect(t, account(t, c, name, rights)), p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, row := range wrong(as("all", rights)) {
		t.Errorf("with all rights %s is %s: %s", name, row.Status, row.Reason)
	}
	alternatives := []string{"applications.argoproj.io", "helmreleases.helm.toolkit.fluxcd.io", "nodepools.karpenter.sh", "deployments.apps in namespace kube-system"}
	tried := map[string]bool{}
	for i, left := range rights {
		kind := left.Verb + " " + left.Resource + "." + left.Group
		if tried[kind] {
			continue // the same in another namespace
		}
		tried[kind] = true
		fewer := slices.Delete(slices.Clone(rights), i, i+1)
		got := as(fmt.Sprintf("less-%d", i), fewer)
		named := 0
		for name, row := range wrong(got) {
			if row.Status != "unknown" || !strings.Contains(row.Reason, "not allowed to "+left.String()) {
				t.Errorf("without %s: %s is %s: %s", left, name, row.Status, row.Reason)
			}
			named++
		}
		spare := slices.ContainsFunc(alternatives, func(a string) bool { return strings.HasSuffix(left.String(), a) })
		if named == 0 && !spare {
			t.Errorf("without %s everything passes", left)
		}
	}
}

// account returns a kubeconfig of a new ServiceAccount that has exactly these
// rights.
func account(t testing.TB, c *kubetest.Cluster, name string, rights []expect.Right) string {
	t.Helper()
	ctx := context.Background()
	if _, err := c.Client.CoreV1().ServiceAccounts(c.Namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, m := range Roles(rights, name, c.Namespace, nil) {
		kind := strings.ToLower(m["kind"].(string)) + "s"
		path := "/apis/rbac.authorization.k8s.io/v1/" + kind + "/" + name
		if ns, ok := m["metadata"].(Manifest)["namespace"]; ok {
			path = fmt.Sprintf("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/%s/%s", ns, kind, name)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Put(t, path, string(text))
	}
	path := c.Account(t, name)
	c.WaitAllowed(t, path, rights[len(rights)-1].Group, rights[len(rights)-1].Resource, rights[len(rights)-1].Verb, rights[len(rights)-1].Namespace)
	return path
}
