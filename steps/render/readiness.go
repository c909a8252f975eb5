package render

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// A component's last release, where readiness was asked for, is a Job that ends when
// what the check of the component expects is there: a deployer that waits for Jobs
// holds back what comes after. The Job runs kubectl, once for each thing to wait
// for, and may read exactly the objects that it waits for.

var imageForm = pattern.New(`^[a-z0-9][A-Za-z0-9._:/@-]*$`)

// readyTimeout is how long the Job waits, in seconds: an operator that builds a
// driver on each node takes that long.
const readyTimeout = 3600

// readiness gives each component that a check of the catalogue is for its Job. Notes
// are of those that have none.
func readiness(cs []*component, r *schema.RecipeResult, p schema.RenderParams, pl placement) ([]string, error) {
	if p.Readiness == "" {
		return nil, nil
	}
	catalog, err := recipes.Shipped()
	if err != nil {
		return nil, err
	}
	checks, err := catalog.Checks()
	if err != nil {
		return nil, err
	}
	waits := map[string][]expect.Wait{}
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		check := checks[name]
		if check.Phase != "deployment" || check.Severity != "error" || len(check.Components) == 0 || slices.Contains(check.Components, "*") {
			continue
		}
		for _, b := range expect.Bind(check, r) {
			if b.Component != "" {
				waits[b.Component] = append(waits[b.Component], b.Waits()...)
			}
		}
	}
	var notes []string
	for _, c := range cs {
		found := waits[c.Name]
		if c.kustomization() || len(found) == 0 {
			notes = append(notes, c.Name+": nothing that could be waited for is known of it, so that the next component follows as soon as it is deployed")
			continue
		}
		data, err := c.readyObjects(found, p.Readiness, pl)
		if err != nil {
			return nil, err
		}
		c.waits = []manifest{{name: "ready.yaml", data: data}}
	}
	return notes, nil
}

// ready is the chart of the Job, or nil.
func (c *component) ready() *local {
	if len(c.waits) == 0 {
		return nil
	}
	return &local{release: c.Name + "-ready", dir: path.Join(c.dir(), "ready"), files: c.waits, plain: true}
}

// kubectlCommands are the commands that wait for found, in order: each thing is
// there; each is ready.
func kubectlCommands(found []expect.Wait) [][]string {
	timeout := fmt.Sprintf("--timeout=%ds", readyTimeout)
	type target struct{ namespace, condition, labels string }
	var order []target
	named := map[target][]string{}
	add := func(t target, what string) {
		if _, ok := named[t]; !ok {
			order = append(order, t)
		}
		if !slices.Contains(named[t], what) {
			named[t] = append(named[t], what)
		}
	}
	for _, w := range found {
		if w.Name != "" {
			add(target{w.Namespace, "create", ""}, resource(w)+"/"+w.Name)
		}
	}
	for _, w := range found {
		conditions := w.For
		if w.Rollout {
			conditions = []string{"rollout"}
			if w.Resource == "deployments" {
				conditions = []string{"condition=Available"}
			}
		}
		for _, condition := range conditions {
			switch {
			case w.Name != "" && condition == "rollout":
				// One object at a time.
				add(target{w.Namespace, condition, w.Name + resource(w)}, resource(w)+"/"+w.Name)
			case w.Name != "":
				add(target{w.Namespace, condition, ""}, resource(w)+"/"+w.Name)
			case condition != "rollout":
				labels := "--all"
				if len(w.Labels) > 0 {
					labels = "--selector=" + selector(w.Labels)
				}
				add(target{w.Namespace, condition, labels}, resource(w))
			}
		}
	}
	var out [][]string
	for _, t := range order {
		command := []string{"wait", "--for=" + t.condition}
		if t.condition == "rollout" {
			command = []string{"rollout", "status"}
		}
		command = append(command, named[t]...)
		if strings.HasPrefix(t.labels, "--") {
			command = append(command, t.labels)
		}
		if t.namespace != "" {
			command = append(command, "--namespace="+t.namespace)
		}
		out = append(out, append(command, timeout))
	}
	return out
}

// resource names a resource as kubectl takes it.
func resource(w expect.Wait) string {
	if w.Group == "" {
		return w.Resource
	}
	return w.Resource + "." + w.Group
}

func selector(labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	return strings.Join(out, ",")
}

// readyObjects are the Job, its account and what that may read.
func (c *component) readyObjects(found []expect.Wait, image string, pl placement) ([]byte, error) {
	name := c.Name + "-ready"
	type object = map[string]any
	meta := func(namespace string) object {
		m := object{"name": name, "labels": object{"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "eidos"}}
		if namespace != "" {
			m["namespace"] = namespace
		}
		return m
	}
	account := []any{object{"kind": "ServiceAccount", "name": name, "namespace": c.Namespace}}
	docs := []any{object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(c.Namespace)}}
	byNamespace := map[string][]any{}
	seen := map[string]bool{}
	for _, w := range found {
		key := w.Namespace + "/" + resource(w) + "/" + w.Name
		if seen[key] {
			continue
		}
		seen[key] = true
		rule := object{"apiGroups": []any{w.Group}, "resources": []any{w.Resource}, "verbs": []any{"get", "list", "watch"}}
		if w.Name != "" {
			rule["resourceNames"] = []any{w.Name}
		}
		byNamespace[w.Namespace] = append(byNamespace[w.Namespace], rule)
	}
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		kind := "Role"
		m := meta(ns)
		if ns == "" {
			kind = "ClusterRole"
			m["name"] = c.Namespace + "-" + name // the namespace makes it the only one
		}
		docs = append(docs,
			object{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": m, "rules": byNamespace[ns]},
			object{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind + "Binding", "metadata": m, "subjects": account,
				"roleRef": object{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": m["name"]}})
	}
	var containers []any
	for i, args := range kubectlCommands(found) {
		containers = append(containers, object{
			"name": fmt.Sprintf("wait-%d", i), "image": image, "command": append([]string{"kubectl"}, args...),
			"env":       []any{object{"name": "HOME", "value": "/tmp"}},
			"resources": object{"requests": object{"cpu": "10m", "memory": "32Mi"}, "limits": object{"memory": "128Mi"}},
			"securityContext": object{
				"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []any{"ALL"}},
			},
		})
	}
	pod := object{
		"serviceAccountName": name, "restartPolicy": "OnFailure", // kinds may not be there yet
		"securityContext": object{"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": object{"type": "RuntimeDefault"}},
		"containers":      containers[len(containers)-1:],
	}
	if len(containers) > 1 {
		pod["initContainers"] = containers[:len(containers)-1]
	}
	if len(pl.system.selector) > 0 {
		pod["nodeSelector"] = pl.system.selector
	}
	if len(pl.system.tolerations) > 0 {
		var list []any
		for _, t := range pl.system.tolerations {
			list = append(list, t.object())
		}
		pod["tolerations"] = list
	}
	spec := object{
		"backoffLimit": 100, "activeDeadlineSeconds": readyTimeout,
		"template": object{"metadata": object{"labels": meta("")["labels"]}, "spec": pod},
	}
	// A Job cannot be changed: what it waits for, or a change of its component,
	// makes another one.
	made, err := schema.Encode([]any{spec, c.Chart, c.Version, c.values})
	if err != nil {
		return nil, err
	}
	m := meta(c.Namespace)
	m["name"] = name + "-" + short(made)
	return yamlDocuments(append(docs, object{"apiVersion": "batch/v1", "kind": "Job", "metadata": m, "spec": spec})...)
}

// deployedReady adds the Job of a component of a bundle to its manifests, if it has
// one: its image runs too.
func deployedReady(tree fs.FS, m schema.BundleMetadata, c *schema.ComponentRef) error {
	name := path.Join("components", c.Name, "ready", "templates", "ready.yaml")
	if m.Layout == splitLayout {
		name = path.Join(c.Name, name)
	}
	data, err := readFile(tree, name, maxFile)
	if schema.CodeOf(err) == schema.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	c.Manifests = append(slices.Clone(c.Manifests), schema.Manifest{Path: name, Content: string(data), Digest: schema.DigestOf(data)})
	return nil
}
