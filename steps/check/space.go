package check

import (
	"context"
	"time"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

const (
	// spaceName begins the name of a run's namespace.
	spaceName = "eidos-check-"
	// lifetime is the annotation of how long after its creation a run's namespace
	// may be in use.
	lifetime = "eidos.nvidia.com/lifetime"
	// spare is what a run may take beyond its limit, clean-up included, and how far
	// two clocks may be apart.
	spare = 10 * time.Minute
)

// runLabels mark what one run makes.
func runLabels(component, run string) map[string]any {
	return map[string]any{
		"app.kubernetes.io/name": "eidos", "app.kubernetes.io/component": component, "app.kubernetes.io/managed-by": "eidos", labelRun: run,
	}
}

// namespaceOf is the namespace of a run that takes limit at most.
func namespaceOf(name string, labels map[string]any, limit time.Duration) kube.Object {
	all := map[string]any{"pod-security.kubernetes.io/enforce": "restricted"}
	for k, v := range labels {
		all[k] = v
	}
	return kube.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
		"name": name, "labels": all, "annotations": map[string]any{lifetime: (limit + spare).String()},
	}}
}

// space is the namespace of the run's Pods. It is made when the first check needs
// it, and free deletes it with all that is in it.
func (x *runner) space(ctx context.Context) (string, error) {
	if x.params.Namespace != "" {
		return x.params.Namespace, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	name := spaceName + x.name
	if x.made != nil {
		return name, nil
	}
	collect(ctx, x.cluster, x.now(), x.note)
	x.made = &job.Driver{Cluster: x.cluster} // also when the answer is lost
	return name, x.made.Create(ctx, namespaceOf(name, runLabels("check", x.name), x.longest))
}

// free deletes the namespace of the run, also when the run was stopped.
func (x *runner) free(ctx context.Context) {
	if x.made == nil {
		return
	}
	if err := x.made.Delete(ctx, kube.NewObject("Namespace", "", spaceName+x.name)); err != nil {
		x.note("deleting namespace %s%s: %v; delete what has the label %s=%s", spaceName, x.name, err, labelRun, x.name)
	}
}

// collector deletes what runs left behind that were killed.
type collector interface {
	Reader
	Delete(ctx context.Context, o kube.Object) error
}

// collect deletes the namespaces of runs that are over: of those that could delete
// nothing themselves, because they were killed or lost the API server. A run ends
// within the lifetime that its namespace names, so that none is taken from under a
// run. What is not allowed, or does not work, is left for the next run.
func collect(ctx context.Context, c collector, now time.Time, log func(string, ...any)) {
	source := expect.Source{Version: "v1", Resource: "namespaces", Kind: "Namespace"}
	var over []string
	err := c.Read(ctx, source, func(o expect.Object) {
		m, _ := o["metadata"].(map[string]any)
		labels, _ := m["labels"].(map[string]any)
		annotations, _ := m["annotations"].(map[string]any)
		name, _ := m["name"].(string)
		run, _ := labels[labelRun].(string)
		text, _ := annotations[lifetime].(string)
		created, _ := m["creationTimestamp"].(string)
		limit, err1 := time.ParseDuration(text)
		start, err2 := time.Parse(time.RFC3339, created)
		if run == "" || name != spaceName+run || err1 != nil || err2 != nil || m["deletionTimestamp"] != nil || now.Before(start.Add(limit)) {
			return
		}
		over = append(over, name)
	})
	if err != nil {
		log("looking for what runs left that were killed: %v", err)
		return
	}
	for _, name := range over {
		if err := c.Delete(ctx, kube.NewObject("Namespace", "", name)); err != nil {
			log("deleting namespace %s of a run that was killed: %v", name, err)
			continue
		}
		log("namespace %s of a run that was killed is deleted", name)
	}
}
