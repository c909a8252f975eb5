package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

const (
	// labelRun marks everything that one run of checks made.
	labelRun = "eidos.nvidia.com/run"
	// keep is how long a Job that nobody deleted stays after its end.
	keep = 10 * time.Minute
	// poll is how often a Job is looked at.
	poll = 500 * time.Millisecond
	// readLines of a log, its last ones, are read for a result.
	readLines = 2000
	gpuNodes  = "nvidia.com/gpu.present=true"
	gpu       = "nvidia.com/gpu"
)

// programRights are what a program in Pods takes. Those of a namespace are for
// the whole cluster where each run has a namespace of its own.
func programRights(r recipes.Run, namespace string) []expect.Right {
	var out []expect.Right
	add := func(verb, group, resource, ns string) {
		out = append(out, expect.Right{Verb: verb, Group: group, Resource: resource, Namespace: ns})
	}
	if namespace == "" {
		for _, verb := range []string{"create", "delete", "get", "list", "patch"} {
			add(verb, "", "namespaces", "") // list: for those of runs that were killed
		}
	}
	out = append(out, managed("batch", "jobs", namespace)...)
	add("list", "", "pods", namespace)
	add("get", "", "pods/log", namespace)
	if r.EveryGPUNode {
		add("list", "", "nodes", "")
	}
	if r.DeviceClass != "" {
		out = append(out, managed("resource.k8s.io", "resourceclaimtemplates", namespace)...)
	}
	return out
}

// program runs a check's Pods and decides by their result.
func (x *runner) program(ctx context.Context, i item) expect.Verdict {
	r := *i.check.Run
	var nodes []string
	if r.EveryGPUNode {
		list, err := x.cluster.Nodes(ctx, gpuNodes)
		if err != nil {
			return unknown(err.Error())
		}
		for _, n := range list {
			nodes = append(nodes, n.Name)
		}
		if len(nodes) == 0 {
			return unknown("no node has the label " + gpuNodes)
		}
		r.Pods = len(nodes)
	}
	return x.deployed(ctx, i, r, "", nil, func(d *job.Driver) expect.Verdict {
		pods, why := ended(ctx, d)
		if why != "" {
			return unknown(why)
		}
		return x.result(ctx, d, i, r, pods)
	})
}

// result decides by what the Pods of a Job that has ended left.
func (x *runner) result(ctx context.Context, d *job.Driver, i item, r recipes.Run, pods map[int]kube.Pod) expect.Verdict {
	var ran []schema.CheckProgram
	for n := range r.Pods {
		p, ok := pods[n]
		switch {
		case !ok:
			return unknown(fmt.Sprintf("Pod %d of %d was not created", n, r.Pods))
		case p.Phase != "Succeeded" && p.Phase != "Failed":
			return unknown("Pod " + p.Name + " has not ended" + behind(p.Trouble))
		}
		ran = append(ran, schema.CheckProgram{Check: i.check.Name, Index: int64(n), Pods: int64(r.Pods), Image: r.Image, ImageID: p.Image, Node: p.Node, Exit: int64(p.Exit)})
		// A log that nothing is read of is read for a record only.
		if p.Phase == "Failed" || n == 0 && !r.Reader.Exit || x.ran != nil {
			ran[n].Log = x.tail(ctx, d, p.Name)
		}
		if p.Phase == "Failed" && p.Exit == 0 {
			ran[n].Exit = -1 // killed, or evicted: it has no status of its own
		}
	}
	if x.ran != nil {
		ran = x.ran(ran)
	}
	return i.decideRan(ran)
}

// decideRan decides by what the Pods of a check left.
func (i item) decideRan(ran []schema.CheckProgram) expect.Verdict {
	r := *i.check.Run
	var problems []string
	for _, p := range ran {
		if p.Exit == 0 {
			continue
		}
		problems = append(problems, fmt.Sprintf("on node %s it ended with status %d%s", p.Node, p.Exit, behind(lastLines(p.Log))))
	}
	slices.Sort(problems)
	if len(problems) > 0 || r.Reader.Exit {
		return failed(problems...)
	}
	v, err := measured(r.Reader, ran[0].Log)
	if bad := badResult(""); errors.As(err, &bad) {
		return failed(bad.Error())
	}
	if err != nil {
		return unknown(err.Error())
	}
	return judge(i, r, v)
}

// judge decides a measured value by the constraints of the recipe, else by the
// check's own.
func judge(i item, r recipes.Run, v float64) expect.Verdict {
	out := expect.Verdict{Status: constraint.Passed, Actual: strconv.FormatFloat(v, 'f', -1, 64)}
	if r.Unit != "" {
		out.Actual += " " + r.Unit
	}
	var must []string
	for _, k := range i.bound[0].Constraints {
		must = append(must, k.Value)
	}
	if len(must) == 0 && r.Value != "" {
		must = append(must, r.Value)
	}
	for _, m := range must {
		status, why := constraint.Number(m, v)
		if status != constraint.Passed && out.Status != constraint.Failed {
			out.Status, out.Problems = status, []string{why}
		}
	}
	return out
}

// tail is the end of a Pod's log, none if it cannot be read.
func (x *runner) tail(ctx context.Context, d *job.Driver, pod string) []string {
	lines, err := d.Tail(ctx, pod, readLines)
	if err != nil {
		x.note("reading the log of Pod %s: %v", pod, err)
	}
	return lines
}

// lastLines are the last three lines of a log that have text: a program's reason is
// often not in the very last.
func lastLines(log []string) string {
	var out []string
	for _, line := range slices.Backward(log) {
		if line = strings.TrimSpace(line); line != "" && len(out) < 3 {
			out = append(out, cut(line))
		}
	}
	slices.Reverse(out)
	return strings.Join(out, "; ")
}

func cut(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}

// manifests are the objects of one program, the Job last.
func manifests(c recipes.Check, r recipes.Run, name, namespace, run string, tolerations []kube.Object) []kube.Object {
	labels := runLabels("check", run)
	labels["eidos.nvidia.com/check"] = c.Name
	limits := map[string]any{}
	for k, v := range map[string]string{"cpu": r.CPU, "memory": r.Memory} {
		if v != "" {
			limits[k] = v
		}
	}
	if r.GPUs > 0 {
		limits[gpu] = strconv.Itoa(r.GPUs)
	}
	resources := map[string]any{"limits": limits}
	var env []any
	for _, k := range slices.Sorted(maps.Keys(r.Env)) {
		env = append(env, map[string]any{"name": k, "value": r.Env[k]})
	}
	pod := map[string]any{
		"restartPolicy": "Never", "automountServiceAccountToken": false, "enableServiceLinks": false,
		"terminationGracePeriodSeconds": 1,
		"securityContext":               kube.PodSecurity(),
		"volumes": []any{
			map[string]any{"name": "tmp", "emptyDir": map[string]any{}},
			map[string]any{"name": "shm", "emptyDir": map[string]any{"medium": "Memory"}},
		},
	}
	container := map[string]any{
		"name": "check", "image": r.Image, "resources": resources, "securityContext": kube.ContainerSecurity(), "env": env,
		"volumeMounts": []any{map[string]any{"name": "tmp", "mountPath": "/tmp"}, map[string]any{"name": "shm", "mountPath": "/dev/shm"}},
	}
	if len(r.Command) > 0 {
		container["command"] = anys(r.Command)
	}
	if len(r.Args) > 0 {
		container["args"] = anys(r.Args)
	}
	if r.Scheduler != "" {
		pod["schedulerName"] = r.Scheduler
	}
	var list []any
	for _, t := range tolerations {
		list = append(list, map[string]any(t))
	}
	if r.GPUs > 0 || r.EveryGPUNode {
		key, value, _ := strings.Cut(gpuNodes, "=")
		pod["nodeSelector"] = map[string]any{key: value}
		list = append(list, map[string]any{"key": gpu, "operator": "Exists"})
	}
	if len(list) > 0 {
		pod["tolerations"] = list
	}
	if r.EveryGPUNode {
		pod["affinity"] = map[string]any{"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
			"topologyKey": "kubernetes.io/hostname", "labelSelector": map[string]any{"matchLabels": map[string]any{labelRun: run, "eidos.nvidia.com/check": c.Name}},
		}}}}
	}
	var out []kube.Object
	if r.DeviceClass != "" {
		out = append(out, kube.Object{
			"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
			"metadata": map[string]any{"name": name, "namespace": namespace, "labels": labels},
			"spec": map[string]any{"spec": map[string]any{"devices": map[string]any{"requests": []any{
				map[string]any{"name": "gpu", "exactly": map[string]any{"deviceClassName": r.DeviceClass}},
			}}}},
		})
		pod["resourceClaims"] = []any{map[string]any{"name": "gpu", "resourceClaimTemplateName": name}}
		resources["claims"] = []any{map[string]any{"name": "gpu"}}
	}
	pod["containers"] = []any{container}
	limit, err := time.ParseDuration(c.Timeout)
	if err != nil {
		limit = 5 * time.Minute // Vet refuses such a check
	}
	return append(out, kube.Object{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{"name": name, "namespace": namespace, "labels": labels},
		"spec": map[string]any{
			"backoffLimit": 0, "activeDeadlineSeconds": int(limit.Seconds()), "ttlSecondsAfterFinished": int(keep.Seconds()),
			"completionMode": "Indexed", "completions": r.Pods, "parallelism": r.Pods,
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": pod},
		},
	})
}
