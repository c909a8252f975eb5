package address

import (
	"context"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// parseConfigMap splits namespace/name.
func parseConfigMap(uri, rest string) (namespace, name string, err error) {
	namespace, name, ok := strings.Cut(rest, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return "", "", schema.Errorf(schema.Invalid, "address %q is not cm://namespace/name", uri)
	}
	return namespace, name, nil
}

func (c Config) loadConfigMap(ctx context.Context, uri, rest, mediaType string) ([]byte, error) {
	namespace, name, err := parseConfigMap(uri, rest)
	if err != nil {
		return nil, err
	}
	if c.LoadConfigMap == nil {
		return nil, noCluster(uri)
	}
	data, err := c.LoadConfigMap(ctx, namespace, name, mediaType)
	return data, named("reading", uri, err)
}

func (c Config) saveConfigMap(ctx context.Context, uri, rest string, v schema.Value) error {
	namespace, name, err := parseConfigMap(uri, rest)
	if err != nil {
		return err
	}
	if c.SaveConfigMap == nil {
		return noCluster(uri)
	}
	return named("writing", uri, c.SaveConfigMap(ctx, namespace, name, v))
}

// named is err with the address in it, where it has none: there may be no
// kubeconfig, or one that cannot be read.
func named(doing, uri string, err error) error {
	if err == nil || strings.Contains(err.Error(), uri) {
		return err
	}
	return schema.Errorf(schema.CodeOf(err), "%s %q: %w", doing, uri, err).WithHint("%s", schema.HintOf(err))
}

func noCluster(uri string) error {
	return schema.Errorf(schema.Unavailable, "address %q: there is no cluster to reach", uri).
		WithHint("name a kubeconfig with --kubeconfig or KUBECONFIG")
}
