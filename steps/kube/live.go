package kube

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
)

// tree is an object of any kind, read as JSON: few kinds have another form that
// could be read without their types.
type tree map[string]any

func (*tree) Unmarshal([]byte) error { return errors.New("not JSON") }

// Read passes every object of a source to each: one list, page by page, or one
// request to a service. NotFound if the cluster has no such resource or service,
// Unauthorized without the right. Objects may be kept.
func (c *Client) Read(ctx context.Context, s expect.Source, each func(expect.Object)) error {
	switch {
	case s.Helm():
		return c.readReleases(ctx, s.Namespace, each)
	case s.Service != "":
		return c.readService(ctx, s, each)
	}
	path := []string{"api", s.Version}
	if s.Group != "" {
		path = []string{"apis", s.Group, s.Version}
	}
	if s.Namespace != "" {
		path = append(path, "namespaces", s.Namespace)
	}
	r := request{resource: s.Resource, path: append(path, s.Resource), accept: jsonType}
	return list(ctx, c, r, func(o *tree) { each(expect.Object(*o)) })
}

// readService reads the JSON that a service answers with.
func (c *Client) readService(ctx context.Context, s expect.Source, each func(expect.Object)) error {
	path := append([]string{"api", "v1", "namespaces", s.Namespace, "services", s.Service, "proxy"}, strings.Split(strings.Trim(s.Path, "/"), "/")...)
	r := request{method: http.MethodGet, verb: "get", resource: "services/proxy " + s.Service, path: path, accept: jsonType}
	if s.Query != "" {
		r.query = url.Values{"query": {s.Query}}
	}
	resp, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	var answer any
	dec := json.NewDecoder(bytes.NewReader(resp.body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		return schema.Errorf(schema.Failed, "reading the answer of %s: not JSON: %w", s.Service, err)
	}
	return s.Elements(answer, each)
}

// readReleases reads the latest revision of every Helm release of a namespace,
// and the charts within an umbrella chart as releases of their names.
func (c *Client) readReleases(ctx context.Context, namespace string, each func(expect.Object)) error {
	return c.eachRelease(ctx, namespace, func(namespace, name string, stored []byte) {
		release := func(name, status, chart, version string) {
			each(expect.Object{
				"metadata": map[string]any{"namespace": namespace, "name": name},
				"status":   status, "chart": map[string]any{"name": chart, "version": version},
			})
		}
		r, err := unpackRelease(stored, maxRelease)
		if err != nil {
			release(name, "unreadable: "+err.Error(), "", "")
			return
		}
		release(name, r.Info.Status, r.Chart.Metadata.Name, r.Chart.Metadata.Version)
		for _, d := range r.dependencies() {
			release(cmp.Or(d.Alias, d.Name), r.Info.Status, d.Name, d.Version)
		}
	})
}
