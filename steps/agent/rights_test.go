package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

func connect(t *testing.T, p schema.CollectParams) *kube.Client {
	t.Helper()
	c, err := kube.Connect(kube.Config{Kubeconfig: p.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// rulesOf returns the rules of every Role and ClusterRole among objects.
func rulesOf(t *testing.T, objects []kube.Object) []rbacv1.PolicyRule {
	t.Helper()
	var out []rbacv1.PolicyRule
	for _, o := range objects {
		if o["rules"] == nil {
			continue
		}
		data, err := json.Marshal(o["rules"])
		if err != nil {
			t.Fatal(err)
		}
		var rules []rbacv1.PolicyRule
		if err := json.Unmarshal(data, &rules); err != nil {
			t.Fatal(err)
		}
		out = append(out, rules...)
	}
	return out
}

// With exactly the generated rights an agent reads everything and writes its
// result. With any one verb fewer something is missing, and the snapshot, or
// the error, names the verb and the resource: no right is there for nothing.
func TestRightsAreExact(t *testing.T) {
	c := kubetest.New(t)
	ctx := context.Background()
	node := "node-" + c.Namespace
	if err := c.AddNode(ctx, kubetest.NewNode(node)); err != nil {
		t.Fatal(err)
	}
	addClusterPolicy(t, c)
	r := run{name: "agent", agent: schema.Agent{Namespace: c.Namespace, Releases: true}}
	rights, err := r.rights()
	if err != nil {
		t.Fatal(err)
	}
	all := rulesOf(t, rights)

	take := func(t *testing.T, rules []rbacv1.PolicyRule) (story string, stdout string, err error) {
		var log, out bytes.Buffer
		in := Inside{
			Params: schema.CollectParams{Kubeconfig: c.As(t, rules...), Collectors: []schema.Collector{"k8s", "topology"}},
			Output: "cm://" + c.Namespace + "/agent", Version: "test", Now: time.Now, Stdout: &out,
			Log:       func(format string, args ...any) { fmt.Fprintf(&log, format+"\n", args...) },
			LookupEnv: func(k string) (string, bool) { return node, k == "NODE_NAME" },
		}
		err = in.Run(ctx)
		return log.String(), out.String(), err
	}
	full, stdout, err := take(t, all)
	if err != nil || stdout != "" || strings.Contains(full, "forbidden") {
		t.Fatalf("with all rights: %v\n%s%s", err, full, stdout)
	}
	for i, rule := range all {
		for _, verb := range rule.Verbs {
			name := verb + " " + rule.Resources[0]
			t.Run(name, func(t *testing.T) {
				if verb == "create" {
					// Only the first write of a ConfigMap creates it.
					if err := connect(t, schema.CollectParams{Kubeconfig: c.Kubeconfig}).Delete(ctx, r.configMap(0)); err != nil {
						t.Fatal(err)
					}
				}
				fewer := slices.Clone(all)
				fewer[i].Verbs = slices.DeleteFunc(slices.Clone(rule.Verbs), func(v string) bool { return v == verb })
				if len(fewer[i].Verbs) == 0 {
					fewer = slices.Delete(fewer, i, i+1)
				}
				story, stdout, err := take(t, fewer)
				if rule.Resources[0] != "configmaps" {
					if err != nil || !strings.Contains(story, "forbidden") || !strings.Contains(story, rule.Resources[0]) || !strings.Contains(story, verb) {
						t.Errorf("nothing was missed: %v\n%s", err, story)
					}
					return
				}
				if schema.CodeOf(err) != schema.Unauthorized || !strings.Contains(err.Error(), "configmaps") {
					t.Errorf("got %q: %v", schema.CodeOf(err), err)
				}
				var e envelope
				for line := range strings.Lines(stdout) {
					e.line(strings.TrimSuffix(line, "\n"))
				}
				var s schema.Snapshot
				if text, err := e.document(); err != nil || schema.Decode("stdout", text, &s) != nil {
					t.Errorf("the snapshot is lost: %v\n%s", err, stdout)
				}
			})
		}
	}
}

// addClusterPolicy installs the CRD of the GPU operator's ClusterPolicy, as far
// as listing goes, with one object.
func addClusterPolicy(t *testing.T, c *kubetest.Cluster) {
	t.Helper()
	crd := `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"clusterpolicies.nvidia.com"},
"spec":{"group":"nvidia.com","scope":"Cluster","names":{"kind":"ClusterPolicy","listKind":"ClusterPolicyList","plural":"clusterpolicies","singular":"clusterpolicy"},
"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`
	c.Put(t, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterpolicies.nvidia.com", crd)
	c.Put(t, "/apis/nvidia.com/v1/clusterpolicies/cluster-policy",
		`{"apiVersion":"nvidia.com/v1","kind":"ClusterPolicy","metadata":{"name":"cluster-policy"},"spec":{"driver":{"version":"570.86.15"}}}`)
}
