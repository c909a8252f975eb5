package oci

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
)

// artifact is a manifest with its blobs, ready to be written.
type artifact struct {
	raw   []byte
	blobs map[v1.Hash]layerContent
	close func() error
}

// layerContent is a blob that can be read any number of times at once.
type layerContent struct {
	desc v1.Descriptor
	at   io.ReaderAt
}

func newArtifact(raw []byte, blobs map[v1.Hash]layerContent, close func() error) *artifact {
	blobs[digestOf(emptyConfig)] = layerContent{EmptyConfig(), bytes.NewReader(emptyConfig)}
	return &artifact{raw: raw, blobs: blobs, close: close}
}

func (c layerContent) Digest() (v1.Hash, error)            { return c.desc.Digest, nil }
func (c layerContent) Size() (int64, error)                { return c.desc.Size, nil }
func (c layerContent) MediaType() (types.MediaType, error) { return c.desc.MediaType, nil }
func (c layerContent) DiffID() (v1.Hash, error)            { return c.desc.Digest, nil }
func (c layerContent) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(c.at, 0, c.desc.Size)), nil
}

// spoolWriter writes to a spool; its errors are those of the disk, not of what
// is read.
type spoolWriter struct{ w io.Writer }

func (s spoolWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	return n, explainSpool(err)
}

// explainSpool tells where the space ran out.
func explainSpool(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return schema.Errorf(schema.Failed, "packing in %q: %w", os.TempDir(), syscall.ENOSPC).
			WithHint("free some space, or point TMPDIR at a larger disk")
	}
	return err
}
