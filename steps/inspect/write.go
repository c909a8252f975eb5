package inspect

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// write adds what was seen to the facts, sorted.
func (p *probe) write(arrived map[string]*arrival) {
	f := p.facts
	images := map[string]bool{}
	for _, k := range slices.Sorted(maps.Keys(p.seen)) {
		o := p.seen[k]
		off := p.base[k] == nil
		guards := slices.Sorted(slices.Values(p.guard[k]))
		kind, name := text(o, "kind"), text(o, "metadata", "name")
		a := arrived[k]
		if a == nil {
			a = &arrival{}
		}
		if spec := podSpec(o); spec != nil {
			if !off {
				imagesOf(spec, images)
				f.Privileged = f.Privileged || privileged(spec)
			}
			f.Workloads = append(f.Workloads, schema.ChartWorkload{Kind: kind, Name: name, Hook: text(o, "metadata", "annotations", "helm.sh/hook"),
				NodeSelector: a.selector, Tolerations: a.tolerations, Affinity: a.affinity, Passes: a.passes,
				ToleratesAll: toleratesAll(spec), PriorityClass: text(spec, "priorityClassName"), Guards: guards, Off: off})
			continue
		}
		group, _, grouped := strings.Cut(text(o, "apiVersion"), "/")
		switch {
		case kind == "CustomResourceDefinition":
			f.CRDs = append(f.CRDs, definition(o, guards, off))
		case strings.HasSuffix(kind, "WebhookConfiguration") && group == "admissionregistration.k8s.io":
			f.Webhooks = append(f.Webhooks, webhooks(o, guards, off)...)
		case !grouped && charts.NamespaceWide(kind):
			f.NamespaceWide = append(f.NamespaceWide, schema.ChartObject{APIVersion: text(o, "apiVersion"), Kind: kind, Name: name, Guards: guards, Off: off})
		case grouped && !charts.Native(group):
			f.CustomResources = append(f.CustomResources, schema.ChartObject{APIVersion: text(o, "apiVersion"), Kind: kind, Name: name, Guards: guards, Off: off})
		}
		if a.selector != nil || a.tolerations != nil || a.affinity != nil {
			f.Workloads = append(f.Workloads, schema.ChartWorkload{Kind: kind, Name: name, NodeSelector: a.selector, Tolerations: a.tolerations,
				Affinity: a.affinity, Indirect: true, Guards: guards, Off: off})
		}
	}
	f.Images = slices.Sorted(maps.Keys(images))
	slices.SortStableFunc(f.Workloads, func(x, y schema.ChartWorkload) int { return strings.Compare(x.Kind+" "+x.Name, y.Kind+" "+y.Name) })
	sort.SliceStable(f.CRDs, func(i, j int) bool { return f.CRDs[i].Group+"/"+f.CRDs[i].Kind < f.CRDs[j].Group+"/"+f.CRDs[j].Kind })
}

func definition(o object, guards []string, off bool) schema.ChartCRD {
	var d crd
	data, err := json.Marshal(o)
	if err == nil {
		err = decodeCRD(data, &d)
	}
	if err != nil {
		return schema.ChartCRD{} // helm parsed it, so this does not happen
	}
	out := d.facts("templates")
	out.Guards, out.Off = guards, off
	return out
}

// containers calls f with every container of a Pod.
func containers(spec map[string]any, f func(map[string]any)) {
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		all, _ := spec[list].([]any)
		for _, c := range all {
			if m, ok := c.(map[string]any); ok {
				f(m)
			}
		}
	}
}

func imagesOf(spec map[string]any, into map[string]bool) {
	containers(spec, func(c map[string]any) {
		if i := text(c, "image"); i != "" {
			into[i] = true
		}
	})
}

// privileged reports what the baseline and restricted Pod security levels refuse
// of a Pod.
func privileged(spec map[string]any) bool {
	found := spec["hostNetwork"] == true || spec["hostPID"] == true
	volumes, _ := spec["volumes"].([]any)
	for _, v := range volumes {
		found = found || field(v, "hostPath") != nil
	}
	containers(spec, func(c map[string]any) { found = found || field(c, "securityContext", "privileged") == true })
	return found
}

func toleratesAll(spec map[string]any) bool {
	list, _ := spec["tolerations"].([]any)
	return slices.ContainsFunc(list, func(t any) bool {
		return text(t, "operator") == "Exists" && text(t, "key") == "" && text(t, "effect") == ""
	})
}

func webhooks(o object, guards []string, off bool) []schema.ChartWebhook {
	var out []schema.ChartWebhook
	list, _ := o["webhooks"].([]any)
	for _, w := range list {
		out = append(out, schema.ChartWebhook{Kind: text(o, "kind"), Name: text(o, "metadata", "name"), Webhook: text(w, "name"),
			FailurePolicy: text(w, "failurePolicy"), Guards: guards, Off: off})
	}
	return out
}
