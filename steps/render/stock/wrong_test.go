//go:build linux

package stock

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/render/rendertest"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// The scripts find their bundle and the caller's cluster from any directory, and print
// the cluster; where Helm would take another one, they do nothing.
func TestCluster(t *testing.T) {
	for _, layout := range []string{"components", "umbrella"} {
		i := newInstall(t, layout)
		parent := filepath.Dir(i.Dir)
		kubeconfig, err := os.ReadFile(i.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		i.Write(t, "../mine.yaml", string(kubeconfig))
		i.Write(t, "../elsewhere/bundle/deploy.sh", "echo another bundle")
		i.Env = append(i.Env, "KUBECONFIG=mine.yaml:"+parent+"/none.yaml", "CDPATH="+parent+"/elsewhere")
		run := func(status int, want string, script string, args ...string) {
			t.Helper()
			cmd := i.Command(t.Context(), append([]string{"bundle/" + script}, args...)...)
			cmd.Dir = parent
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != status || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v, want status %d and %q in\n%s", script, err, status, want, out)
			}
		}
		run(0, ", "+i.Config.Host+"\n", "deploy.sh")
		var keep []string // no controller deletes a namespace
		if layout == "components" {
			keep = append(keep, "--keep-namespaces")
		}
		run(0, ", "+i.Config.Host+"\n", "undeploy.sh", keep...)
		for _, variable := range []string{"HELM_KUBECONTEXT=other", "HELM_KUBEAPISERVER=https://127.0.0.1:1"} {
			env := i.Env
			i.Env = append(env[:len(env):len(env)], variable)
			run(2, "kubectl may take another cluster: unset them. Nothing was changed.", "deploy.sh")
			run(2, "kubectl may take another cluster: unset them. Nothing was changed.", "undeploy.sh")
			i.Env = env
		}
		for _, script := range []string{"deploy.sh", "undeploy.sh"} {
			if err := os.Symlink(filepath.Join(i.Dir, script), filepath.Join(parent, "elsewhere", script)); err != nil {
				t.Fatal(err)
			}
			i.Run(t, 2, []string{"no bundle in " + parent + "/elsewhere: run this script where it is"}, "../elsewhere/"+script)
		}
	}
}

// An option whose word is empty, as that of a variable that is not set, is a mistake:
// it is neither every component nor no policy.
func TestEmptyOptions(t *testing.T) {
	i := newInstall(t, "components")
	for _, option := range []string{"--only", "--from", "--verify"} {
		i.Run(t, 2, []string{"usage: "}, "deploy.sh", "--dry-run", option, "")
	}
}

// What is not there is not reported as removed, and a failure is one.
func TestNotThere(t *testing.T) {
	i := newInstall(t, "components")
	i.Run(t, 0, []string{"[1/2] second: not there\n[2/2] first: not there\n"}, "undeploy.sh")
	i = newInstall(t, "umbrella")
	i.Run(t, 0, nil, "deploy.sh")
	env := i.Env
	i.Env = append(env[:len(env):len(env)], "NAMESPACE="+i.Namespace+"-two")
	i.Run(t, 0, []string{"[1/1] generic: not there\n"}, "undeploy.sh")
	i.Env = env
	for _, wrong := range [][]string{{"--what"}, {"--timeout", "soon"}, {"--timeout"}} {
		i.Run(t, 2, nil, append([]string{"undeploy.sh"}, wrong...)...)
	}
	i.Run(t, 0, []string{"usage: [NAMESPACE=eidos] ./undeploy.sh"}, "undeploy.sh", "--help")
	i.Run(t, 0, []string{"[1/1] generic: removed\nstays: namespace " + i.Namespace + "-one, and"}, "undeploy.sh", "--timeout", "1m")
	i.Env = append(env[:len(env):len(env)], "KUBECONFIG=/dev/null")
	i.Run(t, 1, []string{"the cluster does not answer", "Nothing was changed."}, "undeploy.sh")
}

// A namespace in which others keep something is not deleted.
func TestNamespaceInUse(t *testing.T) {
	i := newInstall(t, "components")
	i.Run(t, 0, nil, "deploy.sh")
	ctx := t.Context()
	// An object of the cluster, and of a kind in the category all, is in no namespace.
	all := strings.Replace(definition(i.Namespace, "w", true, ""), `"kind": "W"`, `"kind": "W", "categories": ["all"]`, 1)
	i.define(t, all)
	wide := "/apis/" + i.Namespace + ".example.com/v1/ws"
	for { // until the new kind is served
		err := i.Client.RESTClient().Post().AbsPath(wide).Body([]byte(`{"apiVersion":"` + i.Namespace + `.example.com/v1","kind":"W","metadata":{"name":"x"}}`)).Do(ctx).Error()
		if err == nil {
			break
		}
		if !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, name := range []string{"first", "second"} {
		ns := i.Namespace + "-" + name
		// Every namespace has this one, made by a controller.
		root := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}}
		if _, err := i.Client.CoreV1().ConfigMaps(ns).Create(ctx, root, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// And on OpenShift this one for each ServiceAccount.
		pull := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "builder-dockercfg-x7k2p"}}
		if _, err := i.Client.CoreV1().Secrets(ns).Create(ctx, pull, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		mine := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}}
		if _, err := i.Client.CoreV1().Secrets(ns).Create(ctx, mine, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	i.Run(t, 0, []string{
		"stays: namespace " + i.Namespace + "-first, with secret/mine; kubectl delete namespace " + i.Namespace + "-first removes it with that\n",
		"stays: namespace " + i.Namespace + "-second, with secret/mine; kubectl delete namespace " + i.Namespace + "-second removes it with that\n",
	}, "undeploy.sh", "--timeout", "5s")
	if err := i.Client.CoreV1().Secrets(i.Namespace+"-first").Delete(ctx, "mine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// There is no controller that would finish it.
	i.Run(t, 1, []string{"namespace \"" + i.Namespace + "-first\" deleted", "failed: " + i.Namespace + "-first\n"}, "undeploy.sh", "--timeout", "2s")
}

// A run that is interrupted leaves nothing behind of what it wrote for itself, which may
// hold values that are set at installation.
func TestInterrupted(t *testing.T) {
	i := newInstall(t, "components")
	i.set(t, "second", "hang: false", "hang: true")
	own := t.TempDir()
	i.Env = append(i.Env, "TMPDIR="+own)
	cmd := i.Command(t.Context(), "deploy.sh", "--timeout", "10m")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pending := metav1.ListOptions{LabelSelector: "owner=helm,name=second,status=pending-install"}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		list, err := i.Client.CoreV1().Secrets(i.Namespace+"-second").List(t.Context(), pending)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) > 0 {
			break
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			t.Fatal("deploy.sh has not begun with the second release")
		}
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status is looked at
	if got := cmd.ProcessState.ExitCode(); got != 130 {
		t.Errorf("status %d: %v", got, cmd.ProcessState)
	}
	if left, err := os.ReadDir(own); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// A kustomization that cannot be removed is reported, and what comes after it is removed.
func TestKustomizationStays(t *testing.T) {
	k := kubetest.New(t)
	file := func(name, text string) schema.Manifest {
		return schema.Manifest{Path: "components/site/kustomize/" + name, Digest: schema.DigestOf([]byte(text)), Content: text}
	}
	r := &schema.RecipeResult{
		Kind: "RecipeResult", APIVersion: schema.APIVersion, Metadata: schema.RecipeMetadata{Version: "1.0.0", AppliedOverlays: []string{}},
		Constraints: []schema.Constraint{}, DeploymentOrder: []string{"base", "site"},
		ComponentRefs: []schema.ComponentRef{{Name: "base", Namespace: k.Namespace, Type: "Kustomize", Kustomize: &schema.Kustomize{Files: []schema.Manifest{
			file("kustomization.yaml", "resources: [all.yaml]\n"), file("all.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: base}}\n"),
		}}}, {Name: "site", Namespace: k.Namespace, Type: "Kustomize", Kustomize: &schema.Kustomize{Files: []schema.Manifest{
			file("kustomization.yaml", "resources: [all.yaml]\n"), file("all.yaml", "{apiVersion: example.com/v1, kind: Unserved, metadata: {name: x}}\n"),
		}}}},
	}
	b := rendertest.New(t, k.Kubeconfig, r, schema.RenderParams{Layout: "components"}, render.Source{}, nil)
	b.Run(t, 0, []string{"[1/2] base: applied"}, "deploy.sh", "--only", "base")
	b.Run(t, 1, []string{"Unserved", "[2/2] base: removed\n", "failed: site\n"}, "undeploy.sh", "--keep-namespaces")
	if list, err := k.Client.CoreV1().ConfigMaps(k.Namespace).List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Errorf("left: %v %v", list.Items, err)
	}
}
