package recipes

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// right is what the newest release has where a release was found to be wrong. A
// path of values is looked at in every recipe that has the component, or in those
// for the criteria where there are any.
type right struct {
	criteria  schema.Criteria
	component string
	// One of these is set.
	path     []string // of a value, which must be want; nil: there must be none
	want     any
	manifest string   // whose text must have has and must not have lacks
	has      []string //
	lacks    []string //
	list     []string // of scheduling: system or accelerated, nodeSelector or tolerations; has, lacks
	planted  any      // the wrong value, for a value or a text
}

var knownRight = map[string]right{
	// The CRD refuses restart_all_services.
	"GKE tuning's interrupt": {criteria: schema.Criteria{Service: "gke", OS: "cos", Accelerator: "h100", Intent: "training"}, component: "nodewright-customizations",
		manifest: "tuning-gke.yaml", has: []string{"type: service\n", "services: [systemd-sysctl]"}, lacks: []string{"restart_all_services"}, planted: "type: restart_all_services"},
	// Without these the tuning of a node does not end.
	"EKS tuning's packages": {criteria: schema.Criteria{Service: "eks", Accelerator: "h100", Intent: "training"}, component: "nodewright-customizations",
		manifest: "tuning.yaml", has: []string{`{name: INTERRUPT, value: "true"}`, "nvidia-setup-kernel:", "nvidia-setup-full:", "autoTaintNewNodes: true"}, planted: "packages: {}"},
	"network-operator deployCR":                  {component: "network-operator", path: []string{"deployCR"}, planted: true},
	"network-operator nicClusterPolicy":          {component: "network-operator", path: []string{"nicClusterPolicy"}, planted: map[string]any{"enabled": true}},
	"network-operator nvIpam":                    {component: "network-operator", path: []string{"nvIpam"}, planted: map[string]any{"enabled": true}},
	"network-operator secondaryNetwork":          {component: "network-operator", path: []string{"secondaryNetwork"}, planted: map[string]any{"deploy": true}},
	"network-operator's policy is an object":     {criteria: schema.Criteria{Service: "aks"}, component: "network-operator", manifest: "nic-cluster-policy-aks.yaml", has: []string{"kind: NicClusterPolicy"}, planted: ""},
	"AKS claims no MOFED on the host":            {criteria: schema.Criteria{Service: "aks"}, component: "gpu-operator", path: []string{"driver", "rdma", "useHostMofed"}, want: false, planted: true},
	"trainer's jobset":                           {component: "kubeflow-trainer", path: []string{"jobset", "install"}, want: true, planted: "yes"},
	"trainer's jobset.enabled":                   {component: "kubeflow-trainer", path: []string{"jobset", "enabled"}, planted: true},
	"trainer's crds":                             {component: "kubeflow-trainer", path: []string{"crds"}, planted: map[string]any{"install": true}},
	"trainer's webhook":                          {component: "kubeflow-trainer", path: []string{"webhook"}, planted: map[string]any{"enabled": true}},
	"trainer's leader election":                  {component: "kubeflow-trainer", path: []string{"manager", "config", "leaderElection", "leaderElect"}, want: true},
	"trainer's leader election where it was":     {component: "kubeflow-trainer", path: []string{"manager", "leaderElection"}, planted: map[string]any{"enabled": true}},
	"trainer's port of webhooks":                 {component: "kubeflow-trainer", path: []string{"manager", "config", "webhook", "port"}, want: int64(9443)},
	"trainer's service account":                  {component: "kubeflow-trainer", path: []string{"manager", "serviceAccount"}, planted: map[string]any{"create": true}},
	"trainer's torch policy":                     {component: "kubeflow-trainer", manifest: "torch-distributed-cluster-training-runtime.yaml", has: []string{"torch: {}", "pytorch:2.11.0-cuda12.8-cudnn9-runtime@sha256:"}, lacks: []string{"numProcPerNode"}, planted: "numProcPerNode: auto"},
	"gpu-operator's kernel modules":              {component: "gpu-operator", path: []string{"driver", "kernelModuleType"}, want: "open", planted: "closed"},
	"gpu-operator useOpenKernelModules":          {component: "gpu-operator", path: []string{"driver", "useOpenKernelModules"}, planted: true},
	"gpu-operator's parallel upgrades":           {component: "gpu-operator", path: []string{"driver", "upgradePolicy", "maxParallelUpgrades"}, want: int64(5)},
	"gpu-operator's parallel upgrades of before": {component: "gpu-operator", path: []string{"driver", "maxParallelUpgrades"}, planted: int64(5)},
	"gpu-operator's DaemonSets have no selector": {component: "gpu-operator", list: []string{"accelerated", "nodeSelector"}, lacks: []string{"daemonsets.nodeSelector"}, planted: "daemonsets.nodeSelector"},
	"gpu-operator's DaemonSets are tolerant":     {component: "gpu-operator", list: []string{"accelerated", "tolerations"}, has: []string{"daemonsets.tolerations"}},
	"gpu-operator cdi.default":                   {component: "gpu-operator", path: []string{"cdi", "default"}, planted: false},
	"the device plugin hands out GPUs alone":     {component: "nvidia-dra-driver-gpu", path: []string{"gpuResourcesEnabledOverride"}, want: false, planted: true},
	"the DRA driver hands out no GPUs":           {component: "nvidia-dra-driver-gpu", path: []string{"resources", "gpus", "enabled"}, want: false, planted: true},
	"the DRA controller may run on any node":     {component: "nvidia-dra-driver-gpu", path: []string{"controller", "affinity", "nodeAffinity"}, want: nil, planted: map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{}}},
	"the node exporter runs on every node":       {component: "kube-prometheus-stack", list: []string{"system", "nodeSelector"}, has: []string{"prometheus.prometheusSpec.nodeSelector"}, lacks: []string{"prometheus-node-exporter.nodeSelector"}, planted: "prometheus-node-exporter.nodeSelector"},
	"Grafana's password":                         {component: "kube-prometheus-stack", path: []string{"grafana", "adminPassword"}, planted: "admin"},
	"the inference extension":                    {component: "agentgateway-crds", manifest: "inference-extension.crd.yaml", has: []string{"inference.networking.k8s.io/bundle-version: v1.3.0"}, planted: "inference.networking.k8s.io/bundle-version: v0.3.0"},
}

// TestKnownWrong holds what was found to be wrong in the data that the catalogue
// was made from, each with the right value, in every recipe that has it.
func TestKnownWrong(t *testing.T) {
	cat, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string][]schema.ComponentRef{} // every distinct one, by component
	seen := map[string]bool{}
	all, err := cat.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		d, err := cat.Document(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Components {
			id, err := schema.Encode(c)
			if err != nil {
				t.Fatal(err)
			}
			if !seen[string(id)] {
				seen[string(id)] = true
				refs[c.Name] = append(refs[c.Name], c)
			}
		}
	}
	for name, r := range knownRight {
		where := refs[r.component]
		if r.criteria != (schema.Criteria{}) {
			res, err := cat.Resolve(r.criteria, false)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			where = slices.DeleteFunc(slices.Clone(res.ComponentRefs), func(c schema.ComponentRef) bool { return c.Name != r.component })
		}
		if len(where) == 0 {
			t.Errorf("%s: no recipe has %s", name, r.component)
		}
		for _, c := range where {
			if wrong := r.check(t, cat, c, nil); wrong != "" {
				t.Errorf("%s: %s", name, wrong)
			}
			// The check must see the wrong value, or it proves nothing.
			if r.planted != nil && r.check(t, cat, c, r.planted) == "" {
				t.Errorf("%s: %v is accepted", name, r.planted)
			}
		}
	}
}

// check is what is wrong with a component, or would be with planted in it.
func (r right) check(t *testing.T, cat *Catalog, c schema.ComponentRef, planted any) string {
	t.Helper()
	switch {
	case r.path != nil:
		got := value(c.Values, r.path)
		if planted != nil {
			got = planted
		}
		return cmp.Diff(r.want, got)
	case r.list != nil:
		var list []string
		if s := c.Scheduling; s != nil {
			paths := map[string]*schema.SchedulingPaths{"system": s.System, "accelerated": s.Accelerated}[r.list[0]]
			if paths != nil {
				list = map[string][]string{"nodeSelector": paths.NodeSelector, "tolerations": paths.Tolerations}[r.list[1]]
			}
		}
		if planted != nil {
			list = append(slices.Clone(list), planted.(string))
		}
		return r.holds(strings.Join(list, "\n"))
	}
	i := slices.IndexFunc(c.Manifests, func(m schema.Manifest) bool { return strings.HasSuffix(m.Path, "/"+r.manifest) })
	if i < 0 {
		return "there is no " + r.manifest
	}
	text, err := cat.Manifest(c.Manifests[i].Path)
	if err != nil {
		t.Fatal(err)
	}
	if planted != nil {
		text = []byte(planted.(string))
	}
	return r.holds(string(text))
}

func (r right) holds(text string) string {
	for _, s := range r.has {
		if !strings.Contains(text, s) {
			return "there is no " + s
		}
	}
	for _, s := range r.lacks {
		if strings.Contains(text, s) {
			return "there is " + s
		}
	}
	return ""
}

// value is what a tree has at keys, nil for nothing.
func value(v any, keys []string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// TestKnownFloors holds that no recipe promises a version of Kubernetes on which a
// chart of it refuses to install.
func TestKnownFloors(t *testing.T) {
	cat, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	floors := map[string]int{}
	all, err := cat.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		d, err := cat.Document(a)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(d.Constraints, func(c schema.Constraint) bool { return c.Name == "K8s.server.version" })
		if i < 0 {
			t.Errorf("%s has no floor", a.File)
			continue
		}
		floor := d.Constraints[i].Value
		floors[floor]++
		e, err := constraint.Parse(floor)
		if err != nil {
			t.Fatal(err)
		}
		least, err := constraint.Parse(">= 1.32")
		if err != nil {
			t.Fatal(err)
		}
		hasDRA := slices.ContainsFunc(d.Components, func(c schema.ComponentRef) bool { return strings.HasPrefix(c.Name, "nvidia-dra-driver-gpu") })
		if hasDRA && !e.Implies(least) { // its chart accepts 1.32 and newer
			t.Errorf("%s: %s", a.File, floor)
		}
	}
	if len(floors) < 2 {
		t.Errorf("only %v", slices.Collect(maps.Keys(floors)))
	}
}

// TestMetricsOfDCGM holds that the list of metrics is whole: one that the newest
// dashboards read, and that was missing, for each group.
func TestMetricsOfDCGM(t *testing.T) {
	cat, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	text, err := cat.Manifest("components/gpu-operator/manifests/dcgm-exporter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		if f, _, ok := strings.Cut(strings.TrimSpace(line), ","); ok && strings.HasPrefix(f, "DCGM_FI_") {
			if fields[f] {
				t.Errorf("%s twice", f)
			}
			fields[f] = true
		}
	}
	if len(fields) < 43 {
		t.Errorf("%d metrics", len(fields))
	}
}
