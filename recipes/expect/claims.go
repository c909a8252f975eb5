package expect

import "strings"

// Claims returns what reports whether some of the checks names an object by its
// name or labels, or the workload that a Pod belongs to: what is wrong with it
// is then that check's to report, and no general one's.
func Claims(checks []Bound) func(Source, Object) bool {
	type place struct{ group, resource, namespace string }
	claims := map[place][]condition{}
	jobs := map[string]bool{} // namespaces of which a check says that no Job has failed
	for _, b := range checks {
		b.each(func(c condition) {
			if c.Kind == "Job" && c.Match == "none" && c.Name == "" && len(c.Labels) == 0 && c.Fields["status.conditions[type=Failed].status"] == "True" {
				for _, s := range c.sources {
					jobs[s.Namespace] = true
				}
			}
			if c.Unclaimed || c.Proxy != nil || c.Match == "none" || c.Name == "" && len(c.Labels) == 0 {
				return
			}
			for _, s := range c.sources {
				at := place{s.Group, s.Resource, s.Namespace}
				claims[at] = append(claims[at], c)
			}
		})
	}
	has := func(group, resource, namespace string, o Object) bool {
		for _, c := range claims[place{group, resource, namespace}] {
			if c.named(o) {
				return true
			}
		}
		return false
	}
	return func(s Source, o Object) bool {
		if has(s.Group, s.Resource, s.Namespace, o) {
			return true
		}
		if s.Group != "" || s.Resource != "pods" {
			return false
		}
		kind, name := owner(o)
		if name == "" {
			return false
		}
		if kind == "Job" && phase(o) == "Failed" && jobs[s.Namespace] {
			return true // its Job may have started another, and may be complete
		}
		m, _ := o["metadata"].(map[string]any)
		return has("apps", plural(kind), meta(o, "namespace"), Object{"metadata": map[string]any{"name": name, "labels": m["labels"]}})
	}
}

func phase(o Object) string {
	status, _ := o["status"].(map[string]any)
	text, _ := status["phase"].(string)
	return text
}

// owner is the workload that a Pod belongs to: a ReplicaSet is named after its
// Deployment.
func owner(o Object) (kind, name string) {
	m, _ := o["metadata"].(map[string]any)
	list, _ := m["ownerReferences"].([]any)
	if len(list) == 0 {
		return "", ""
	}
	ref, _ := list[0].(map[string]any)
	kind, _ = ref["kind"].(string)
	name, _ = ref["name"].(string)
	if i := strings.LastIndexByte(name, '-'); kind == "ReplicaSet" && i > 0 {
		return "Deployment", name[:i]
	}
	return kind, name
}
