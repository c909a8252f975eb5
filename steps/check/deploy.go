package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

// managed are the rights to create objects of a resource, to change and to delete
// them, and those to do more.
func managed(group, resource, namespace string, more ...string) []expect.Right {
	var out []expect.Right
	for _, verb := range append([]string{"create", "delete", "get", "patch"}, more...) {
		out = append(out, expect.Right{Verb: verb, Group: group, Resource: resource, Namespace: namespace})
	}
	return out
}

// deployed creates the Job of a check's Pods and what edit adds to it, if it is not
// nil, decides by watch, and deletes all of it however that ends. A verdict of edit
// that is not passed ends it before anything is created.
func (x *runner) deployed(ctx context.Context, i item, r recipes.Run, suffix string, edit func(*job.Driver, []kube.Object) ([]kube.Object, expect.Verdict), watch func(*job.Driver) expect.Verdict) expect.Verdict {
	d, objects, err := x.prepare(ctx, i, r, suffix)
	if err != nil {
		return unknown(err.Error())
	}
	if edit != nil {
		edited, v := edit(d, objects)
		if v.Status != constraint.Passed {
			return v
		}
		objects = edited
	}
	defer x.remove(ctx, d, i, objects)
	if err := x.create(ctx, d, objects); err != nil {
		return unknown(err.Error())
	}
	return watch(d)
}

// prepare returns the driver of a Job of a check, whose name ends with suffix, and
// the objects to create for it, the Job last.
func (x *runner) prepare(ctx context.Context, i item, r recipes.Run, suffix string) (*job.Driver, []kube.Object, error) {
	namespace, err := x.space(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("making a namespace for Pods: %w", err)
	}
	tolerations, err := kube.Tolerations("toleration", x.params.Toleration)
	if err != nil {
		return nil, nil, err
	}
	name := strings.TrimRight(i.check.Name[:min(len(i.check.Name), 40)], "-.") + "-" + x.name + suffix // Pods add up to 11 characters
	d := &job.Driver{Cluster: x.cluster, Namespace: namespace, Name: name, Poll: poll, Log: func(format string, args ...any) {
		x.note(i.check.Name+": "+format, args...)
	}}
	return d, manifests(i.check, r, name, namespace, x.name, tolerations), nil
}

// remove deletes what a check created, also after the check's time or the run was over. A
// failure is a note with the label to delete by, and no verdict.
func (x *runner) remove(ctx context.Context, d *job.Driver, i item, objects []kube.Object) {
	if err := d.Delete(ctx, objects...); err != nil {
		x.note("deleting what check %s created: %v; it has the label %s=%s", i.check.Name, err, labelRun, x.name)
	}
}

// create makes the Job and then the other objects, which it owns: in a namespace
// that stays they go with the Job if this process is killed. Its Pods wait for
// them.
func (x *runner) create(ctx context.Context, d *job.Driver, objects []kube.Object) error {
	last := len(objects) - 1
	if err := d.Create(ctx, objects[last]); err != nil || last == 0 {
		return err
	}
	uid, err := x.cluster.UID(ctx, objects[last])
	if err != nil {
		return err
	}
	for _, o := range objects[:last] {
		o["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{"apiVersion": "batch/v1", "kind": "Job", "name": d.Name, "uid": uid}}
	}
	return d.Create(ctx, objects[:last]...)
}

// ended waits for the end of a Job and returns the last Pod of each index; why
// is the reason for which there is no result. Pods come oldest first, so the last one of
// an index is the one that counts.
func ended(ctx context.Context, d *job.Driver) (pods map[int]kube.Pod, why string) {
	for s, err := range d.Watch(ctx) {
		switch {
		case ctx.Err() != nil || s.Late():
			return nil, "it did not end in time" + behind(s.Trouble)
		case err != nil:
			return nil, err.Error()
		case s.Refused != "" || len(s.Stuck) > 0:
			return nil, s.Trouble
		}
		pods = map[int]kube.Pod{}
		for _, p := range s.Pods {
			pods[p.Index] = p
		}
	}
	return pods, ""
}

// behind is trouble after a colon, nothing for none.
func behind(trouble string) string {
	if trouble == "" {
		return ""
	}
	return ": " + trouble
}
