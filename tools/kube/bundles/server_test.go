package bundles

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

const deployed = "../../../deploy/server"

// kinds are what the manifests of the server are of, beside Kubernetes' own.
func kinds() []string {
	return []string{
		"servicemonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com",
		"peerauthentications.security.istio.io", "authorizationpolicies.security.istio.io", "destinationrules.networking.istio.io",
		"services.serving.knative.dev",
	}
}

// serverCluster is a server that knows those kinds.
func serverCluster(t *testing.T) *kubetest.Cluster {
	t.Helper()
	files := definitions(t, "crds-server")
	c := kubetest.New(t)
	left := kinds()
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range parse(t, data) {
			i := slices.Index(left, o.str("metadata", "name"))
			if i < 0 {
				continue
			}
			left = slices.Delete(left, i, i+1)
			delete(o["spec"].(map[string]any), "conversion") // no controller is here to answer
			if err := apply(c, o); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
		}
	}
	if len(left) > 0 {
		t.Fatalf("no definition of %v", left)
	}
	if err := apply(c, object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "eidos"}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// dry is apply without keeping anything, again while a definition is not served
// yet.
func dry(c *kubetest.Cluster, o object) error {
	data, err := schema.Encode(o)
	if err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err = c.Client.RESTClient().Patch("application/apply-patch+yaml").AbsPath(o.path()).
			Param("fieldManager", "eidos").Param("fieldValidation", "Strict").Param("dryRun", "All").Body(data).Do(context.Background()).Error()
		if err == nil || !strings.Contains(err.Error(), "could not find the requested resource") || time.Now().After(end) {
			return err
		}
	}
}

// built is what `kubectl apply -k` would send.
func built(t *testing.T, dir string) []object {
	t.Helper()
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set")
	}
	kustomize, err := exec.Command("../../../scripts/tool", "kustomize").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(strings.TrimSpace(string(kustomize)), "build", filepath.Join(deployed, dir)).Output()
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return parse(t, out)
}

// TestServerManifests: the API server takes the base of eidosd and every overlay,
// by server-side apply with strict validation, and not one with a misspelt field.
// Linkerd's definitions are not in any module: its three objects are left out.
func TestServerManifests(t *testing.T) {
	c := serverCluster(t)
	foreign := map[string]int{}
	want := map[string]int{"base": 7, "monitoring": 10, "istio": 10, "linkerd": 10}
	for _, page := range []string{"../../../docs/server.md", filepath.Join(deployed, "README.md")} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		commands := regexp.MustCompile(`(?m)^kubectl apply -k deploy/server/(\S+)`).FindAllStringSubmatch(string(text), -1)
		for _, m := range commands {
			if want[m[1]] == 0 {
				t.Errorf("%s: %q is not tested here", page, m[0])
			}
		}
		if len(commands) == 0 {
			t.Errorf("%s names no overlay", page)
		}
	}
	for dir, least := range want {
		all := built(t, dir)
		if len(all) < least {
			t.Errorf("%s: only %d objects", dir, len(all))
		}
		for _, o := range all {
			if strings.HasPrefix(o.str("apiVersion"), "policy.linkerd.io/") {
				foreign[o.str("kind")]++
				continue
			}
			if err := dry(c, o); err != nil {
				t.Errorf("%s: %s %s: %v", dir, o.str("kind"), o.str("metadata", "name"), err)
			}
		}
	}
	if len(foreign) != 3 {
		t.Errorf("left out: %v", foreign)
	}
	run, err := os.ReadFile(filepath.Join(deployed, "cloudrun/service.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	service := parse(t, run)[0]
	service["metadata"].(map[string]any)["namespace"] = c.Namespace
	if err := dry(c, service); err != nil {
		t.Errorf("Cloud Run: %v", err)
	}
	for _, o := range built(t, "monitoring") {
		if o.str("kind") == "ServiceMonitor" || o.str("kind") == "Deployment" {
			o["spec"].(map[string]any)["selectr"] = 1
			if err := dry(c, o); err == nil || !strings.Contains(err.Error(), "selectr") {
				t.Errorf("a misspelt field of a %s: %v", o.str("kind"), err)
			}
		}
	}
}

// TestServerManifestsAgree: what selects the Pods, what they are asked for and
// what they are told agree with one another.
func TestServerManifestsAgree(t *testing.T) {
	all := map[string]object{}
	for _, o := range built(t, "base") {
		all[o.str("kind")] = o
	}
	pod := func(keys ...string) map[string]any {
		var v any = map[string]any(all["Deployment"])
		for _, k := range append([]string{"spec", "template"}, keys...) {
			v = v.(map[string]any)[k]
		}
		return v.(map[string]any)
	}
	labels := pod("metadata", "labels")
	for _, sel := range []any{
		all["Deployment"]["spec"].(map[string]any)["selector"].(map[string]any)["matchLabels"],
		all["Service"]["spec"].(map[string]any)["selector"],
		all["PodDisruptionBudget"]["spec"].(map[string]any)["selector"].(map[string]any)["matchLabels"],
		all["NetworkPolicy"]["spec"].(map[string]any)["podSelector"].(map[string]any)["matchLabels"],
	} {
		for k, v := range sel.(map[string]any) {
			if labels[k] != v {
				t.Errorf("%s=%v selects no Pod: %v", k, v, labels)
			}
		}
	}
	spec := pod("spec")
	if spec["automountServiceAccountToken"] != false || spec["terminationGracePeriodSeconds"].(int) < 5+30 {
		t.Errorf("Pods: %v", spec)
	}
	if n := all["Deployment"]["spec"].(map[string]any)["replicas"]; n != 2 {
		t.Errorf("%v replicas", n)
	}
	// Pod Security restricted, which the namespace enforces, admits them.
	c := kubetest.New(t)
	ns := object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": c.Namespace, "labels": map[string]any{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if err := apply(c, ns); err != nil {
		t.Fatal(err)
	}
	delete(spec, "serviceAccountName") // of another namespace
	one := object{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "eidosd", "namespace": c.Namespace}, "spec": spec}
	if err := dry(c, one); err != nil {
		t.Errorf("Pod Security restricted: %v", err)
	}
	spec["hostNetwork"] = true
	if err := dry(c, one); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		t.Errorf("a Pod in the host's network: %v", err)
	}
}
