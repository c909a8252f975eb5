package expect

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Source is what is read with one request or one list: the objects of a
// resource in a namespace, or the answer of a service. Sources are comparable.
type Source struct {
	Group, Version, Resource string
	Kind                     string
	Namespace                string // "" for those of no namespace, and for all
	Service, Path, Query     string // of a request to a service
	Items                    string
}

// helmGroup is the group of Release, which Helm keeps in Secrets.
const helmGroup = "helm.sh"

// Helm reports whether s is what Helm keeps of releases.
func (s Source) Helm() bool { return s.Group == helmGroup }

// Right is one permission that reading s takes.
func (s Source) Right() Right {
	switch {
	case s.Service != "":
		return Right{Verb: "get", Resource: "services/proxy", Namespace: s.Namespace, Name: s.Service}
	case s.Helm():
		return Right{Verb: "list", Resource: "secrets", Namespace: s.Namespace}
	}
	return Right{Verb: "list", Group: s.Group, Resource: s.Resource, Namespace: s.Namespace}
}

// Right is a permission as RBAC has it.
type Right struct {
	Verb, Group, Resource string
	Namespace             string // "" for the whole cluster
	Name                  string // of the one object; "" for all
}

// String is a right in words: list deployments.apps in namespace gpu-operator.
func (r Right) String() string {
	s := r.Verb + " " + r.Resource
	if r.Group != "" {
		s += "." + r.Group
	}
	if r.Name != "" {
		s += " " + r.Name
	}
	if r.Namespace != "" {
		s += " in namespace " + r.Namespace
	}
	return s
}

// sourceOf is where objects are read, in one namespace.
func sourceOf(o recipes.Objects, namespace string) Source {
	if o.Proxy != nil {
		return Source{Namespace: namespace, Service: o.Proxy.Service, Path: o.Proxy.Path, Query: o.Proxy.Query, Items: o.Proxy.Items}
	}
	s := Source{Kind: o.Kind, Resource: o.Resource, Namespace: namespace}
	group, version, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		group, version = "", o.APIVersion
	}
	s.Group, s.Version = group, version
	if s.Resource == "" {
		s.Resource = plural(o.Kind)
	}
	if o.Cluster || namespace == everywhere {
		s.Namespace = ""
	}
	return s
}

// plural is a kind's name in the API's paths, unless its author chose another.
func plural(kind string) string {
	k := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(k, "s"), strings.HasSuffix(k, "x"), strings.HasSuffix(k, "ch"):
		return k + "es"
	case strings.HasSuffix(k, "y") && len(k) > 1 && !strings.ContainsRune("aeiou", rune(k[len(k)-2])):
		return k[:len(k)-1] + "ies"
	}
	return k + "s"
}

// Elements passes each element of a service's answer to each.
func (s Source) Elements(answer any, each func(Object)) error {
	if s.Items == "" {
		o, ok := answer.(map[string]any)
		if !ok {
			return schema.Errorf(schema.Failed, "reading the answer of %s: it is not an object", s.Service)
		}
		each(o)
		return nil
	}
	for _, key := range strings.Split(s.Items, ".") {
		m, _ := answer.(map[string]any)
		answer = m[key]
	}
	list, ok := answer.([]any)
	if !ok {
		return schema.Errorf(schema.Failed, "reading the answer of %s: it has no list at %s", s.Service, s.Items)
	}
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			each(o)
		}
	}
	return nil
}

// Reading is what was found at a source.
type Reading struct {
	Objects []Object `json:"objects"`
	// Absent: the cluster has no such resource, or no such service.
	Absent bool `json:"absent,omitempty"`
	// Unread is why nothing is known of it, "" if it was read.
	Unread string `json:"unread,omitempty"`
}

// Object is a live object as a tree of JSON.
type Object = map[string]any

// Readings are what was found, by source.
type Readings map[Source]Reading

func meta(o Object, key string) string {
	m, _ := o["metadata"].(map[string]any)
	s, _ := m[key].(string)
	return s
}

// nameOf is an object in a sentence: Deployment gpu-operator/gpu-operator.
func nameOf(s Source, o Object) string {
	if s.Service != "" {
		return "an element of " + s.Service + "/" + s.Path
	}
	name := meta(o, "name")
	if ns := meta(o, "namespace"); ns != "" {
		name = ns + "/" + name
	}
	return s.Kind + " " + name
}

func badKind(o recipes.Objects) error {
	switch {
	case o.Proxy != nil && o.Kind != "":
		return schema.Errorf(schema.Invalid, "a condition has a kind or a proxy, not both")
	case o.Proxy == nil && (o.Kind == "" || o.APIVersion == ""):
		return schema.Errorf(schema.Invalid, "a condition needs a kind and its apiVersion").WithHint(`apiVersion: "apps/v1", kind: "Deployment"`)
	case strings.Count(o.APIVersion, "/") > 1:
		return schema.Errorf(schema.Invalid, "%q is not an apiVersion", o.APIVersion).WithHint("write GROUP/VERSION, or VERSION for the core group")
	}
	return nil
}

func lines(problems []string) string {
	const most = 3
	if len(problems) <= most {
		return strings.Join(problems, "; ")
	}
	return strings.Join(problems[:most], "; ") + fmt.Sprintf("; and %d more", len(problems)-most)
}
