package agent

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/deploy/agent"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

// labelRun marks everything of one run; its value is the run's name.
const labelRun = "eidos.nvidia.com/run"

// keep is how long a Job that nobody cleaned up stays after its end.
const keep = time.Hour

// named is the greatest number of nodes that a Pod names one by one.
const named = 200

// host is where a privileged Pod sees the host's files.
const host = "/host"

// run is one Job to be: its name and where it goes.
type run struct {
	name    string
	agent   schema.Agent
	collect schema.CollectParams // agent left out
	image   string
	limit   time.Duration
	nodes   []kube.GPUNode // of an Indexed Job; none for a single Pod
	before  map[int]string // versions of ConfigMaps that were there before, by index
	// answered is called with every node whose Pod has succeeded; may be nil.
	answered func(node string)
}

// output is the name of the ConfigMap that index i writes.
func (r run) output(i int) string {
	if len(r.nodes) == 0 {
		return r.name
	}
	return fmt.Sprintf("%s-%d", r.name, i)
}

func (r run) configMap(i int) kube.Object {
	return kube.NewObject("ConfigMap", r.agent.Namespace, r.output(i))
}

// rights are the objects that let the Job read what it measures and write its
// result: those of deploy/agent/base, under the run's name.
func (r run) rights() ([]kube.Object, error) {
	if r.agent.ServiceAccountName != "" {
		return nil, nil
	}
	read := r.manifest("base/clusterrole.yaml")
	write := r.manifest("base/role.yaml")
	account := r.manifest("base/serviceaccount.yaml")
	bindRead := r.manifest("base/clusterrolebinding.yaml")
	bindWrite := r.manifest("base/rolebinding.yaml")
	if r.agent.Releases {
		more := r.manifest("releases/clusterrole.yaml")
		read["rules"] = append(read["rules"].([]any), more["rules"].([]any)...)
	}
	var outputs []any
	for i := range max(1, len(r.nodes)) {
		outputs = append(outputs, r.output(i))
	}
	set(write, outputs, "rules", 0, "resourceNames")
	for _, b := range []kube.Object{bindRead, bindWrite} {
		set(b, r.name, "subjects", 0, "name")
		set(b, r.agent.Namespace, "subjects", 0, "namespace")
	}
	set(bindRead, r.global(), "roleRef", "name")
	set(bindWrite, r.name, "roleRef", "name")
	return []kube.Object{account, read, bindRead, write, bindWrite}, nil
}

// global is the name of what stands in no namespace. A namespace has no dots,
// so no two runs share it.
func (r run) global() string { return r.name + "." + r.agent.Namespace }

// leftovers are all objects that the run made, to be deleted: the Job first,
// since its Pods use the others.
func (r run) leftovers() []kube.Object {
	out := []kube.Object{kube.NewObject("Job", r.agent.Namespace, r.name)}
	for i := range max(1, len(r.nodes)) {
		if r.before[i] == "" {
			out = append(out, r.configMap(i))
		}
	}
	if r.agent.ServiceAccountName != "" {
		return out
	}
	return append(out,
		kube.NewObject("RoleBinding", r.agent.Namespace, r.name),
		kube.NewObject("Role", r.agent.Namespace, r.name),
		kube.NewObject("ClusterRoleBinding", "", r.global()),
		kube.NewObject("ClusterRole", "", r.global()),
		kube.NewObject("ServiceAccount", r.agent.Namespace, r.name),
	)
}

// job is the Job of deploy/agent/job with the run's settings. All problems of
// the settings are reported at once.
func (r run) job() (kube.Object, error) {
	o := r.manifest("job/job.yaml")
	pod := []any{"spec", "template", "spec"}
	in := func(keys ...any) []any { return append(slices.Clone(pod), keys...) }
	container := func(keys ...any) []any { return append(in("containers", 0), keys...) }

	set(o, int(r.limit.Seconds()), "spec", "activeDeadlineSeconds")
	set(o, int(keep.Seconds()), "spec", "ttlSecondsAfterFinished")
	set(o, r.labels(), "spec", "template", "metadata", "labels")
	set(o, r.image, container("image")...)
	set(o, r.args(), container("args")...)
	account := r.agent.ServiceAccountName
	if account == "" {
		account = r.name
	}
	set(o, account, in("serviceAccountName")...)
	if len(r.agent.ImagePullSecret) > 0 {
		var secrets []any
		for _, s := range r.agent.ImagePullSecret {
			secrets = append(secrets, map[string]any{"name": s})
		}
		set(o, secrets, in("imagePullSecrets")...)
	}
	if r.agent.RuntimeClass != "" {
		set(o, r.agent.RuntimeClass, in("runtimeClassName")...)
		add(o, map[string]any{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}, container("env")...)
		add(o, map[string]any{"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "utility"}, container("env")...)
	}
	if r.agent.RequireGPU && r.agent.RuntimeClass == "" {
		set(o, 1, container("resources", "limits", "nvidia.com/gpu")...)
	}
	if r.agent.Privileged {
		r.privilege(o, in, container)
	}
	selector, err1 := kube.NodeLabels("agent.nodeSelector", r.agent.NodeSelector)
	tolerations, err2 := kube.Tolerations("agent.toleration", r.agent.Toleration)
	if len(selector) > 0 {
		set(o, selector, in("nodeSelector")...)
	}
	if len(tolerations) > 0 {
		var list []any
		for _, t := range tolerations {
			list = append(list, map[string]any(t))
		}
		set(o, list, in("tolerations")...)
	}
	if len(r.nodes) > 0 {
		r.spread(o, in)
	}
	return o, schema.Join([]error{err1, err2})
}

// privilege gives the Pod what reading the host takes: root, its files read
// only, and its system bus.
func (r run) privilege(o kube.Object, in, container func(...any) []any) {
	set(o, map[string]any{"runAsUser": 0}, in("securityContext")...)
	set(o, map[string]any{"privileged": true, "readOnlyRootFilesystem": true}, container("securityContext")...)
	set(o, []any{map[string]any{"name": "host", "hostPath": map[string]any{"path": "/"}}}, in("volumes")...)
	set(o, []any{map[string]any{"name": "host", "mountPath": host, "readOnly": true, "mountPropagation": "HostToContainer"}}, container("volumeMounts")...)
	add(o, map[string]any{"name": EnvHost, "value": host}, container("env")...)
	add(o, map[string]any{"name": "DBUS_SYSTEM_BUS_ADDRESS", "value": "unix:path=" + host + "/run/dbus/system_bus_socket"}, container("env")...)
}

// spread makes the Job an Indexed one with a Pod for every node. Pods of one
// run keep away from each other; that a node which is done early takes another
// one cannot be excluded, so the caller counts.
func (r run) spread(o kube.Object, in func(...any) []any) {
	set(o, "Indexed", "spec", "completionMode")
	set(o, len(r.nodes), "spec", "completions")
	set(o, len(r.nodes), "spec", "parallelism")
	set(o, 0, "spec", "backoffLimitPerIndex")
	delete(o["spec"].(map[string]any), "backoffLimit")
	affinity := map[string]any{
		"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
			"topologyKey":   "kubernetes.io/hostname",
			"labelSelector": map[string]any{"matchLabels": map[string]any{labelRun: r.name}},
		}}},
	}
	if match := r.where(); match != nil {
		affinity["nodeAffinity"] = map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
			"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{match}}},
		}}
	}
	set(o, affinity, in("affinity")...)
}

// where selects the nodes of an Indexed Job: by name, or, since every Pod
// carries the list, by what they have in common when they are many. nil is
// left to the settings' own selector.
func (r run) where() map[string]any {
	var names []any
	labelled := true
	for _, n := range r.nodes {
		names = append(names, n.Hostname)
		labelled = labelled && n.Labelled
	}
	switch {
	case len(names) > named && len(r.agent.NodeSelector) > 0:
		return nil
	case len(names) > named && labelled:
		return map[string]any{"key": "nvidia.com/gpu.present", "operator": "In", "values": []any{"true"}}
	}
	return map[string]any{"key": "kubernetes.io/hostname", "operator": "In", "values": names}
}

// args are the arguments of `eidos agent` that say what r.collect says.
func (r run) args() []any {
	out := []any{"agent", "--output=cm://" + r.agent.Namespace + "/" + r.name}
	if len(r.nodes) > 0 {
		out = append(out, "--indexed")
	}
	for _, c := range r.collect.Collectors {
		out = append(out, "--collectors="+string(c))
	}
	require := slices.Clone(r.collect.Require)
	if r.agent.RequireGPU && !slices.Contains(require, "gpu") {
		require = append(require, "gpu")
	}
	for _, c := range require {
		out = append(out, "--require="+string(c))
	}
	if r.collect.BestEffort {
		out = append(out, "--best-effort")
	}
	if r.collect.MaxNodesPerEntry != 0 {
		out = append(out, fmt.Sprintf("--max-nodes-per-entry=%d", r.collect.MaxNodesPerEntry))
	}
	if r.collect.Serials {
		out = append(out, "--serials")
	}
	if r.collect.CollectTimeout != "" {
		out = append(out, "--collect-timeout="+r.collect.CollectTimeout)
	}
	return out
}

func (r run) labels() map[string]any {
	return map[string]any{
		"app.kubernetes.io/name": "eidos", "app.kubernetes.io/component": "agent",
		"app.kubernetes.io/managed-by": "eidos", labelRun: r.name,
	}
}

// manifest reads a file of deploy/agent, under the run's name and labels.
func (r run) manifest(name string) kube.Object {
	data, err := fs.ReadFile(agent.Files, name)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	var o map[string]any
	if err := yaml.Unmarshal(data, &o); err != nil {
		panic("BUG: " + path.Join("deploy/agent", name) + ": " + err.Error())
	}
	meta := map[string]any{"name": r.name, "labels": r.labels()}
	if strings.HasPrefix(kube.Object(o).Kind(), "Cluster") {
		meta["name"] = r.global()
	} else {
		meta["namespace"] = r.agent.Namespace
	}
	o["metadata"] = meta
	return o
}
