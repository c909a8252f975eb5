package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// standIn is an object on the cluster that looks as a check expects.
type standIn struct {
	source    expect.Source
	name      string
	object    map[string]any
	component string // that the check is for, "" if it is for none
}

// custom reports whether it is of a kind that the server does not come with.
func (s standIn) custom() bool {
	return strings.Contains(s.source.Group, ".") && !strings.HasSuffix(s.source.Group, ".k8s.io")
}

// definition is that of its kind.
func (s standIn) definition() standIn {
	scope := "Namespaced"
	if s.source.Namespace == "" {
		scope = "Cluster"
	}
	return definition(s.source.Resource+"."+s.source.Group, s.source.Kind, scope, s.source.Version)
}

func (s standIn) path() string {
	p := "/apis/" + s.source.Group + "/" + s.source.Version
	if s.source.Group == "" {
		p = "/api/" + s.source.Version
	}
	if s.source.Namespace != "" {
		p += "/namespaces/" + s.source.Namespace
	}
	return p + "/" + s.source.Resource + "/" + s.name
}

// put writes the object and its status.
func (s standIn) put(t testing.TB, c *kubetest.Cluster) {
	t.Helper()
	text, err := json.Marshal(s.object)
	if err != nil {
		t.Fatal(err)
	}
	c.Put(t, s.path(), string(text))
	s.putStatus(t, c)
}

// putStatus writes the status, if it has one.
func (s standIn) putStatus(t testing.TB, c *kubetest.Cluster) {
	t.Helper()
	status, ok := s.object["status"]
	if !ok {
		return
	}
	text, err := json.Marshal(map[string]any{"apiVersion": s.object["apiVersion"], "kind": s.object["kind"], "metadata": map[string]any{"name": s.name}, "status": status})
	if err != nil {
		t.Fatal(err)
	}
	c.Put(t, s.path()+"/status", string(text))
}

func newStandIn(apiVersion, kind, resource, namespace, name string, more map[string]any) standIn {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}
	if namespace != "" {
		o["metadata"].(map[string]any)["namespace"] = namespace
	}
	maps.Copy(o, more)
	return standIn{source: expect.Source{Group: group, Version: version, Resource: resource, Kind: kind, Namespace: namespace}, name: name, object: o}
}

// The images of Pods: one with a shell and sleep, which scripts/deep loads into its real
// node, and one that is nowhere.
const (
	image   = "eidos.local/box:1"
	noImage = "eidos.local/none:1"
)

var (
	fails = []any{"sh", "-c", "exit 1"}
	never = map[string]any{"exec": map[string]any{"command": fails}, "periodSeconds": 1} // a probe that does not succeed
)

// containers is one that runs until it is deleted, but for what is to be different.
func containers(change map[string]any) []any {
	c := map[string]any{"name": "x", "image": image, "command": []any{"sleep", "100000"}}
	maps.Copy(c, change)
	return []any{c}
}

// template is that of Pods which are labelled with a name. Their process ignores the
// signal to end, so it is killed soon.
func template(name string) map[string]any {
	return map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": name}},
		"spec":     map[string]any{"terminationGracePeriodSeconds": 1, "containers": containers(nil)},
	}
}

// bodies are what the API wants of each kind.
var bodies = map[string]map[string]any{
	// Without a Pod while it is replaced: one of the old template would hide that a new
	// one does not start.
	"Deployment": {"spec": map[string]any{"replicas": 1, "strategy": map[string]any{"type": "Recreate"}}, "status": map[string]any{"replicas": 1, "readyReplicas": 1}},
	// On GPU nodes, of which one may be kwok's.
	"DaemonSet": {"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
		"nodeSelector": map[string]any{"nvidia.com/gpu.present": "true"}, "tolerations": []any{map[string]any{"key": "kwok.x-k8s.io/node", "operator": "Exists"}},
	}}}, "status": map[string]any{"currentNumberScheduled": 2, "numberMisscheduled": 0}},
	"StatefulSet": {"spec": map[string]any{"replicas": 1, "serviceName": "x"}, "status": map[string]any{"replicas": 1}},
	"ValidatingWebhookConfiguration": {"webhooks": []any{map[string]any{
		"name": "validator.trainer.kubeflow.org", "sideEffects": "None", "admissionReviewVersions": []any{"v1"},
		"clientConfig": map[string]any{"url": "https://127.0.0.1:1", "caBundle": "eA=="},
		"rules":        []any{map[string]any{"apiGroups": []any{"none"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"none"}}},
	}}},
	"StorageClass":  {"provisioner": "x"},
	"APIService":    {"spec": map[string]any{"group": "custom.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}}, // served by the server itself
	"ResourceSlice": {"spec": map[string]any{"driver": "gpu.nvidia.com", "nodeName": "gpu-0", "pool": map[string]any{"name": "p", "generation": 1, "resourceSliceCount": 1}, "devices": []any{}}},
}

// body is what the API wants of an object; the Pods of a workload are labelled with
// its name.
func body(kind, name string) map[string]any {
	out := clone(bodies[kind])
	if slices.Contains([]string{"Deployment", "DaemonSet", "StatefulSet"}, kind) {
		overlay(out, clone(map[string]any{"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"app": name}}, "template": template(name),
		}}))
	}
	return out
}

// mergeStandIns puts the stand-ins of one object together.
func mergeStandIns(list []standIn) []standIn {
	at := map[string]int{}
	var out []standIn
	for _, s := range list {
		if i, ok := at[s.path()]; ok {
			overlay(out[i].object, s.object)
			out[i].component = cmp.Or(out[i].component, s.component)
			continue
		}
		at[s.path()] = len(out)
		out = append(out, s)
	}
	return out
}

func overlay(to, from map[string]any) {
	for k, v := range from {
		a, ok := to[k].(map[string]any)
		if b, both := v.(map[string]any); ok && both {
			overlay(a, b)
			continue
		}
		if _, there := to[k]; !there {
			to[k] = v
		}
	}
}

var component = regexp.MustCompile(`\$\{component\.(\w+)\}`)

// standInsOf makes what the conditions of a check expect.
func standInsOf(r *schema.RecipeResult, c recipes.Check) []standIn {
	var out []standIn
	var targets []schema.ComponentRef
	for _, k := range r.ComponentRefs {
		if c.Each == "chart" && k.Chart != "" || slices.Contains(c.Components, k.Name) {
			targets = append(targets, k)
		}
	}
	if c.Each == "" {
		targets = append(targets, schema.ComponentRef{})[:1]
	}
	for _, k := range targets {
		fill := func(s string) string {
			for _, o := range r.ComponentRefs {
				s = strings.ReplaceAll(s, "${components."+o.Name+".namespace}", o.Namespace)
			}
			return component.ReplaceAllStringFunc(s, func(m string) string {
				return map[string]string{"name": k.Name, "namespace": k.Namespace, "version": k.Version, "chart": k.Chart}[component.FindStringSubmatch(m)[1]]
			})
		}
		var each func(list []recipes.Expect)
		each = func(list []recipes.Expect) {
			for _, e := range list {
				switch {
				case len(e.Any) > 0:
					for i, x := range e.Any { // the first whose components the recipe has
						if text := fill(fmt.Sprint(x)); !strings.Contains(text, "${components.") {
							each(e.Any[i : i+1])
							break
						}
					}
				case len(e.All) > 0:
					each(e.All)
				case e.Match == "none", e.Unclaimed, e.Proxy != nil, e.Missing == "passed":
				default:
					if s, ok := standInOf(e, k, fill); ok {
						s.component = k.Name
						out = append(out, s)
					}
				}
			}
		}
		each(c.Expect)
	}
	return out
}

func standInOf(e recipes.Expect, k schema.ComponentRef, fill func(string) string) (standIn, bool) {
	ns, name := fill(e.Namespace), strings.ReplaceAll(fill(e.Name), "*", "x")
	if ns == "" || ns == "recipe" {
		ns = k.Namespace
	}
	if e.Cluster {
		ns = ""
	}
	if name == "" {
		name = "x-" + strings.ToLower(e.Kind)
	}
	switch e.Kind {
	case "Node", "ResourceSlice", "Release": // not in charts
		return standIn{}, false
	case "CustomResourceDefinition":
		return definition(name, "", "Namespaced", "v1"), true
	}
	resource := e.Resource
	if resource == "" {
		resource = strings.ToLower(e.Kind) + "s"
		if strings.HasSuffix(resource, "ss") || strings.HasSuffix(resource, "yss") {
			resource = strings.ToLower(e.Kind) + "es"
		}
	}
	s := newStandIn(e.APIVersion, e.Kind, resource, ns, name, body(e.Kind, name))
	meta := s.object["metadata"].(map[string]any)
	labels := map[string]any{}
	for l, v := range e.Labels {
		labels[l] = v
	}
	meta["labels"] = labels
	for _, m := range []map[string]string{e.Where, e.Fields} {
		for path, expr := range m {
			set(s.object, path, value(fill(expr), e))
		}
	}
	return s, true
}

func clone(m map[string]any) map[string]any {
	data, _ := json.Marshal(m)
	out := map[string]any{}
	_ = json.Unmarshal(data, &out) // of what was written
	return out
}

// value is something that satisfies an expression.
func value(expr string, e recipes.Expect) any {
	switch {
	case expr == "*":
		return "v25.10.1"
	case strings.Contains(expr, "${count."):
		return 2
	case strings.HasPrefix(expr, "${."):
		if e.Kind == "DaemonSet" {
			return 2
		}
		return 1
	}
	text := strings.TrimLeft(expr, "<>= ")
	if n, err := strconv.Atoi(text); err == nil {
		if e.Kind == "DaemonSet" {
			return 2
		}
		return n
	}
	return text
}

var part = regexp.MustCompile(`((?:\\.|[^.\\\[])+)(?:\[(\w+)=(\w+)\])?(?:\.|$)`)

// set writes a value at a path of the checks' grammar.
func set(o map[string]any, path string, v any) {
	if strings.Contains(path, "[*]") {
		return // the body has it
	}
	parts := part.FindAllStringSubmatch(path, -1)
	for i, p := range parts {
		key := strings.ReplaceAll(p[1], `\.`, ".")
		switch {
		case p[2] != "":
			list, _ := o[key].([]any)
			element := map[string]any{p[2]: p[3], "reason": "Test", "lastTransitionTime": "2026-01-01T00:00:00Z", "message": ""}
			o[key] = append(list, element)
			o = element
		case i == len(parts)-1:
			o[key] = v
		default:
			next, ok := o[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				o[key] = next
			}
			o = next
		}
	}
}

// definition defines a resource of any shape; without a kind one is guessed.
func definition(name, kind, scope string, versions ...string) standIn {
	plural, group, _ := strings.Cut(name, ".")
	if kind == "" {
		kind = strings.ToUpper(plural[:1]) + strings.TrimSuffix(plural[1:], "s")
	}
	meta := map[string]any{"name": name}
	if strings.HasSuffix(group, "k8s.io") {
		meta["annotations"] = map[string]any{"api-approved.kubernetes.io": "unapproved, for a test"}
	}
	var served []any
	for i, v := range versions {
		served = append(served, map[string]any{
			"name": v, "served": true, "storage": i == 0, "subresources": map[string]any{"status": map[string]any{}},
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		})
	}
	return newStandIn("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "", name, map[string]any{
		"metadata": meta,
		"spec":     map[string]any{"group": group, "scope": scope, "names": map[string]any{"plural": plural, "kind": kind}, "versions": served},
	})
}
