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
	return c.LoadConfigMap(ctx, namespace, name, mediaType)
}

func (c Config) saveConfigMap(ctx context.Context, uri, rest string, v schema.Value) error {
	namespace, name, err := parseConfigMap(uri, rest)
	if err != nil {
		return err
	}
	if c.SaveConfigMap == nil {
		return noCluster(uri)
	}
	return c.SaveConfigMap(ctx, namespace, name, v)
}

func noCluster(uri string) error {
	return schema.Errorf(schema.Unavailable, "address %q: there is no cluster to reach", uri).
		WithHint("name a kubeconfig with --kubeconfig or KUBECONFIG")
}
