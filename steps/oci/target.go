package oci

import (
	"context"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
)

// Target is where many artefacts are copied to: a registry, below a prefix, or
// one layout in which an artefact has its whole name as its tag. It is safe for
// concurrent use. Close it when everything is copied.
type Target struct {
	o       Options
	to      string // registry[/prefix], or the layout as it is written
	dir     string // absolute, of a layout; "" for a registry
	archive string // absolute, if dir becomes one file in the end; else ""
	access  Access
	work    string // what relative directories are relative to
}

// OpenTarget returns the target at registry[/prefix], oci-layout:DIR or
// oci-layout:FILE.tar.
func (o Options) OpenTarget(to, work string, access Access) (*Target, error) {
	t := &Target{o: o, to: strings.TrimPrefix(to, "oci://"), access: access, work: work}
	if strings.HasPrefix(t.to, layoutPrefix) {
		l, err := ParseLocation(t.to)
		if err != nil {
			return nil, err
		}
		if l.Tag != "" || l.Digest != "" {
			return nil, schema.Errorf(schema.Invalid, "%q names a tag or a digest, and many things are copied there", to).WithHint("name the directory alone: %s%s", layoutPrefix, l.Dir)
		}
		t.dir = l.in(work)
		if strings.HasSuffix(t.dir, archiveSuffix) {
			t.archive, t.dir = t.dir, unpacked(t.dir)
			if _, err := t.layout().index(); err != nil {
				return nil, err
			}
		}
		return t, emptyOrLayout(t.dir)
	}
	if _, err := ParseLocation(t.to + "/name:tag"); err != nil {
		return nil, schema.Errorf(schema.Invalid, "%q is not registry[/prefix]: %w", to, err)
	}
	return t, nil
}

// layout is that of a target that is one: of an archive, what it has already is
// not copied again.
func (t *Target) layout() layout {
	if t.archive == "" {
		return layoutAt(t.dir)
	}
	return layout{dir: t.dir, under: tarballAt(t.archive)}
}

// Reference names an artefact of the target by digest.
func (t *Target) Reference(name string, d schema.Digest) string {
	if t.dir != "" {
		return t.to + "@" + string(d)
	}
	base, _, _ := strings.Cut(name, "@")
	if i := strings.LastIndexByte(base, ':'); i > strings.LastIndexByte(base, '/') {
		base = base[:i]
	}
	return t.to + "/" + base + "@" + string(d)
}

// Address is what an artefact of the target can be read by.
func (t *Target) Address(name string, d schema.Digest) string {
	if t.dir != "" {
		return t.to + "@" + string(d)
	}
	return t.to + "/" + name
}

// sink takes the parts of one artefact.
type sink interface {
	// blob stores what open yields, unless it is there, and reports whether it
	// was not.
	blob(ctx context.Context, d v1.Descriptor, open func() (io.ReadCloser, error)) (bool, error)
	// manifest stores a manifest, under the artefact's name if named.
	manifest(ctx context.Context, raw []byte, mt types.MediaType, named bool) error
}

// sink returns what takes the artefact of that name, HOST/REPOSITORY:TAG or
// with @digest.
func (t *Target) sink(name string) (sink, error) {
	if t.dir != "" {
		return &layoutSink{t.layout(), name}, nil
	}
	r, err := t.repository(name)
	return registrySink{repo: r}, err
}

// repository opens that of an artefact of a target that is a registry.
func (t *Target) repository(name string) (*Repository, error) {
	l, err := ParseLocation(t.to + "/" + name)
	if err != nil {
		return nil, err
	}
	return t.o.Open(l, t.work, t.access)
}

type registrySink struct {
	repo *Repository
	// from is a repository of the same registry that has the blobs: they are
	// mounted, not sent. nil is none.
	from *Repository
}

func (s registrySink) blob(ctx context.Context, d v1.Descriptor, open func() (io.ReadCloser, error)) (bool, error) {
	read := false
	var l v1.Layer = stream{d.Digest, d.Size, func() (io.ReadCloser, error) {
		read = true
		return open()
	}}
	if s.from != nil {
		l = &remote.MountableLayer{Layer: l, Reference: s.from.digest(schema.Digest(d.Digest.String()))}
	}
	err := s.repo.upload(ctx, l)
	return read, err
}

func (s registrySink) manifest(ctx context.Context, raw []byte, mt types.MediaType, named bool) error {
	tag := ""
	if named {
		tag = s.repo.Tag
	}
	_, err := s.repo.putManifest(ctx, raw, mt, tag)
	return err
}

type layoutSink struct {
	layout layout
	name   string
}

func (s *layoutSink) blob(ctx context.Context, d v1.Descriptor, open func() (io.ReadCloser, error)) (bool, error) {
	if s.layout.has(d.Digest) {
		return false, nil
	}
	rc, err := open()
	if err != nil {
		return true, err
	}
	defer rc.Close()
	return true, s.layout.putBlob(ctx, d.Digest, rc)
}

func (s *layoutSink) manifest(ctx context.Context, raw []byte, mt types.MediaType, named bool) error {
	tag := ""
	if named {
		tag = s.name
	}
	_, err := s.layout.putManifest(ctx, raw, mt, tag)
	return err
}

// Names lists the artefacts of a layout by name. NotFound if there is
// no layout.
func (t *Target) Names() (map[string]schema.Digest, error) {
	descs, err := t.layout().index()
	if err != nil {
		return nil, err
	}
	out := map[string]schema.Digest{}
	for _, d := range descs {
		if n := tagOf(d); n != "" {
			out[n] = schema.Digest(d.Digest.String())
		}
	}
	if len(out) == 0 {
		return nil, schema.Errorf(schema.NotFound, "%q is not an OCI layout, or an empty one", t.to)
	}
	return out, nil
}
