package oci

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/schema"
)

// Media types of Helm charts: https://helm.sh/docs/topics/registries/
const (
	chartConfigType = "application/vnd.cncf.helm.config.v1+json"
	chartLayerType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Chart is a packaged Helm chart in a registry.
type Chart struct {
	Digest schema.Digest // of the archive
	Size   int64         // bytes, as its manifest states them

	repo  *Repository
	layer v1.Descriptor
}

// FindChart looks a chart up. NotFound if it is not there, Invalid if what is
// there is not a chart.
func (o Options) FindChart(ctx context.Context, from, dir string, access Access) (*Chart, error) {
	r, err := o.openSource(from, dir, access)
	if err != nil {
		return nil, err
	}
	raw, _, err := r.fetch(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(from, raw)
	if err != nil {
		return nil, err
	}
	if doc.Config != nil && doc.Config.MediaType == chartConfigType {
		for _, l := range doc.Layers {
			if l.MediaType == chartLayerType {
				return &Chart{schema.Digest(l.Digest.String()), l.Size, r, l}, nil
			}
		}
	}
	return nil, schema.Errorf(schema.Invalid, "%q holds a %q, not a Helm chart", from, doc.artifactType())
}

// Read returns the archive, of at most limit bytes.
func (c *Chart) Read(ctx context.Context, limit int64) ([]byte, error) {
	return c.repo.Blob(ctx, c.layer, limit)
}
