//go:build linux

// Package stock tries the scripts of bundles with the stock tools on a real API
// server. There are no controllers: what waits for Pods waits for ever, and a
// namespace that is deleted stays.
package stock

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/render/rendertest"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func TestMain(m *testing.M) {
	if where := os.Getenv(insideEnv); where != "" {
		os.Exit(inside(where))
	}
	os.Exit(kubetest.Main(m))
}

// install is a bundle of two components, first and second, on a cluster.
type install struct {
	*kubetest.Cluster
	*rendertest.Bundle
}

// what second's chart does is decided by its values: it has an object that the
// server refuses, or a Deployment that is never ready.
const second = `apiVersion: v1
kind: ConfigMap
metadata: {name: second}
data: {key: {{ if .Values.fail }}7{{ else }}"{{ .Values.word }}"{{ end }}}
{{ if .Values.hang }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: second}
spec:
  selector: {matchLabels: {app: second}}
  template:
    metadata: {labels: {app: second}}
    spec: {containers: [{name: c, image: registry.invalid/x:1}]}
{{ end }}
`

func newInstall(t *testing.T, layout string, dynamic ...string) *install {
	t.Helper()
	k := kubetest.New(t)
	r := &schema.RecipeResult{
		Kind: "RecipeResult", APIVersion: schema.APIVersion, Metadata: schema.RecipeMetadata{Version: "1.0.0", AppliedOverlays: []string{}},
		Constraints: []schema.Constraint{{Name: "K8s.server.version", Value: ">= 1.30"}}, DeploymentOrder: []string{"first", "second"},
	}
	charts := map[string]charttest.Chart{}
	for _, name := range r.DeploymentOrder {
		values := map[string]any{"word": "one", "fail": false, "hang": false}
		if layout == "umbrella" {
			values["word"] = "x." + k.Namespace + "-second.svc"
		}
		text := strings.ReplaceAll(second, "second", name)
		charts[name] = charttest.Chart{Name: name, Version: "1.0.0", Files: map[string]string{"templates/all.yaml": text}}
		r.ComponentRefs = append(r.ComponentRefs, schema.ComponentRef{Name: name, Type: "Helm", Source: "https://charts.invalid", Chart: name, Version: "1.0.0", Namespace: k.Namespace + "-" + name, Values: values})
	}
	p := schema.RenderParams{Dynamic: dynamic, Split: layout == "split"}
	if layout == "components" {
		p.Layout = "components"
	}
	i := &install{k, rendertest.New(t, k.Kubeconfig, r, p, render.Source{}, charts)}
	i.Env = append(i.Env, "NAMESPACE="+k.Namespace+"-one")
	return i
}

// set changes a value of a component.
func (i *install) set(t *testing.T, component, old, with string) {
	t.Helper()
	name := "components/" + component + "/values.yaml"
	data, err := os.ReadFile(filepath.Join(i.Dir, name))
	if err != nil || !strings.Contains(string(data), old) {
		t.Fatalf("%v, no %q in\n%s", err, old, data)
	}
	i.Write(t, name, strings.Replace(string(data), old, with, 1))
}

// A first run installs, a second one changes nothing, and a changed value
// upgrades its component alone.
func TestDeploy(t *testing.T) {
	i := newInstall(t, "components")
	i.Run(t, 0, []string{"[1/2] first: installed in ", "[2/2] second: installed in ", "first-1.0.0", "deployed"}, "deploy.sh")
	i.Run(t, 0, []string{"[1/2] first: unchanged\n[2/2] second: unchanged\n"}, "deploy.sh")
	i.set(t, "second", "word: one", "word: two")
	i.Run(t, 0, []string{"[1/2] first: unchanged", "[2/2] second: installed in "}, "deploy.sh")
	cm, err := i.Client.CoreV1().ConfigMaps(i.Namespace+"-second").Get(t.Context(), "second", metav1.GetOptions{})
	if err != nil || cm.Data["key"] != "two" {
		t.Errorf("%v %v", cm.Data, err)
	}
	if out := i.Run(t, 0, []string{"[2/2] second: installed"}, "deploy.sh", "--again", "--from", "second"); strings.Contains(out, "first:") {
		t.Errorf("--from second touched first:\n%s", out)
	}
	i.Run(t, 2, []string{"no component third here; there are first second"}, "deploy.sh", "--only", "third")
	i.Run(t, 2, []string{"unknown option --what", "usage: ./deploy.sh"}, "deploy.sh", "--what")
	i.Run(t, 0, []string{"[1/2] second: removed", "[2/2] first: removed", "stays: namespace " + i.Namespace + "-first"}, "undeploy.sh", "--keep-namespaces")
	if list, err := i.Client.CoreV1().ConfigMaps(i.Namespace+"-second").List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Errorf("left: %v %v", list.Items, err)
	}
}

// A dry run changes nothing and needs no cluster.
func TestDryRun(t *testing.T) {
	i := newInstall(t, "components")
	i.Env = append(i.Env, "KUBECONFIG=/dev/null")
	i.Run(t, 0, []string{"+ helm upgrade --install first components/first/first-1.0.0.tgz"}, "deploy.sh", "--dry-run")
	i.Run(t, 0, []string{"+ helm uninstall second"}, "undeploy.sh", "--dry-run", "--delete-crds", "--delete-pvcs")
	i.Run(t, 1, []string{"preflight: the cluster does not answer", "Nothing was changed."}, "deploy.sh")
	if out := i.Run(t, 1, []string{"the cluster does not answer", "Nothing was changed."}, "undeploy.sh"); strings.Contains(out, "removed") {
		t.Errorf("it reports what it did not do:\n%s", out)
	}
	bare := t.TempDir()
	for _, name := range []string{"dirname", "mktemp", "rm"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bare, name)); err != nil {
			t.Fatal(err)
		}
	}
	i.Env = append(i.Env, "PATH="+bare)
	i.Run(t, 1, []string{"no helm on the path", "no kubectl on the path"}, "deploy.sh")
	i.Run(t, 1, []string{"no helm on the path. Nothing was changed."}, "undeploy.sh")
}

// A mistake in an option is reported, and nothing is done.
func TestOptions(t *testing.T) {
	for _, layout := range []string{"components", "umbrella"} {
		i := newInstall(t, layout)
		for _, script := range []string{"deploy.sh", "undeploy.sh"} {
			if layout == "umbrella" {
				env := i.Env
				i.Env = append(env[:len(env):len(env)], "NAMESPACE=x/e;id")
				i.Run(t, 2, []string{"NAMESPACE takes the name of a namespace"}, script, "--dry-run")
				i.Env = env
			}
			for _, wrong := range []string{"soon", "15xs", "15", "m", "", "1.s.5m", "-1s"} {
				i.Run(t, 2, []string{"--timeout takes a time such as"}, script, "--dry-run", "--timeout", wrong)
			}
			for _, right := range []string{"0", "90s", "1m30s", "1.5h"} {
				i.Run(t, 0, []string{"--timeout " + right}, script, "--dry-run", "--timeout", right)
			}
		}
		i.Run(t, 2, []string{"--retries takes a number"}, "deploy.sh", "--dry-run", "--retries", "many")
	}
}

// A chart that the server refuses is tried again, reported with what Helm says,
// and goes on after it is repaired; with --best-effort the others are installed.
func TestFailing(t *testing.T) {
	i := newInstall(t, "components")
	i.set(t, "first", "fail: false", "fail: true")
	out := i.Run(t, 1, []string{"[1/2] first: failed, try 2 of 2: ", "[1/2] first: FAILED", "run this again"}, "deploy.sh", "--retries", "1")
	if strings.Contains(out, "second:") {
		t.Errorf("it went on:\n%s", out)
	}
	i.Run(t, 1, []string{"[1/2] first: FAILED", "[2/2] second: installed", "failed: first"}, "deploy.sh", "--retries", "0", "--best-effort")
	i.set(t, "first", "fail: true", "fail: false")
	i.Run(t, 0, []string{"[1/2] first: installed", "[2/2] second: unchanged"}, "deploy.sh")
}

// A chart that is never ready ends with the timeout.
func TestHanging(t *testing.T) {
	i := newInstall(t, "components")
	i.set(t, "second", "hang: false", "hang: true")
	i.Run(t, 1, []string{"[1/2] first: installed", "[2/2] second: FAILED"}, "deploy.sh", "--timeout", "2s", "--retries", "0")
	i.Run(t, 0, []string{"[1/2] first: unchanged", "[2/2] second: installed"}, "deploy.sh", "--no-wait")
}

// A run that was killed while Helm worked leaves a pending release; the next run
// clears its record and goes on.
func TestKilled(t *testing.T) {
	i := newInstall(t, "components")
	i.set(t, "second", "hang: false", "hang: true")
	cmd := i.Command(t.Context(), "deploy.sh", "--timeout", "10m")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pending := metav1.ListOptions{LabelSelector: "owner=helm,name=second,status=pending-install"}
	for {
		list, err := i.Client.CoreV1().Secrets(i.Namespace+"-second").List(t.Context(), pending)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	i.set(t, "second", "hang: true", "hang: false")
	i.Run(t, 0, []string{"[1/2] first: unchanged", "[2/2] second: a run before this one was broken off", "[2/2] second: installed"}, "deploy.sh")
}

// What would make an installation fail is found before anything is changed.
func TestPreflight(t *testing.T) {
	i := newInstall(t, "components")
	ctx := t.Context()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: i.Namespace + "-second"}}
	if _, err := i.Client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := i.Client.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	none := admission.SideEffectClassNone
	ignore := admission.Ignore
	hook := &admission.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: i.Namespace + "-stale"}, Webhooks: []admission.ValidatingWebhook{{
		Name: "stale.example.com", SideEffects: &none, FailurePolicy: &ignore, AdmissionReviewVersions: []string{"v1"},
		ClientConfig: admission.WebhookClientConfig{Service: &admission.ServiceReference{Namespace: i.Namespace, Name: "gone"}},
	}}}
	hooks := i.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := hooks.Create(ctx, hook, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	out := i.Run(t, 1, []string{
		"preflight: namespace " + ns.Name + " is being deleted", "calls the service " + i.Namespace + "/gone, which is not there", "Nothing was changed.",
	}, "deploy.sh")
	if strings.Contains(out, "installed") {
		t.Errorf("something was installed:\n%s", out)
	}
	if err := hooks.Delete(ctx, hook.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	i.set(t, "first", "word: one", "word: two")
	script, err := os.ReadFile(filepath.Join(i.Dir, "deploy.sh"))
	if err != nil {
		t.Fatal(err)
	}
	i.Write(t, "deploy.sh", strings.Replace(string(script), `at_least "$server" 1.30`, `at_least "$server" 9.1.2`, 1))
	i.Run(t, 1, []string{"and this bundle was proven with"}, "deploy.sh")
}

// What objects of the cluster have in them is text to the scripts: it is not run, and
// is not an option of a tool.
func TestPreflightText(t *testing.T) {
	i := newInstall(t, "components")
	ctx := t.Context()
	i.define(t, definition(i.Namespace, "a", true, `, "annotations": {"meta.helm.sh/release-namespace": "gone", "meta.helm.sh/release-name": "x||;e>ran;#"}`))
	none, ignore := admission.SideEffectClassNone, admission.Ignore
	hook := &admission.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: i.Namespace + "-options"}, Webhooks: []admission.ValidatingWebhook{{
		Name: "options.example.com", SideEffects: &none, FailurePolicy: &ignore, AdmissionReviewVersions: []string{"v1"},
		ClientConfig: admission.WebhookClientConfig{Service: &admission.ServiceReference{Namespace: i.Namespace, Name: "--help"}},
	}}}
	hooks := i.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := hooks.Create(ctx, hook, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	defer hooks.Delete(context.Background(), hook.Name, metav1.DeleteOptions{})
	i.Run(t, 1, []string{
		"the CustomResourceDefinitions as." + i.Namespace + ".example.com are of the release gone/x___e_ran__, which is gone",
		"calls the service " + i.Namespace + "/--help, which is not there",
	}, "deploy.sh")
	if _, err := os.Stat(filepath.Join(i.Dir, "ran")); err == nil {
		t.Error("an annotation was run")
	}
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

// The umbrella chart too.
func TestUmbrella(t *testing.T) {
	i := newInstall(t, "umbrella")
	i.Run(t, 0, []string{"[1/1] generic: installed in ", "deployed"}, "deploy.sh")
	cm, err := i.Client.CoreV1().ConfigMaps(i.Namespace+"-one").Get(t.Context(), "second", metav1.GetOptions{})
	if err != nil || cm.Data["key"] != "x."+i.Namespace+"-one.svc" {
		t.Errorf("the address of another component is %v, %v", cm.Data, err)
	}
	i.Run(t, 0, []string{"[1/1] generic: unchanged"}, "deploy.sh")
	i.Run(t, 0, nil, "undeploy.sh")
	if list, err := i.Client.CoreV1().ConfigMaps(i.Namespace+"-one").List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Errorf("left: %v %v", list.Items, err)
	}
}

// The scripts of bundles are what shellcheck has nothing to say of.
func TestShellcheck(t *testing.T) {
	shellcheck := rendertest.Tool(t, "debian/shellcheck/usr/bin/shellcheck")
	for _, layout := range []string{"components", "umbrella"} {
		i := newInstall(t, layout, "first:word", "second:+site")
		for _, name := range []string{"deploy.sh", "undeploy.sh"} {
			text, err := os.ReadFile(filepath.Join(i.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), `\|`) {
				t.Errorf("%s %s: alternatives in a basic regular expression are GNU's only", layout, name)
			}
		}
		out, err := exec.Command(shellcheck, "--shell", "sh", filepath.Join(i.Dir, "deploy.sh"), filepath.Join(i.Dir, "undeploy.sh")).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", layout, err, out)
		}
	}
}
