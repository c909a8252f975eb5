package jobs

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/steps/kube"
)

// template is the name of a step's template: all rows share one.
func template(s plan.NodeInfo) string { return "step-" + dns(s.Step, 50) }

// templates are those of the Pods: one a step, and one that prints rows.
func (w Workflow) templates(name string) []any {
	var out []any
	rows := false
	seen := map[string]bool{}
	for _, s := range w.Plan.Steps() {
		if s.Uses == "load" || seen[template(s)] {
			continue
		}
		seen[template(s)] = true
		rows = rows || s.Deferred
		args := []any{"step", "run", "--step={{inputs.parameters.id}}"}
		if s.Finally {
			args = append(args, "--status={{workflow.status}}")
		}
		t := w.pod(template(s), args, s.Secrets)
		if s.Timeout > 0 {
			t["activeDeadlineSeconds"] = strconv.Itoa(int((s.Timeout + overhead).Seconds()))
		}
		var limits []any
		for _, key := range limitsOf(s) {
			limits = append(limits, map[string]any{"configMapKeyRef": map[string]any{"name": name + "-limits", "key": key}})
		}
		if limits != nil {
			t["synchronization"] = map[string]any{"semaphores": limits}
		}
		out = append(out, t)
	}
	if rows {
		out = append(out, w.pod("rows", []any{"step", "rows", "--step={{inputs.parameters.id}}"}, nil))
	}
	return out
}

// pod is a template that runs eidos.
func (w Workflow) pod(name string, args []any, secrets []string) map[string]any {
	args = append(args, "--plan="+planDir+"/"+planFile, "--run={{workflow.uid}}", "--store="+w.Store)
	for _, a := range w.Args {
		args = append(args, a)
	}
	env := []any{map[string]any{"name": "TMPDIR", "value": "/tmp"}}
	mounts := []any{
		map[string]any{"name": "tmp", "mountPath": "/tmp"},
		map[string]any{"name": "plan", "mountPath": planDir, "readOnly": true},
	}
	from := w.Plan.Secrets
	for _, n := range secrets {
		if k, ok := w.Secrets[n]; ok {
			env = append(env, map[string]any{"name": from[n].Env, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": k.Name, "key": k.Key}}})
		}
	}
	if w.Pods.RegistrySecret != "" {
		env = append(env, map[string]any{"name": "DOCKER_CONFIG", "value": dockerDir})
		mounts = append(mounts, dockerMount())
	}
	return map[string]any{
		"name": name, "inputs": map[string]any{"parameters": []any{map[string]any{"name": "id"}}},
		"container": map[string]any{
			"name": "main", "image": w.Image, "command": []any{"/eidos"}, "args": args, "env": env, "volumeMounts": mounts, "workingDir": "/tmp",
			"resources": resources(w.Pods), "securityContext": kube.ContainerSecurity(),
		},
		// What a step says by its exit status is final: its own retries are done
		// inside. A Pod that was killed is started again.
		"retryStrategy": map[string]any{"limit": restarts, "retryPolicy": "Always", "expression": killed()},
	}
}

// killed is true for a Pod that did not end by itself.
func killed() string {
	most := slices.Max(ownExits())
	return fmt.Sprintf("asInt(lastRetry.exitCode) < 1 || asInt(lastRetry.exitCode) > %d", most)
}

func (w Workflow) volumes(name string) []any {
	out := []any{
		map[string]any{"name": "tmp", "emptyDir": map[string]any{}},
		map[string]any{"name": "plan", "configMap": map[string]any{"name": name + "-plan"}},
	}
	if w.Pods.RegistrySecret != "" {
		out = append(out, dockerVolume(w.Pods))
	}
	return out
}

// limits are the pools of the plan and the rows at once of its steps, as
// semaphores: all workflows of one plan share them.
func (w Workflow) limits() map[string]any {
	out := map[string]any{}
	pools := w.Plan.Pools
	for _, s := range w.Plan.Steps() {
		for _, key := range limitsOf(s) {
			n := s.Parallel
			if key == "pool-"+s.Pool {
				n = pools[s.Pool]
			}
			out[key] = strconv.Itoa(n)
		}
	}
	return out
}

func limitsOf(s plan.NodeInfo) []string {
	var out []string
	if s.Pool != "" {
		out = append(out, "pool-"+s.Pool)
	}
	if s.Parallel > 0 {
		out = append(out, "rows-"+dns(s.Step, 60))
	}
	slices.Sort(out)
	return out
}
