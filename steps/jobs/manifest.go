package jobs

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/kube"
)

const (
	// labelRun marks everything of one run; its value is the run's id.
	labelRun = "eidos.nvidia.com/run"
	// keep is how long a Job that nobody cleaned up stays after its end.
	keep = time.Hour
	// restarts is how often a Pod that was killed is started again: its step returned
	// nothing, so its own retries do not count.
	restarts = 2
	// overhead is how much longer than its step a Pod may take, to start and to
	// deliver.
	overhead = 5 * time.Minute

	secretsDir = "/run/eidos/secrets"
	dockerDir  = "/run/eidos/docker"
	container  = "step"
)

// job is the manifest of the Job that runs tasks, whose digest in the store is plan.
// All problems of the settings are reported at once.
func (e *Executor) job(name string, tasks []engine.Task, plan schema.Digest) (kube.Object, error) {
	spec, err := placement(e.Pods)
	if err != nil {
		return nil, err
	}
	spec["restartPolicy"] = "Never"
	spec["automountServiceAccountToken"] = e.Pods.ServiceAccountName != ""
	spec["securityContext"] = kube.PodSecurity()
	spec["containers"] = []any{e.container(tasks, plan)}
	spec["volumes"] = e.volumes(name, tasks)
	if e.Pods.RuntimeClass != "" {
		spec["runtimeClassName"] = e.Pods.RuntimeClass
	}
	if limit := longest(tasks); limit > 0 {
		spec["activeDeadlineSeconds"] = int((limit + overhead).Seconds())
	}
	labels := labels(tasks)
	o := kube.Object{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{"name": name, "namespace": e.namespace, "labels": labels},
		"spec": map[string]any{
			"ttlSecondsAfterFinished": int(keep.Seconds()),
			"suspend":                 len(secretsOf(tasks)) > 0, // until the Secret is there
			"podFailurePolicy":        failurePolicy(len(tasks) > 1),
			"template":                map[string]any{"metadata": map[string]any{"labels": labels}, "spec": spec},
		},
	}
	job := o["spec"].(map[string]any)
	if len(tasks) < 2 {
		job["backoffLimit"] = restarts
		return o, nil
	}
	job["completionMode"], job["completions"], job["parallelism"] = "Indexed", len(tasks), len(tasks)
	job["backoffLimitPerIndex"] = restarts
	if n := tasks[0].Parallel; n > 0 {
		job["parallelism"] = min(n, len(tasks))
	}
	return o, nil
}

// failurePolicy ends what ended by itself: a step that failed reports it with an
// exit status of the one table, and whether it is tried again is the run's to
// decide. A Pod that was evicted does not count; one that was killed does.
func failurePolicy(indexed bool) map[string]any {
	action := "FailJob"
	if indexed {
		action = "FailIndex"
	}
	return map[string]any{"rules": []any{
		map[string]any{"action": "Ignore", "onPodConditions": []any{map[string]any{"type": "DisruptionTarget", "status": "True"}}},
		map[string]any{"action": action, "onExitCodes": map[string]any{"containerName": container, "operator": "In", "values": ownExits()}},
	}}
}

// ownExits are the statuses that eidos ends with by itself, sorted as the API
// wants them; that of an interrupt is not one.
func ownExits() []int {
	var out []int
	for _, c := range schema.Codes() {
		if c.Code != schema.Canceled && !slices.Contains(out, c.Exit) {
			out = append(out, c.Exit)
		}
	}
	slices.Sort(out)
	return out
}

// container runs one task of the tasks at plan: by id, or the one with the index of its
// Pod. Its file system is read only but for /tmp.
func (e *Executor) container(tasks []engine.Task, plan schema.Digest) map[string]any {
	args := []any{"step", "run", "--progress=json", "--plan=" + string(plan), "--store=" + e.URI}
	if len(tasks) == 1 {
		args = append(args, "--step="+tasks[0].Step)
	} else {
		args = append(args, "--indexed")
	}
	for _, a := range e.Args {
		args = append(args, a)
	}
	// No home: there is no embedded registry that would end with the Pod.
	env := []any{map[string]any{"name": "TMPDIR", "value": "/tmp"}}
	mounts := []any{map[string]any{"name": "tmp", "mountPath": "/tmp"}}
	for _, k := range slices.Sorted(maps.Keys(e.Env)) {
		env = append(env, map[string]any{"name": k, "value": e.Env[k]})
	}
	if len(secretsOf(tasks)) > 0 {
		args = append(args, "--secrets="+secretsDir)
		mounts = append(mounts, map[string]any{"name": "secrets", "mountPath": secretsDir, "readOnly": true})
	}
	if e.Pods.RegistrySecret != "" {
		env = append(env, map[string]any{"name": "DOCKER_CONFIG", "value": dockerDir})
		mounts = append(mounts, dockerMount())
	}
	return map[string]any{
		"name": container, "image": e.image, "args": args, "env": env, "volumeMounts": mounts, "workingDir": "/tmp",
		"resources": resources(e.Pods), "securityContext": kube.ContainerSecurity(),
	}
}

func (e *Executor) volumes(name string, tasks []engine.Task) []any {
	out := []any{map[string]any{"name": "tmp", "emptyDir": map[string]any{}}}
	if len(secretsOf(tasks)) > 0 {
		out = append(out, map[string]any{"name": "secrets", "secret": map[string]any{"secretName": name, "defaultMode": 0o440}})
	}
	if e.Pods.RegistrySecret != "" {
		out = append(out, dockerVolume(e.Pods))
	}
	return out
}

// secret holds the secrets of tasks for as long as the Job is there, which
// owns it.
func (e *Executor) secret(name, uid string, tasks []engine.Task) kube.Object {
	data := map[string]any{}
	for k, v := range secretsOf(tasks) {
		data[k] = v
	}
	return kube.Object{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true, "stringData": data,
		"metadata": map[string]any{"name": name, "namespace": e.namespace, "labels": labels(tasks), "ownerReferences": []any{
			map[string]any{"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid},
		}},
	}
}

// secretsOf are the secrets of a step, the same for all of its rows.
func secretsOf(tasks []engine.Task) map[string]string {
	if len(tasks) == 0 {
		return nil
	}
	return tasks[0].Secrets
}

// labels select what eidos made, by hand too: kubectl get jobs -l eidos.nvidia.com/run=ID.
func labels(tasks []engine.Task) map[string]any {
	out := map[string]any{
		"app.kubernetes.io/name": "eidos", "app.kubernetes.io/component": "step", "app.kubernetes.io/managed-by": "eidos",
	}
	if len(tasks) > 0 {
		out[labelRun] = tasks[0].Run
		out["eidos.nvidia.com/step"] = dns(stepOf(tasks[0]), 63)
	}
	return out
}

// stepOf is the step that a task is a row of, or is.
func stepOf(t engine.Task) string {
	if t.Of != "" {
		return t.Of
	}
	return t.Step
}

// name is that of a Job: Pods are named after it, with up to 11 more characters.
func (e *Executor) name(t engine.Task) string {
	return "eidos-" + dns(stepOf(t), 30) + "-" + e.Random()
}

// dns makes a name of what a step is called, at most n characters. Two steps may get the
// same: Jobs have a random end, and tasks of a workflow a number.
func dns(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
	return strings.Trim(s[:min(n, len(s))], "-")
}

// longest is the longest time limit of tasks, 0 if none has one.
func longest(tasks []engine.Task) time.Duration {
	var out time.Duration
	for _, t := range tasks {
		out = max(out, t.Timeout)
	}
	return out
}
