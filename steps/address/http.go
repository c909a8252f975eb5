package address

import (
	"context"

	"github.com/NVIDIA/eidos/steps/internal/web"
)

// fetch reads a document over HTTP.
func (c Config) fetch(ctx context.Context, uri string) ([]byte, error) {
	client := web.Client{Version: c.OCI.Version, Transport: c.Transport}
	return client.Read(ctx, uri, "application/yaml, application/json;q=0.9, */*;q=0.1", maxDocument)
}

// shown is an address without what may be secret.
func shown(uri string) string { return web.Shown(uri) }
