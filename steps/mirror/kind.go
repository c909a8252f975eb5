package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/images"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Kind is the kind `mirror`. It returns the reference of the release.
func Kind(o oci.Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "mirror", Doc: "copy charts, images and a bundle to a registry, a directory or one file", Version: 2, Effect: true,
	}, func(ctx context.Context, env engine.Env, p schema.MirrorParams, in struct {
		Images  *schema.ImageList  `in:"images,optional"`
		Charts  *schema.BundleLock `in:"charts,optional"`
		Bundle  *schema.Bundle     `in:"bundle,optional"`
		Pushed  *schema.Reference  `in:"pushed,optional"`
		Release *schema.Reference  `in:"release,optional"`
	}) (*schema.Reference, error) {
		m, err := open(ctx, o, env, p)
		if err != nil {
			return nil, err
		}
		switch {
		case (in.Images == nil) == (in.Release == nil):
			return nil, schema.Errorf(schema.Invalid, "mirror needs a list of images, or the release of another mirror").
				WithHint("in: {images: STEP} or in: {release: URI}")
		case in.Release != nil:
			return m.again(ctx, in.Release)
		}
		var jobs []job
		for i := range in.Images.Images {
			if im := &in.Images.Images[i]; !im.PerOS {
				jobs = append(jobs, m.image(im))
			}
		}
		if in.Charts != nil {
			seen := map[string]bool{}
			for i := range in.Charts.Charts {
				c := &in.Charts.Charts[i]
				if j := m.chart(c); !seen[j.entry.Name] {
					seen[j.entry.Name] = true
					jobs = append(jobs, j)
				}
			}
		}
		meta := in.Images.Metadata
		switch {
		case in.Pushed != nil:
			jobs = append(jobs, m.pushed(in.Pushed, meta))
		case in.Bundle != nil:
			jobs = append(jobs, m.bundle(in.Bundle))
		}
		return m.run(ctx, jobs, in.Images)
	})
}

// mirroring copies to one target.
type mirroring struct {
	o      oci.Options
	env    engine.Env
	p      schema.MirrorParams
	access oci.Access
	target *oci.Target

	mu   sync.Mutex
	done int
	sent int64 // bytes
}

func open(ctx context.Context, o oci.Options, env engine.Env, p schema.MirrorParams) (*mirroring, error) {
	m := &mirroring{o: o, env: env, p: p, access: oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS}}
	var err error
	m.target, err = o.OpenTarget(p.To, env.Dir, m.access)
	return m, err
}

// job copies one thing; its entry and copied lack what is known only afterwards.
type job struct {
	entry  schema.MirrorEntry
	copy   func(ctx context.Context) (oci.Copied, error)
	copied oci.Copied
}

func (m *mirroring) image(im *schema.Image) job {
	name := imageref.MirrorName(im.Reference)
	e := schema.MirrorEntry{Kind: "image", Name: name, Source: im.Reference}
	from := im.Reference
	if im.Digest != "" && !strings.Contains(from, "@") {
		from += "@" + string(im.Digest) // what was looked up, whatever the tag names by now
	}
	return job{entry: e, copy: func(ctx context.Context) (oci.Copied, error) {
		platform := m.p.Platform
		if im.Digest != "" {
			platform = ""
		}
		return m.o.Copy(ctx, m.env, from, m.access, m.target, name, oci.CopyOptions{Platform: platform, Transferred: m.transferred})
	}}
}

func (m *mirroring) chart(c *schema.LockedChart) job {
	name := "charts/" + c.Chart + ":" + tag(c.Version)
	e := schema.MirrorEntry{Kind: "chart", Name: name, Source: strings.TrimSuffix(c.Repository, "/") + "/" + c.Chart + ":" + c.Version}
	return job{entry: e, copy: func(ctx context.Context) (oci.Copied, error) {
		rc, err := m.env.Blobs.Open(ctx, c.Digest)
		if err != nil {
			return oci.Copied{}, err
		}
		data, err := engine.Expected{Digest: c.Digest, Size: c.Size}.Bytes(rc)
		if err = errors.Join(err, rc.Close()); err != nil {
			return oci.Copied{}, fmt.Errorf("reading the chart %s %s: %w", c.Chart, c.Version, err)
		}
		config, err := chartConfig(data)
		if err != nil {
			return oci.Copied{}, err
		}
		return m.target.PushChart(ctx, name, config, data, map[string]string{
			"org.opencontainers.image.title": c.Chart, "org.opencontainers.image.version": c.Version,
		})
	}}
}

func (m *mirroring) bundle(b *schema.Bundle) job {
	name := "bundle/" + b.Metadata.Name + ":" + tag(b.Metadata.Version)
	return job{entry: schema.MirrorEntry{Kind: "bundle", Name: name, Source: "bundle " + b.Metadata.Name}, copy: func(ctx context.Context) (oci.Copied, error) {
		env := m.env
		env.Progress = nil // the mirror's own counts things
		return m.target.PushBundle(ctx, env, name, b)
	}}
}

func (m *mirroring) pushed(ref *schema.Reference, meta schema.ImageListMetadata) job {
	name := "bundle/" + meta.Name + ":" + tag(meta.Version)
	return job{entry: schema.MirrorEntry{Kind: "bundle", Name: name, Source: ref.Reference}, copy: func(ctx context.Context) (oci.Copied, error) {
		return m.o.Copy(ctx, m.env, ref.Reference, m.access, m.target, name, oci.CopyOptions{Referrers: true, Transferred: m.transferred})
	}}
}

// tag is a version as a tag: it cannot have a +, for which Helm writes _.
func tag(version string) string { return strings.ReplaceAll(version, "+", "_") }

func (m *mirroring) transferred(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent += n
}

// run does the jobs and then writes the release.
func (m *mirroring) run(ctx context.Context, jobs []job, list *schema.ImageList) (*schema.Reference, error) {
	ctx = retry.Listen(ctx, m.env.Log)
	if err := m.do(ctx, jobs); err != nil {
		return nil, err
	}
	out := &schema.Mirror{Kind: "Mirror", APIVersion: schema.APIVersion, Name: list.Metadata.Name, Version: tag(list.Metadata.Version), Notes: list.Notes, Entries: []schema.MirrorEntry{}}
	for _, j := range jobs {
		out.Entries = append(out.Entries, j.entry)
	}
	return m.release(ctx, out, list, jobs)
}

// do does the jobs, several at once. One that fails does not stop the others:
// what they copied need not be copied again.
func (m *mirroring) do(ctx context.Context, jobs []job) error {
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.entry.Name, b.entry.Name) })
	atOnce := int(m.p.Jobs)
	if atOnce == 0 {
		atOnce = 4
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	failed := make([]error, len(jobs))
	for i := range jobs {
		g.Go(func() error {
			if ctx.Err() != nil {
				failed[i] = ctx.Err()
				return nil
			}
			c, err := jobs[i].copy(ctx)
			e := &jobs[i].entry
			if err != nil {
				failed[i] = schema.Prefix(err, "copying %s", e.Source)
				return nil
			}
			e.Digest, e.Size, e.Referrers = c.Digest, c.Size, int64(c.Referrers)
			jobs[i].copied = c
			m.mu.Lock()
			defer m.mu.Unlock()
			m.done++
			if m.env.Progress != nil {
				m.env.Progress(int64(m.done), int64(len(jobs)), "copied")
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed, in the order of the names
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := schema.Join(failed); err != nil {
		return err
	}
	if m.env.Log != nil {
		m.env.Log("%d artefacts, %d bytes sent; the rest was there", len(jobs), m.sent)
	}
	return nil
}

// release writes the index of what the mirror holds, and its inventory.
func (m *mirroring) release(ctx context.Context, mirror *schema.Mirror, list *schema.ImageList, jobs []job) (*schema.Reference, error) {
	doc, err := schema.Encode(mirror)
	if err != nil {
		return nil, err
	}
	docs := []oci.Document{{MediaType: mirror.MediaType(), Title: "mirror.json", Data: doc}}
	for _, f := range []struct{ format, mediaType, title string }{
		{"cyclonedx", "application/vnd.cyclonedx+json", "sbom.cdx.json"},
		{"spdx", "application/spdx+json", "sbom.spdx.json"},
	} {
		data, err := images.Write(f.format, list)
		if err != nil {
			return nil, err
		}
		docs = append(docs, oci.Document{MediaType: f.mediaType, Title: f.title, Data: data})
	}
	c, err := m.target.PushRelease(ctx, m.env, releaseName(mirror), docs, members(jobs))
	if err != nil {
		return nil, err
	}
	return m.finish(ctx, mirror, c)
}

// members are what was copied.
func members(jobs []job) []oci.Member {
	var out []oci.Member
	for _, j := range jobs {
		out = append(out, oci.Member{Name: j.entry.Name, Kind: j.entry.Kind, Copied: j.copied})
	}
	return out
}

// releaseName is the name of a release in its mirror.
func releaseName(m *schema.Mirror) string { return "release/" + m.Name + ":" + m.Version }

// finish completes the target and returns the reference of its release.
func (m *mirroring) finish(ctx context.Context, mirror *schema.Mirror, release oci.Copied) (*schema.Reference, error) {
	name := releaseName(mirror)
	names := []string{name}
	for _, e := range mirror.Entries {
		names = append(names, e.Name)
	}
	if err := m.target.Close(ctx, names); err != nil {
		return nil, err
	}
	return &schema.Reference{
		Kind: "Reference", APIVersion: schema.APIVersion, Reference: m.target.Reference(name, release.Digest),
		Tag: mirror.Version, Digest: release.Digest, ArtifactType: mirror.MediaType(), Size: release.Size,
	}, nil
}
