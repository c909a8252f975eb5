package check

import (
	"cmp"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// Rights lists what checking a recipe takes, sorted: exactly what the checks that
// p chooses do.
func Rights(r *schema.RecipeResult, known map[string]recipes.Check, p schema.VerifyClusterParams) ([]expect.Right, error) {
	items, err := choose(r, known, p)
	if err != nil {
		return nil, err
	}
	seen := map[expect.Right]bool{}
	for _, i := range items {
		for _, right := range i.rights(r, p.Namespace) {
			seen[right] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b expect.Right) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Verb, b.Verb))
	}), nil
}

func (i item) rights(r *schema.RecipeResult, namespace string) []expect.Right {
	var out []expect.Right
	for _, b := range i.bound {
		for _, s := range b.Sources() {
			out = append(out, s.Right())
		}
	}
	if i.check.Run != nil {
		out = append(out, programRights(*i.check.Run, namespace)...)
	}
	if p, ok := probes[i.check.Probe]; ok {
		out = append(out, p.rights(r, i.check, namespace)...)
	}
	return out
}

// reportRights are what writing a report to a ConfigMap takes, by server-side apply.
func reportRights(namespace, name string) []expect.Right {
	return []expect.Right{
		{Verb: "create", Resource: "configmaps", Namespace: namespace, Name: name},
		{Verb: "patch", Resource: "configmaps", Namespace: namespace, Name: name},
	}
}

// Manifest is an object of Kubernetes to be applied.
type Manifest = map[string]any

// Roles are the manifests that let a ServiceAccount use rights: a ClusterRole for
// those of the whole cluster, and a Role in each namespace for the others, all of
// one name.
func Roles(rights []expect.Right, name, namespace string, labels map[string]any) []Manifest {
	var order []string
	by := map[string][]expect.Right{}
	for _, r := range rights {
		if by[r.Namespace] == nil {
			order = append(order, r.Namespace)
		}
		by[r.Namespace] = append(by[r.Namespace], r)
	}
	var out []Manifest
	for _, ns := range order {
		kind, meta := "ClusterRole", Manifest{"name": name, "labels": labels}
		if ns != "" {
			kind, meta = "Role", Manifest{"name": name, "namespace": ns, "labels": labels}
		}
		const api = "rbac.authorization.k8s.io"
		out = append(out,
			Manifest{"apiVersion": api + "/v1", "kind": kind, "metadata": meta, "rules": rules(by[ns])},
			Manifest{
				"apiVersion": api + "/v1", "kind": kind + "Binding", "metadata": meta,
				"roleRef":  Manifest{"apiGroup": api, "kind": kind, "name": name},
				"subjects": []any{Manifest{"kind": "ServiceAccount", "name": name, "namespace": namespace}},
			})
	}
	return out
}

// rules puts rights together that differ in their resource only, and those that
// differ in their verb only.
func rules(rights []expect.Right) []any {
	type what struct{ group, resource, name string }
	verbs := map[what][]string{}
	var whats []what
	for _, r := range rights {
		w := what{r.Group, r.Resource, r.Name}
		if verbs[w] == nil {
			whats = append(whats, w)
		}
		verbs[w] = append(verbs[w], r.Verb)
	}
	var out []any
	for _, w := range whats {
		if w.name == "" && len(out) > 0 {
			last := out[len(out)-1].(Manifest)
			if last["resourceNames"] == nil && last["apiGroups"].([]any)[0] == w.group && slices.Equal(texts(last["verbs"]), verbs[w]) {
				last["resources"] = append(last["resources"].([]any), w.resource)
				continue
			}
		}
		rule := Manifest{"apiGroups": []any{w.group}, "resources": []any{w.resource}, "verbs": anys(verbs[w])}
		if w.name != "" {
			rule["resourceNames"] = []any{w.name}
		}
		out = append(out, rule)
	}
	return out
}

func anys(list []string) []any {
	var out []any
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

func texts(list any) []string {
	var out []string
	for _, s := range list.([]any) {
		out = append(out, s.(string))
	}
	return out
}
