package main

import (
	"fmt"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// attachments are artefacts about index, TYPE=FILE each: bills of materials and
// provenance, which registries list as its referrers.
func attachments(index v1.ImageIndex, args []string) ([]v1.Image, error) {
	if len(args) == 0 {
		return nil, nil
	}
	subject, err := partial.Descriptor(index)
	if err != nil {
		return nil, err
	}
	subject = &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	var out []v1.Image
	for _, arg := range args {
		kind, file, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("-attach: %q is not TYPE=FILE", arg)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.MediaType(kind))
		if img, err = mutate.AppendLayers(img, static.NewLayer(data, types.MediaType(kind))); err != nil {
			return nil, err
		}
		about, ok := mutate.Subject(img, *subject).(v1.Image)
		if !ok {
			return nil, fmt.Errorf("-attach: %s is not an image", file)
		}
		out = append(out, about)
	}
	return out, nil
}
