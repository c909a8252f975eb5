package oci

import (
	"context"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
)

// Target is where many artefacts are copied to: a registry, below a prefix, or
// one layout directory in which an artefact has its whole name as its tag. It is
// safe for concurrent use.
type Target struct {
	o      Options
	to     string // registry[/prefix], or the directory as it is written
	dir    string // absolute, of a layout; "" for a registry
	access Access
	work   string // what relative directories are relative to
}

// OpenTarget returns the target at registry[/prefix] or oci-layout:DIR.
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
		return t, emptyOrLayout(t.dir)
	}
	if _, err := ParseLocation(t.to + "/name:tag"); err != nil {
		return nil, schema.Errorf(schema.Invalid, "%q is not registry[/prefix]: %w", to, err)
	}
	return t, nil
}

// TargetOf is the target in which the artefact at a reference has that name,
// without its tag.
func TargetOf(reference, name string) (string, error) {
	l, err := ParseLocation(reference)
	if err != nil {
		return "", err
	}
	if l.Dir != "" {
		return layoutPrefix + l.Dir, nil
	}
	l.Tag, l.Digest = "", ""
	to, ok := strings.CutSuffix(l.String(), "/"+name)
	if !ok {
		return "", schema.Errorf(schema.Invalid, "%q is not at …/%s, where a mirror has it", reference, name)
	}
	return to, nil
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
		return &layoutSink{layout{dir: t.dir}, name}, nil
	}
	l, err := ParseLocation(t.to + "/" + name)
	if err != nil {
		return nil, err
	}
	r, err := t.o.Open(l, t.work, t.access)
	if err != nil {
		return nil, err
	}
	return registrySink{r}, nil
}

type registrySink struct{ repo *Repository }

func (s registrySink) blob(ctx context.Context, d v1.Descriptor, open func() (io.ReadCloser, error)) (bool, error) {
	read := false
	err := s.repo.upload(ctx, stream{d.Digest, d.Size, func() (io.ReadCloser, error) {
		read = true
		return open()
	}})
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

// Names lists the artefacts of a layout directory by name. NotFound if there is
// no layout.
func (t *Target) Names() (map[string]schema.Digest, error) {
	descs, err := layout{dir: t.dir}.index()
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
