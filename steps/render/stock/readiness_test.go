//go:build linux

package stock

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/render/rendertest"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// The server takes the Job that holds back the next component; what it runs waits
// until the component is what its check expects, and its account may read that and
// nothing else.
func TestReadiness(t *testing.T) {
	kubectl := rendertest.Tool(t, "kube/*/bin/kubectl")
	k := kubetest.New(t)
	ns := k.Namespace
	r := &schema.RecipeResult{
		Kind: "RecipeResult", APIVersion: schema.APIVersion, Metadata: schema.RecipeMetadata{Version: "1.0.0", AppliedOverlays: []string{}}, DeploymentOrder: []string{"agentgateway"},
		ComponentRefs: []schema.ComponentRef{{Name: "agentgateway", Type: "Helm", Source: "https://charts.invalid", Chart: "agentgateway", Version: "1.0.0", Namespace: ns}},
	}
	tree, err := render.Render(r, schema.RenderParams{Layout: "components", Readiness: "registry.example.com/kubectl:v1"}, render.Source{})
	if err != nil {
		t.Fatal(err)
	}
	text := tree.Data("components/agentgateway/ready/templates/ready.yaml")
	run := func(input []byte, args ...string) (string, error) {
		cmd := exec.Command(kubectl, append([]string{"--kubeconfig", k.Kubeconfig}, args...)...)
		cmd.Stdin = bytes.NewReader(input)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(text, "apply", "--validate=strict", "-f", "-"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	jobs, err := k.Client.BatchV1().Jobs(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(jobs.Items) != 1 {
		t.Fatalf("%v, Jobs %v", err, jobs.Items)
	}
	commands := commands(jobs.Items[0])
	if len(commands) != 2 {
		t.Fatalf("commands %q", commands)
	}
	account := "--as=system:serviceaccount:" + ns + ":agentgateway-ready"
	wait := func(timeout string) (string, error) {
		var all string
		for _, c := range commands {
			c = append(slices.Clone(c[1:len(c)-1]), "--timeout="+timeout, account)
			out, err := run(nil, c...)
			if all += out; err != nil {
				return all, err
			}
		}
		return all, nil
	}
	if out, err := wait("1s"); err == nil || !strings.Contains(out, "timed out") {
		t.Errorf("without the Deployment: %v\n%s", err, out)
	}
	labels := map[string]string{"app": "x"}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "agentgateway"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.invalid/x:1"}}}},
	}}
	if d, err = k.Client.AppsV1().Deployments(ns).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if out, err := wait("1s"); err == nil || !strings.Contains(out, "timed out") {
		t.Errorf("before it is available: %v\n%s", err, out)
	}
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: "Available", Status: "True"}}
	if _, err = k.Client.AppsV1().Deployments(ns).UpdateStatus(t.Context(), d, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if out, err := wait("60s"); err != nil || !strings.Contains(out, "condition met") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"get", "deployments"}, {"get", "deployment", "other"}, {"get", "secrets"}, {"delete", "deployment", "agentgateway"}} {
		if out, err := run(nil, append(args, account, "--namespace", ns)...); err == nil || !strings.Contains(out, "Forbidden") && !strings.Contains(out, "forbidden") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// commands are those of a Job's containers, in order.
func commands(j batchv1.Job) [][]string {
	var out [][]string
	for _, c := range slices.Concat(j.Spec.Template.Spec.InitContainers, j.Spec.Template.Spec.Containers) {
		out = append(out, c.Command)
	}
	return out
}
