package check

import (
	"context"
	"fmt"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// mirror is the annotation of Pods that a node's own files define.
const mirror = "kubernetes.io/config.mirror"

func drainSources(r *schema.RecipeResult) []expect.Source {
	var out []expect.Source
	for _, ns := range expect.Namespaces(r) {
		out = append(out, expect.Source{Version: "v1", Resource: "pods", Kind: "Pod", Namespace: ns})
	}
	return out
}

// drainRights include that to evict: a dry run takes the same.
func drainRights(r *schema.RecipeResult, _ recipes.Check, _ string) []expect.Right {
	var out []expect.Right
	for _, s := range drainSources(r) {
		out = append(out, s.Right(), expect.Right{Verb: "create", Resource: "pods/eviction", Namespace: s.Namespace})
	}
	return out
}

// drain passes if every Pod of the recipe's namespaces that a drain of its node
// evicts may be evicted. Nothing is evicted.
func drain(ctx context.Context, x *runner, _ item) expect.Verdict {
	var problems []string
	for _, s := range drainSources(x.recipe) {
		var names []string
		err := x.cluster.Read(ctx, s, func(o expect.Object) {
			name, owner := evicted(o)
			switch {
			case name == "":
			case owner == "":
				problems = append(problems, fmt.Sprintf("Pod %s/%s: nothing creates it again", s.Namespace, name))
			default:
				names = append(names, name)
			}
		})
		if schema.CodeOf(err) == schema.NotFound {
			continue
		}
		if why := unread(s, err); why != "" {
			return unknown(why)
		}
		for _, name := range names {
			why, err := x.cluster.Evictable(ctx, s.Namespace, name)
			switch {
			case schema.CodeOf(err) == schema.Unauthorized:
				return unknown(notAllowed + expect.Right{Verb: "create", Resource: "pods/eviction", Namespace: s.Namespace}.String())
			case err != nil:
				return unknown(err.Error())
			case why != "":
				problems = append(problems, fmt.Sprintf("Pod %s/%s: %s", s.Namespace, name, why))
			}
		}
	}
	return failed(problems...)
}

// evicted is the name of a Pod that a drain evicts, "" if it leaves it, and the
// kind of what creates it again.
func evicted(o expect.Object) (name, owner string) {
	meta, _ := o["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	status, _ := o["status"].(map[string]any)
	spec, _ := o["spec"].(map[string]any)
	if annotations[mirror] != nil || meta["deletionTimestamp"] != nil || status["phase"] == "Succeeded" || status["phase"] == "Failed" || spec["nodeName"] == nil {
		return "", ""
	}
	owners, _ := meta["ownerReferences"].([]any)
	for _, e := range owners {
		e, _ := e.(map[string]any)
		if e["controller"] == true {
			owner, _ = e["kind"].(string)
		}
	}
	if owner == "DaemonSet" {
		return "", ""
	}
	name, _ = meta["name"].(string)
	return name, owner
}
