package oci

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Types and annotations of a packed bundle.
const (
	// BundleType is the artifactType of a bundle.
	BundleType = "application/vnd.nvidia.eidos.bundle.v1"

	layerType  = "application/vnd.oci.image.layer.v1.tar+gzip"
	emptyType  = "application/vnd.oci.empty.v1+json"
	source     = "https://github.com/NVIDIA/eidos"
	annotation = "com.nvidia.eidos."

	createdAnnotation = "org.opencontainers.image.created"
	sourceAnnotation  = "org.opencontainers.image.source"

	// MetadataAnnotation holds the bundle's metadata as canonical JSON, which
	// makes the document again when the bundle is pulled.
	MetadataAnnotation = annotation + "bundle"
	// TreeAnnotation, of the layer, holds the digest of the archive in it.
	TreeAnnotation = "io.deis.oras.content.digest"
	// RecipeAnnotation holds the digest of the recipe a bundle was made from.
	RecipeAnnotation = annotation + "recipe"
	// KindAnnotation, of an entry of a release, is what it is: bundle, chart, image.
	KindAnnotation = annotation + "kind"
)

// emptyConfig is the content of the config that is none, as the image
// specification has it.
var emptyConfig = []byte("{}")

// Manifest is an image manifest with the fields of artefacts, in the order of
// the specification.
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     types.MediaType   `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        v1.Descriptor     `json:"config"`
	Layers        []v1.Descriptor   `json:"layers"`
	Subject       *v1.Descriptor    `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// packing is what a bundle's artefact depends on beside the bundle.
type packing struct {
	created     time.Time
	annotations []string // KEY=VALUE
	progress    func(done, total int64, unit string)
}

// pack makes the artefact of a bundle. Its layer is compressed into a file
// without a name, which is gone when the process ends, however it ends. The
// caller closes the artefact.
func pack(ctx context.Context, b *schema.Bundle, blobs engine.Blobs, p packing) (*artifact, error) {
	if err := CheckFiles(b.Files); err != nil {
		return nil, err
	}
	annotations, err := p.annotate(b)
	if err != nil {
		return nil, err
	}
	spool, err := spoolFile()
	if err != nil {
		return nil, err
	}
	layer, err := packLayer(ctx, spool, b.Files, blobs, p.progress)
	if err != nil {
		return nil, errors.Join(explainSpool(err), spool.Close())
	}
	raw, err := json.Marshal(Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: BundleType,
		Config: EmptyConfig(), Layers: []v1.Descriptor{layer}, Annotations: annotations,
	})
	if err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	return newArtifact(raw, map[v1.Hash]layerContent{layer.Digest: {layer, spool}}, spool.Close), nil
}

// packLayer reads, hashes and compresses the files in one pass.
func packLayer(ctx context.Context, w io.Writer, files []schema.File, blobs engine.Blobs, progress func(int64, int64, string)) (v1.Descriptor, error) {
	var total, done int64
	for _, f := range files {
		total += f.Size
	}
	packed, plain := sha256.New(), sha256.New()
	size := &counter{}
	// Level 6 of this module at the version in go.mod: another one gives other
	// bytes. TestGoldenDigest holds it. The header has no name, no time, and
	// OS 255 (unknown).
	gz, err := gzip.NewWriterLevel(io.MultiWriter(w, packed, size), 6)
	if err != nil {
		return v1.Descriptor{}, err
	}
	gz.OS = 255
	err = writeTar(ctx, io.MultiWriter(gz, plain), files, blobs, func(n int64) {
		done += n
		if progress != nil {
			progress(done, total, "bytes packed")
		}
	})
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := gz.Close(); err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{
		MediaType: layerType, Digest: sum(packed), Size: size.n,
		Annotations: map[string]string{
			"org.opencontainers.image.title": ".",
			"io.deis.oras.content.unpack":    "true",
			TreeAnnotation:                   sum(plain).String(),
		},
	}, nil
}

// annotate gives the manifest's annotations. The user's come last and may
// replace all but ours.
func (p packing) annotate(b *schema.Bundle) (map[string]string, error) {
	meta, err := schema.Encode(b.Metadata)
	if err != nil {
		return nil, err
	}
	a := map[string]string{
		createdAnnotation:                   time.Unix(p.created.Unix(), 0).UTC().Format(time.RFC3339),
		sourceAnnotation:                    source,
		"org.opencontainers.image.revision": string(b.Metadata.Recipe),
		"org.opencontainers.image.version":  b.Metadata.Version,
		"org.opencontainers.image.title":    b.Metadata.Name,
		MetadataAnnotation:                  strings.TrimSpace(string(meta)),
		RecipeAnnotation:                    string(b.Metadata.Recipe),
	}
	if p.created.IsZero() {
		a[createdAnnotation] = time.Unix(0, 0).UTC().Format(time.RFC3339)
	}
	var errs []error
	for _, s := range p.annotations {
		k, v, ok := strings.Cut(s, "=")
		switch {
		case !ok || k == "":
			errs = append(errs, schema.Errorf(schema.Invalid, "annotation %q is not KEY=VALUE", s))
		case strings.HasPrefix(k, annotation):
			errs = append(errs, schema.Errorf(schema.Invalid, "annotation %q is set by eidos", k))
		default:
			a[k] = v
		}
	}
	return a, schema.Join(errs)
}

// EmptyConfig is the config of a manifest that has none.
func EmptyConfig() v1.Descriptor {
	return v1.Descriptor{MediaType: emptyType, Digest: digestOf(emptyConfig), Size: int64(len(emptyConfig)), Data: emptyConfig}
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// spoolFile opens a file that has no name any more.
func spoolFile() (*os.File, error) {
	f, err := os.CreateTemp("", "eidos-*")
	if err != nil {
		return nil, explainSpool(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
