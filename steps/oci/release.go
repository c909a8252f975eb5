package oci

import (
	"context"
	"encoding/json"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// index is an image index with the fields of artefacts, in the order of the
// specification.
type index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     types.MediaType   `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Manifests     []v1.Descriptor   `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Member is an artefact of a target that a release has.
type Member struct {
	Name, Kind string
	Copied     Copied
}

// PushRelease writes a release: one index of the documents, whose first one states
// what the release is, and of the members. A registry gets the members into the
// release's repository too, as mounts, so that whoever copies the index with any
// tool copies all of it.
func (t *Target) PushRelease(ctx context.Context, env engine.Env, name string, docs []Document, members []Member) (Copied, error) {
	to, err := t.sink(name)
	if err != nil {
		return Copied{}, err
	}
	about, err := t.pushDocuments(ctx, to, docs)
	if err != nil {
		return Copied{}, err
	}
	first := about.Manifest
	first.ArtifactType = docs[0].MediaType
	idx := index{
		SchemaVersion: 2, MediaType: types.OCIImageIndex, ArtifactType: docs[0].MediaType, Manifests: []v1.Descriptor{first},
		Annotations: map[string]string{createdAnnotation: t.o.created(), sourceAnnotation: source},
	}
	size := about.Size
	for _, m := range members {
		if err := t.include(ctx, env, name, m); err != nil {
			return Copied{}, err
		}
		d := m.Copied.Manifest
		d.Annotations = map[string]string{tagAnnotation: m.Name, KindAnnotation: m.Kind}
		idx.Manifests = append(idx.Manifests, d)
		size += m.Copied.Size
	}
	raw, err := json.Marshal(idx)
	if err != nil {
		return Copied{}, err
	}
	if err := to.manifest(ctx, raw, types.OCIImageIndex, true); err != nil {
		return Copied{}, err
	}
	return copied(raw, types.OCIImageIndex, size+int64(len(raw))), nil
}

// CopyRelease copies a release whose members are in the target already, with what
// refers to it.
func (o Options) CopyRelease(ctx context.Context, env engine.Env, from string, access Access, t *Target, name string, members []Member, opts CopyOptions) (Copied, error) {
	for _, m := range members {
		if err := t.include(ctx, env, name, m); err != nil {
			return Copied{}, err
		}
	}
	return o.Copy(ctx, env, from, access, t, name, opts)
}

// include puts a member, and what refers to it, into the repository of the
// release. A layout is one repository.
func (t *Target) include(ctx context.Context, env engine.Env, release string, m Member) error {
	if t.dir != "" {
		return nil
	}
	at := t.Reference(m.Name, m.Copied.Digest)
	from, err := t.o.openSource(at, env.Dir, t.access)
	if err != nil {
		return err
	}
	to, err := t.repository(release)
	if err != nil {
		return err
	}
	raw, desc, err := from.fetch(ctx)
	if err != nil {
		return err
	}
	c := newCopier(t.o, from, registrySink{to, from}, CopyOptions{})
	if err := c.tree(ctx, raw, desc, false, 0); err != nil {
		return err
	}
	if m.Copied.Referrers > 0 {
		_, err = c.referrers(ctx, m.Copied.Digest, t, release)
	}
	return err
}

// readRelease returns the manifest of the documents of a release; of what is not
// an index, the manifest itself.
func (r *Repository) readRelease(ctx context.Context, at string, doc *document) (*document, error) {
	if len(doc.Manifests) == 0 {
		return doc, nil
	}
	first := doc.Manifests[0]
	if first.ArtifactType != doc.ArtifactType {
		return nil, schema.Errorf(schema.Invalid, "%q is an index of the type %q, and its first entry is not", at, doc.ArtifactType)
	}
	raw, err := r.Manifest(ctx, schema.Digest(first.Digest.String()), first.Size)
	if err != nil {
		return nil, err
	}
	about, err := readDocument(at, raw)
	if err != nil {
		return nil, err
	}
	if about.artifactType() != doc.ArtifactType || len(about.Layers) == 0 {
		return nil, schema.Errorf(schema.Invalid, "%q: its first entry holds a %q, not what it states", at, about.artifactType())
	}
	return about, nil
}

// ReleaseOf returns the release that from names by digest, "" if something else is
// there.
func (o Options) ReleaseOf(ctx context.Context, env engine.Env, from string, access Access) (string, error) {
	ref, err := o.Resolve(ctx, env, from, access)
	if err != nil || ref.ArtifactType != (*schema.Mirror)(nil).MediaType() {
		return "", err
	}
	return ref.Reference, nil
}

// checkMembers finds that an index names everything that its document states, so
// that its signature is one for all of it.
func checkMembers(at string, idx *document, m *schema.Mirror) error {
	named := map[string]bool{}
	for _, d := range idx.Manifests {
		named[d.Digest.String()] = true
	}
	var missing []string
	for _, e := range m.Entries {
		if !named[string(e.Digest)] {
			missing = append(missing, e.Name)
		}
	}
	if len(missing) > 0 {
		return schema.Errorf(schema.Invalid, "%q states %s, and its index does not name that", at, schema.Safe(strings.Join(missing, ", "))).
			WithHint("make the release again: eidos mirror")
	}
	return nil
}
