package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/collect"
)

// server reads the version of the API server.
func (c *Client) server(ctx context.Context) (collect.Reading, error) {
	resp, err := c.do(ctx, request{method: http.MethodGet, verb: "get", resource: "/version", path: []string{"version"}, accept: jsonType})
	if err != nil {
		return collect.Reading{}, err
	}
	var v struct{ GitVersion, Platform, GoVersion string }
	if err := json.Unmarshal(resp.body, &v); err != nil || v.GitVersion == "" {
		return collect.Reading{}, schema.Errorf(schema.Unavailable, "%s does not answer like a Kubernetes API server", c.Host()).
			WithHint("is a proxy or a login page in between?")
	}
	data := map[string]schema.Scalar{}
	for k, s := range map[string]string{"version": v.GitVersion, "platform": v.Platform, "goVersion": v.GoVersion} {
		if s != "" {
			data[k] = s
		}
	}
	return reading("server", data), nil
}

// Reach is nil if an API server answers that knows these credentials, also if they
// may not read its version.
func (c *Client) Reach(ctx context.Context) error {
	_, err := c.server(ctx)
	if isStatus(err, http.StatusForbidden) {
		return nil
	}
	return err
}

// get reads one JSON object.
func (c *Client) get(ctx context.Context, resource string, into any, path ...string) error {
	return c.getAs(ctx, "get", resource, into, path...)
}

// getAs is get for what RBAC knows by another verb.
func (c *Client) getAs(ctx context.Context, verb, resource string, into any, path ...string) error {
	resp, err := c.do(ctx, request{method: http.MethodGet, verb: verb, resource: resource, path: path, accept: jsonType})
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(resp.body))
	dec.UseNumber() // in what has no type of its own, as it was written
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", resource, err)
	}
	return nil
}
