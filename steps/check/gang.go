package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

const (
	groupSize = 2
	// settled is how many looks in a row must find the same.
	settled = 3
)

// Groups of Pods that start together: those of KAI, which makes one for each Job,
// and those of Kubernetes itself.
var (
	kaiGroups  = expect.Source{Group: "scheduling.run.ai", Version: "v2alpha2", Resource: "podgroups", Kind: "PodGroup"}
	kubeGroups = expect.Source{Group: "scheduling.k8s.io", Version: "v1beta1", Resource: "podgroups", Kind: "PodGroup"}
)

// groupsOf are the groups of a recipe's scheduler.
func groupsOf(r *schema.RecipeResult, namespace string) expect.Source {
	s := kubeGroups
	if slices.ContainsFunc(r.ComponentRefs, func(c schema.ComponentRef) bool { return c.Name == "kai-scheduler" }) {
		s = kaiGroups
	}
	s.Namespace = namespace
	return s
}

func gangRights(r *schema.RecipeResult, _ recipes.Check, namespace string) []expect.Right {
	s := groupsOf(r, namespace)
	out := []expect.Right{s.Right()}
	if s.Group == kubeGroups.Group {
		out = append(out, managed(s.Group, s.Resource, namespace)...)
	}
	return out
}

// gang passes if a group of two Pods starts, and then, on a node that took one of
// them, neither of two that may not run beside each other.
func gang(ctx context.Context, x *runner, i item) expect.Verdict {
	node := ""
	fits := x.group(ctx, i, "-1", nil, func(_ expect.Source, d *job.Driver) expect.Verdict {
		pods, why := ended(ctx, d)
		if why != "" {
			return unknown("a group of two Pods that fit does not start: " + why)
		}
		for n := range groupSize {
			if p := pods[n]; p.Phase != "Succeeded" {
				return unknown(fmt.Sprintf("Pod %d of the group ended with status %d%s", n, p.Exit, behind(p.Trouble)))
			}
		}
		node = pods[0].Node
		return failed()
	})
	if fits.Status != constraint.Passed {
		return fits
	}
	return x.group(ctx, i, "-2", func(pod map[string]any, name string) {
		pod["affinity"] = map[string]any{
			"nodeAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{"nodeSelectorTerms": []any{map[string]any{
				"matchFields": []any{map[string]any{"key": "metadata.name", "operator": "In", "values": []any{node}}},
			}}}},
			"podAntiAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
				"topologyKey": "kubernetes.io/hostname", "labelSelector": map[string]any{"matchLabels": map[string]any{"batch.kubernetes.io/job-name": name}},
			}}},
		}
	}, func(groups expect.Source, d *job.Driver) expect.Verdict {
		d.Log = func(string, ...any) {} // that they wait is what is wanted
		return x.neither(ctx, groups, d, node)
	})
}

// group runs a Job whose Pods are a group; place edits them. That the cluster knows
// groups is looked at before anything is created.
func (x *runner) group(ctx context.Context, i item, suffix string, place func(pod map[string]any, job string), watch func(expect.Source, *job.Driver) expect.Verdict) expect.Verdict {
	r := *i.check.Run
	r.Pods = groupSize
	groups := groupsOf(x.recipe, "")
	return x.deployed(ctx, i, r, suffix, func(d *job.Driver, objects []kube.Object) ([]kube.Object, expect.Verdict) {
		groups.Namespace = d.Namespace
		err := x.cluster.Read(ctx, groups, func(expect.Object) {})
		if schema.CodeOf(err) == schema.NotFound {
			return nil, unknown(fmt.Sprintf("the cluster has no groups of Pods: no %s of %s/%s", groups.Kind, groups.Group, groups.Version))
		}
		if why := unread(groups, err); why != "" {
			return nil, unknown(why)
		}
		objects = asGroup(objects, groups, d)
		if place != nil {
			place(podSpec(objects[len(objects)-1]), d.Name)
		}
		return objects, failed()
	}, func(d *job.Driver) expect.Verdict { return watch(groups, d) })
}

// podSpec is the specification of the Pods of a Job or a Deployment.
func podSpec(o kube.Object) map[string]any {
	return o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
}

// asGroup makes a group of the Pods of a Job, the last of objects.
func asGroup(objects []kube.Object, groups expect.Source, d *job.Driver) []kube.Object {
	o := objects[len(objects)-1]
	meta := o["metadata"].(map[string]any)
	if groups.Group == kaiGroups.Group {
		meta["annotations"] = map[string]any{"kai.scheduler/batch-min-member": strconv.Itoa(groupSize)}
		labels := map[string]any{"kai.scheduler/queue": "default-queue"}
		for k, v := range meta["labels"].(map[string]any) {
			labels[k] = v
		}
		meta["labels"] = labels
		o["spec"].(map[string]any)["template"].(map[string]any)["metadata"] = map[string]any{"labels": labels}
		podSpec(o)["schedulerName"] = "kai-scheduler"
		return objects
	}
	podSpec(o)["schedulingGroup"] = map[string]any{"podGroupName": d.Name}
	group := kube.Object{
		"apiVersion": groups.Group + "/" + groups.Version, "kind": groups.Kind,
		"metadata": map[string]any{"name": d.Name, "namespace": d.Namespace, "labels": meta["labels"]},
		"spec":     map[string]any{"schedulingPolicy": map[string]any{"gang": map[string]any{"minCount": groupSize}}},
	}
	return append([]kube.Object{group}, objects...)
}

// neither passes if a scheduler finds that no Pod of a group can start, and fails
// if one is placed. It must find so in several looks in a row: the second Pod may be
// looked at later than the first.
func (x *runner) neither(ctx context.Context, groups expect.Source, d *job.Driver, node string) expect.Verdict {
	looks := 0
	for s, err := range d.Watch(ctx) {
		switch {
		case ctx.Err() != nil || s.Late():
			return unknown("no scheduler found in time that a group cannot start" + behind(s.Trouble))
		case err != nil:
			return unknown(err.Error())
		case s.Refused != "":
			return unknown(s.Trouble)
		}
		waiting := 0
		for _, p := range s.Pods {
			if p.Node != "" {
				if why := x.wrongSize(ctx, groups, d.Name); why != "" {
					return unknown(why)
				}
				return failed(fmt.Sprintf("of a group of two Pods that node %s cannot take, one was placed there", node))
			}
			if strings.HasPrefix(p.Trouble, "Unschedulable") {
				waiting++
			}
		}
		if looks++; waiting != groupSize {
			looks = 0
		}
		if looks == settled {
			if why := x.wrongSize(ctx, groups, d.Name); why != "" {
				return unknown(why)
			}
			return failed()
		}
	}
	return unknown("the Job of a group that cannot start has ended")
}

// wrongSize is why nothing follows of what became of KAI's group of a Job, whose
// name has the Job's in it: a version that does not know the annotation makes groups
// of one Pod.
func (x *runner) wrongSize(ctx context.Context, groups expect.Source, job string) string {
	if groups.Group != kaiGroups.Group {
		return ""
	}
	var sizes []string
	err := x.cluster.Read(ctx, groups, func(o expect.Object) {
		if spec, _ := o["spec"].(map[string]any); strings.Contains(kube.Object(o).Name(), job) {
			sizes = append(sizes, fmt.Sprint(spec["minMember"]))
		}
	})
	if why := unread(groups, err); why != "" {
		return why
	}
	if !slices.Contains(sizes, strconv.Itoa(groupSize)) {
		return fmt.Sprintf("KAI made a group of %s, not of %d: it does not read kai.scheduler/batch-min-member", cmp.Or(strings.Join(sizes, ", "), "none"), groupSize)
	}
	return ""
}
