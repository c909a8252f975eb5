package kube

import (
	"context"
	"net/http"
	"net/url"

	"github.com/NVIDIA/eidos/schema"
)

// Object is a manifest as a tree, of one of the kinds in places.
type Object map[string]any

// place is where objects of one kind live.
type place struct {
	root   []string // path up to the namespace
	plural string
	global bool // not in a namespace
}

var places = map[string]place{
	"ClusterRole":             {[]string{"apis", "rbac.authorization.k8s.io", "v1"}, "clusterroles", true},
	"ClusterRoleBinding":      {[]string{"apis", "rbac.authorization.k8s.io", "v1"}, "clusterrolebindings", true},
	"ConfigMap":               {[]string{"api", "v1"}, "configmaps", false},
	"Deployment":              {[]string{"apis", "apps", "v1"}, "deployments", false},
	"HorizontalPodAutoscaler": {[]string{"apis", "autoscaling", "v2"}, "horizontalpodautoscalers", false},
	"Job":                     {[]string{"apis", "batch", "v1"}, "jobs", false},
	"Namespace":               {[]string{"api", "v1"}, "namespaces", true},
	"PodGroup":                {[]string{"apis", "scheduling.k8s.io", "v1beta1"}, "podgroups", false},
	"ResourceClaimTemplate":   {[]string{"apis", "resource.k8s.io", "v1"}, "resourceclaimtemplates", false},
	"Role":                    {[]string{"apis", "rbac.authorization.k8s.io", "v1"}, "roles", false},
	"RoleBinding":             {[]string{"apis", "rbac.authorization.k8s.io", "v1"}, "rolebindings", false},
	"Secret":                  {[]string{"api", "v1"}, "secrets", false},
	"ServiceAccount":          {[]string{"api", "v1"}, "serviceaccounts", false},
}

// NewObject makes a reference to an object, enough for Delete.
func NewObject(kind, namespace, name string) Object {
	return Object{"kind": kind, "metadata": map[string]any{"namespace": namespace, "name": name}}
}

// Kind, Namespace and Name read what the manifest says, "" for nothing.
func (o Object) Kind() string      { s, _ := o["kind"].(string); return s }
func (o Object) Namespace() string { return o.meta("namespace") }
func (o Object) Name() string      { return o.meta("name") }

func (o Object) meta(key string) string {
	m, _ := o["metadata"].(map[string]any)
	s, _ := m[key].(string)
	return s
}

// where returns the API path of o and how messages name its resource.
func (o Object) where() (path []string, what string, err error) {
	r, ok := places[o.Kind()]
	if !ok {
		return nil, "", schema.Errorf(schema.Invalid, "no place for objects of kind %q", o.Kind())
	}
	if !dnsName.MatchString(o.Name()) {
		return nil, "", schema.Errorf(schema.Invalid, "%q is not the name of a %s", o.Name(), o.Kind())
	}
	path = append(path, r.root...)
	what = r.plural
	if !r.global {
		if !dnsLabel.MatchString(o.Namespace()) {
			return nil, "", schema.Errorf(schema.Invalid, "%q is not a namespace's name", o.Namespace())
		}
		path = append(path, "namespaces", o.Namespace())
		what += " in namespace " + o.Namespace()
	}
	return append(path, r.plural, o.Name()), what, nil
}

// Apply creates or changes o by server-side apply.
func (c *Client) Apply(ctx context.Context, o Object) error {
	path, what, err := o.where()
	if err != nil {
		return err
	}
	return c.apply(ctx, what, o, true, path...)
}

// ResourceVersion returns the version of o in the cluster, "" if it is not
// there.
func (c *Client) ResourceVersion(ctx context.Context, o Object) (string, error) {
	path, what, err := o.where()
	if err != nil {
		return "", err
	}
	var got Object
	err = c.get(ctx, what, &got, path...)
	if isStatus(err, http.StatusNotFound) {
		return "", nil
	}
	return got.meta("resourceVersion"), err
}

// UID returns what tells o from another of its name, for those that it owns.
// NotFound if it is not there.
func (c *Client) UID(ctx context.Context, o Object) (string, error) {
	path, what, err := o.where()
	if err != nil {
		return "", err
	}
	var got Object
	err = c.get(ctx, what, &got, path...)
	return got.meta("uid"), err
}

// Delete deletes o and what it owns, in the background. One that is gone
// already is no error.
func (c *Client) Delete(ctx context.Context, o Object) error {
	path, what, err := o.where()
	if err != nil {
		return err
	}
	_, err = c.do(ctx, request{
		method: http.MethodDelete, verb: "delete", resource: what, path: path,
		query: url.Values{"propagationPolicy": {"Background"}}, accept: jsonType,
	})
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}
