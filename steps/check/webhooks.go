package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// webhookSources are the configurations of webhooks, and the endpoints of the
// Services in the recipe's namespaces.
func webhookSources(r *schema.RecipeResult) []expect.Source {
	const group = "admissionregistration.k8s.io"
	out := []expect.Source{
		{Group: group, Version: "v1", Resource: "mutatingwebhookconfigurations", Kind: "MutatingWebhookConfiguration"},
		{Group: group, Version: "v1", Resource: "validatingwebhookconfigurations", Kind: "ValidatingWebhookConfiguration"},
	}
	for _, ns := range expect.Namespaces(r) {
		out = append(out, expect.Source{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices", Kind: "EndpointSlice", Namespace: ns})
	}
	return out
}

func webhookRights(r *schema.RecipeResult, _ recipes.Check, _ string) []expect.Right {
	var out []expect.Right
	for _, s := range webhookSources(r) {
		out = append(out, s.Right())
	}
	return out
}

// webhooks passes if every webhook whose Service is in a namespace of the recipe
// has an endpoint that is ready.
func webhooks(ctx context.Context, x *runner, _ item) expect.Verdict {
	type service struct{ namespace, name string }
	ready := map[service]bool{}
	calls := map[service][]string{}
	ours := expect.Namespaces(x.recipe)
	for _, s := range webhookSources(x.recipe) {
		err := x.cluster.Read(ctx, s, func(o expect.Object) {
			meta, _ := o["metadata"].(map[string]any)
			if s.Kind == "EndpointSlice" {
				labels, _ := meta["labels"].(map[string]any)
				name, _ := labels["kubernetes.io/service-name"].(string)
				ready[service{s.Namespace, name}] = ready[service{s.Namespace, name}] || hasReady(o)
				return
			}
			list, _ := o["webhooks"].([]any)
			for _, w := range list {
				w, _ := w.(map[string]any)
				config, _ := w["clientConfig"].(map[string]any)
				to, _ := config["service"].(map[string]any)
				namespace, _ := to["namespace"].(string)
				name, _ := to["name"].(string)
				if slices.Contains(ours, namespace) {
					at := service{namespace, name}
					calls[at] = append(calls[at], fmt.Sprintf("%s %v", s.Kind, meta["name"]))
				}
			}
		})
		if r := unread(s, err); r != "" {
			return unknown(r)
		}
	}
	var problems []string
	for at, who := range calls {
		if !ready[at] {
			problems = append(problems, fmt.Sprintf("%s: Service %s/%s has no endpoint that is ready", who[0], at.namespace, at.name))
		}
	}
	slices.Sort(problems)
	return failed(problems...)
}

// hasReady reports whether an EndpointSlice has an endpoint that takes requests;
// one without the condition does.
func hasReady(o expect.Object) bool {
	list, _ := o["endpoints"].([]any)
	for _, e := range list {
		e, _ := e.(map[string]any)
		conditions, _ := e["conditions"].(map[string]any)
		if r, ok := conditions["ready"].(bool); !ok || r {
			return true
		}
	}
	return false
}
