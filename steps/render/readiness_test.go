package render

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

const kubectlImage = "registry.example.com/kubectl:v1.35.0"

// The Job of a component waits for what the check of that component expects, may
// read that and nothing else, and runs where system components do.
func TestReadinessJob(t *testing.T) {
	p := schema.RenderParams{Layout: "components", Readiness: kubectlImage, SystemNodeSelector: []string{"role=system"}, SystemNodeToleration: []string{"dedicated=system:NoSchedule"}}
	tree := mustRender(t, p)
	docs := documents(t, tree.Data("components/cert-manager/ready/templates/ready.yaml"))
	kinds := slices.Sorted(maps.Keys(docs))
	rights := map[string][]any{}
	var job map[string]any
	for _, name := range kinds {
		o := docs[name]
		kind := o["kind"].(string)
		if rules, ok := o["rules"].([]any); ok {
			for _, r := range rules {
				rights[kind] = append(rights[kind], dig(r, "resources"), dig(r, "resourceNames"), dig(r, "verbs"))
			}
		}
		if kind == "Job" {
			job = o
		}
	}
	if diff := cmp.Diff([]string{
		"ClusterRole/cert-manager-cert-manager-ready", "ClusterRoleBinding/cert-manager-cert-manager-ready", "Job/" + dig(job, "metadata", "name").(string),
		"Role/cert-manager-ready", "RoleBinding/cert-manager-ready", "ServiceAccount/cert-manager-ready",
	}, kinds); diff != "" {
		t.Error(diff)
	}
	verbs := []any{"get", "list", "watch"}
	want := map[string][]any{}
	for _, crd := range []string{"certificates.cert-manager.io", "issuers.cert-manager.io", "clusterissuers.cert-manager.io"} {
		want["ClusterRole"] = append(want["ClusterRole"], []any{"customresourcedefinitions"}, []any{crd}, verbs)
	}
	for _, d := range []string{"cert-manager", "cert-manager-cainjector", "cert-manager-webhook"} {
		want["Role"] = append(want["Role"], []any{"deployments"}, []any{d}, verbs)
	}
	if diff := cmp.Diff(want, rights); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
	pod := dig(job, "spec", "template", "spec")
	if dig(pod, "nodeSelector", "role") != "system" || len(dig(pod, "tolerations").([]any)) != 1 || dig(pod, "securityContext", "runAsNonRoot") != true {
		t.Errorf("the Pod is %v", pod)
	}
	var commands []string
	for _, c := range slices.Concat(dig(pod, "initContainers").([]any), dig(pod, "containers").([]any)) {
		if dig(c, "image") != kubectlImage {
			t.Errorf("image %v", dig(c, "image"))
		}
		var words []string
		for _, w := range dig(c, "command").([]any) {
			words = append(words, w.(string))
		}
		commands = append(commands, strings.Join(words, " "))
	}
	const crds = "customresourcedefinitions.apiextensions.k8s.io/certificates.cert-manager.io customresourcedefinitions.apiextensions.k8s.io/issuers.cert-manager.io customresourcedefinitions.apiextensions.k8s.io/clusterissuers.cert-manager.io"
	const deployments = "deployments.apps/cert-manager deployments.apps/cert-manager-cainjector deployments.apps/cert-manager-webhook --namespace=cert-manager"
	if diff := cmp.Diff([]string{
		"kubectl wait --for=create " + crds + " --timeout=3600s",
		"kubectl wait --for=create " + deployments + " --timeout=3600s",
		"kubectl wait --for=condition=Established " + crds + " --timeout=3600s",
		"kubectl wait --for=condition=Available " + deployments + " --timeout=3600s",
	}, commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}

	// A change of the component makes another Job; the same one the same.
	name := dig(job, "metadata", "name")
	p.Set = []string{"cert-manager:+replicaCount=2"}
	for _, o := range documents(t, mustRender(t, p).Data("components/cert-manager/ready/templates/ready.yaml")) {
		if o["kind"] == "Job" && dig(o, "metadata", "name") == name {
			t.Errorf("the Job %v is the same after a change", name)
		}
	}
	note := "node-tuning: nothing that could be waited for is known of it, so that the next component follows as soon as it is deployed"
	if !slices.Contains(tree.Metadata.Notes, note) || tree.Data("components/node-tuning/ready/Chart.yaml") != nil {
		t.Errorf("notes %q", tree.Metadata.Notes)
	}
}

// Each deployer deploys the Job after its component and before what depends on it,
// and waits for it.
func TestReadiness(t *testing.T) {
	with := func(p schema.RenderParams) *Tree {
		p.Readiness, p.Dynamic = kubectlImage, nil
		return mustRender(t, p)
	}
	has := func(tree *Tree, name string, parts ...string) {
		t.Helper()
		text := string(tree.Data(name))
		for _, part := range parts {
			_, after, ok := strings.Cut(text, part)
			if !ok {
				t.Fatalf("%s: no %q, in this order, in\n%s", name, part, tree.Data(name))
			}
			text = after
		}
	}
	const git = "https://git.example.com/gpu"
	has(with(schema.RenderParams{Layout: "components"}), "deploy.sh", "\nrelease cert-manager cert-manager cert-manager",
		"\nrelease cert-manager cert-manager-ready cert-manager components/cert-manager/ready --wait-for-jobs\n", "\nrelease gpu-operator gpu-operator gpu-operator")
	has(with(schema.RenderParams{Layout: "components"}), "README.md", "`components/NAME/ready` is a Job", "## Is it what was made?")
	helmfile := with(schema.RenderParams{Deployer: "helmfile"})
	has(helmfile, "helmfile.yaml", "- name: cert-manager-ready\n  namespace: cert-manager\n  chart: ./components/cert-manager/ready\n  needs:\n  - cert-manager/cert-manager\n  disableValidationOnInstall: true\n  waitForJobs: true\n  timeout: 3600\n",
		"- name: gpu-operator-before\n", "  - cert-manager/cert-manager-ready\n")
	flux := with(schema.RenderParams{Deployer: "flux", Repo: git})
	has(flux, "releases/cert-manager.yaml", "timeout: 60m\n  releaseName: cert-manager-ready\n", "dependsOn:\n  - name: cert-manager\n", "chart: ./components/cert-manager/ready\n")
	has(flux, "releases/gpu-operator.yaml", "dependsOn:\n  - name: cert-manager-ready\n")
	has(with(schema.RenderParams{Deployer: "argocd", Repo: git}), "applications/cert-manager.yaml", "releaseName: cert-manager\n", "path: components/cert-manager/ready\n", "releaseName: cert-manager-ready\n")
	chart := with(schema.RenderParams{Deployer: "argocd-helm", Repo: git})
	has(chart, "applications/templates/cert-manager.yaml", "path: components/cert-manager/ready\n", "releaseName: cert-manager-ready\n")
	has(chart, "components/cert-manager/ready/templates/ready.yaml", "kind: Job")
	has(with(schema.RenderParams{Split: true}), "cert-manager/deploy.sh", "components/cert-manager/ready --wait-for-jobs")

	for _, test := range []struct {
		p    schema.RenderParams
		want string
	}{
		{schema.RenderParams{Readiness: kubectlImage}, "readiness: one release of all components has nothing between them"},
		{schema.RenderParams{Readiness: "a b", Layout: "components"}, `readiness: "a b" is not the name of an image`},
		{schema.RenderParams{Readiness: kubectlImage, Deployer: "flux", Repo: "oci://registry.example.com/gpu:v1"}, "readiness: Flux reads charts in a directory from Git only"},
	} {
		if _, err := Render(fixture(t), test.p, fixtures()); err == nil || !strings.Contains(err.Error(), test.want) || schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%v: %v", test.p, err)
		}
	}
}
