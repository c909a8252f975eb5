package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// maxManifest is the most bytes a manifest may have, the limit registries use.
const maxManifest = 4 << 20

// document is what a manifest or an index says about other content.
type document struct {
	SchemaVersion int64             `json:"schemaVersion"`
	MediaType     types.MediaType   `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        *v1.Descriptor    `json:"config"`
	Layers        []v1.Descriptor   `json:"layers"`
	Manifests     []v1.Descriptor   `json:"manifests"`
	Subject       *v1.Descriptor    `json:"subject"`
	Annotations   map[string]string `json:"annotations"`
}

// artifactType is the type of an artefact: its own, else its config's.
func (d *document) artifactType() string {
	if d.ArtifactType == "" && d.Config != nil {
		return string(d.Config.MediaType)
	}
	return d.ArtifactType
}

// putManifest stores a manifest and, if tag is not empty, moves the tag to it. What it
// names need not be there: registries differ in that, and clients push blobs first.
func (l layout) putManifest(ctx context.Context, raw []byte, mediaType types.MediaType, tag string) (v1.Hash, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return v1.Hash{}, err
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return v1.Hash{}, err
	}
	if err := l.putBlob(ctx, digest, bytes.NewReader(raw)); err != nil {
		return v1.Hash{}, err
	}
	entry := v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size, ArtifactType: doc.artifactType()}
	if tag != "" {
		entry.Annotations = map[string]string{tagAnnotation: tag}
	}
	return digest, l.change(func(descs []v1.Descriptor) ([]v1.Descriptor, error) {
		// An untagged manifest that is already there stays as it is. The last
		// tag of another one moves away: that one stays, untagged.
		known := false
		var out []v1.Descriptor
		for _, d := range descs {
			switch {
			case d.Digest == digest && (tag == "" || tagOf(d) == tag):
				known = true
			case d.Digest == digest && tagOf(d) == "":
				continue // takes the tag
			case tag != "" && tagOf(d) == tag:
				d.Annotations = nil
				if slices.ContainsFunc(descs, func(o v1.Descriptor) bool { return o.Digest == d.Digest && tagOf(o) != tag }) {
					continue
				}
			}
			out = append(out, d)
		}
		if !known {
			out = append(out, entry)
		}
		return out, nil
	})
}

func tagOf(d v1.Descriptor) string { return d.Annotations[tagAnnotation] }

// manifest returns the manifest that ref, a tag or a digest, names, with its
// descriptor.
func (l layout) manifest(ref string) ([]byte, v1.Descriptor, error) {
	descs, err := l.index()
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	i := slices.IndexFunc(descs, func(d v1.Descriptor) bool { return d.Digest.String() == ref || tagOf(d) == ref })
	if i < 0 {
		return nil, v1.Descriptor{}, errUnknown
	}
	f, _, err := l.blob(descs[i].Digest)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	defer f.Close()
	d := descs[i]
	raw, err := engine.Expected{Digest: schema.Digest(d.Digest.String()), Size: -1, Limit: maxManifest}.Bytes(f)
	if err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	d.Size = int64(len(raw))
	return raw, d, nil
}

// removeManifest forgets a manifest with all its tags or, if ref is a tag, just
// that. Blobs stay.
func (l layout) removeManifest(ref string) error {
	if _, err := os.Stat(l.dir); errors.Is(err, fs.ErrNotExist) {
		return errUnknown
	}
	return l.change(func(descs []v1.Descriptor) ([]v1.Descriptor, error) {
		var out []v1.Descriptor
		found := false
		for _, d := range descs {
			switch {
			case d.Digest.String() == ref:
				found = true
				continue
			case tagOf(d) == ref:
				found = true
				if slices.ContainsFunc(descs, func(o v1.Descriptor) bool { return o.Digest == d.Digest && tagOf(o) != ref }) {
					continue
				}
				d.Annotations = nil
			}
			out = append(out, d)
		}
		if !found {
			return nil, errUnknown
		}
		return out, nil
	})
}

// tags returns the tags, sorted.
func (l layout) tags() ([]string, error) {
	descs, err := l.index()
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, d := range descs {
		if t := tagOf(d); t != "" {
			out = append(out, t)
		}
	}
	sort.Strings(out)
	return out, nil
}

// referrers returns the manifests whose subject is d, sorted by digest, and why
// others could not be read: those may be referrers too, and one that is a signature must
// not be missed without a word. All manifests are read for it; a layout has few.
func (l layout) referrers(d v1.Hash) (out []v1.Descriptor, unreadable []error, err error) {
	descs, err := l.index()
	if err != nil {
		return nil, nil, err
	}
	out = []v1.Descriptor{}
	seen := map[v1.Hash]bool{}
	for _, e := range descs {
		if seen[e.Digest] {
			continue
		}
		seen[e.Digest] = true
		raw, desc, err := l.manifest(e.Digest.String())
		var doc document
		if err == nil {
			err = json.Unmarshal(raw, &doc)
		}
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("manifest %s cannot be read: %w", e.Digest, err))
			continue
		}
		if doc.Subject == nil || doc.Subject.Digest != d {
			continue
		}
		desc.ArtifactType = doc.artifactType()
		desc.Annotations = doc.Annotations
		out = append(out, desc)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Digest.Hex < out[j].Digest.Hex })
	return out, unreadable, nil
}
