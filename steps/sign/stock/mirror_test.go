package stock

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/mirror"
	"github.com/NVIDIA/eidos/steps/sign"
)

// A release is mirrored to a registry, signed once, and carried in one file to
// another registry, by eidos and by oras. cosign accepts the one signature there.
func TestMirrorInOneFile(t *testing.T) {
	p := newPlace(t, debian(t))
	img, err := random.Index(1000, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	app := p.host + "/team/app:1"
	tag, err := name.ParseReference(app)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, img, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		t.Fatal(err)
	}
	chart := charttest.Chart{Name: "operator", Version: "1.2.3"}.Pack()
	d, n, err := p.env.Blobs.Put(t.Context(), bytes.NewReader(chart))
	if err != nil {
		t.Fatal(err)
	}
	bundle := p.image
	p.mirror(t, p.host+"/gpu", engine.Inputs{
		"images": {&schema.ImageList{
			Metadata: schema.ImageListMetadata{Name: "eks-training", Version: "1.0.0", Recipe: d},
			Images:   []schema.Image{{Reference: app, Components: []string{"a"}, From: "rendered"}},
		}},
		"charts": {&schema.BundleLock{Charts: []schema.LockedChart{{Component: "a", Repository: "https://charts.example.com", Chart: "operator", Version: "1.2.3", Digest: d, Size: n}}}},
		"pushed": {bundle},
	})
	if _, err := p.run(sign.Kind(p.opts), map[string]any{"attest": true}); err != nil {
		t.Fatal(err)
	}
	release := p.image

	disk := p.mirror(t, "oci-layout:disk.tar", engine.Inputs{"release": {release}})
	if _, err := os.Stat(filepath.Join(p.env.Dir, "disk.tar.partial")); disk.Digest != release.Digest || !os.IsNotExist(err) {
		t.Errorf("%s is not %s, or a directory is left: %v", disk.Digest, release.Digest, err)
	}
	p.mirror(t, "oci-layout:again.tar", engine.Inputs{"release": {disk}})
	if a, b := p.read(t, "disk.tar"), p.read(t, "again.tar"); !bytes.Equal(a, b) {
		t.Errorf("the same release as one file has %d and %d bytes, or differs", len(a), len(b))
	}

	far := debian(t)
	t.Setenv("DOCKER_CONFIG", far.docker)
	p.registry = far // the first one is not there
	there := p.mirror(t, far.host+"/far", engine.Inputs{"release": {disk}})
	if there.Digest != release.Digest {
		t.Errorf("the release is %s there, %s here", there.Digest, release.Digest)
	}
	p.complete(t, there)
	copied := far.host + "/copied/anywhere@" + string(release.Digest)
	far.must(t, p.env.Dir, "oras", "copy", "--recursive", "--from-oci-layout", "disk.tar@"+string(release.Digest), far.host+"/copied/anywhere:v1")
	p.complete(t, &schema.Reference{Reference: copied, Digest: release.Digest})
	for _, at := range []string{there.Reference, copied} {
		p.image = &schema.Reference{Reference: at, Digest: release.Digest}
		for _, version := range []string{"cosign2", "cosign3"} {
			if out, err := p.cosign(version, "verify", "bundle", "--key", "cosign.pub"); err != nil || !strings.Contains(out, "The cosign claims were validated") {
				t.Errorf("%s verify %s: %v\n%s", version, at, err, out)
			}
		}
	}
	if out := far.must(t, p.env.Dir, "oras", "manifest", "fetch", far.host+"/far/bundle/eks-training:1.0.0", "--descriptor"); !strings.Contains(out, string(bundle.Digest)) {
		t.Errorf("the bundle is %s", out)
	}
}

// mirror copies to a target, and makes the release what the next step is about.
func (p *place) mirror(t *testing.T, to string, in engine.Inputs) *schema.Reference {
	t.Helper()
	v, err := mirror.Kind(p.opts.OCI).Run(t.Context(), p.env, &schema.MirrorParams{To: to}, in)
	if err != nil {
		t.Fatal(err)
	}
	p.image = v.(*schema.Reference)
	return p.image
}

func (p *place) complete(t *testing.T, release *schema.Reference) {
	t.Helper()
	v, err := mirror.CheckKind(p.opts.OCI).Run(t.Context(), p.env, &schema.CheckMirrorParams{Deep: true}, engine.Inputs{"release": {release}})
	if err != nil || len(v.(*schema.Verification).Checks) != 3 {
		t.Errorf("%s: %v %v", release.Reference, v, err)
	}
}

func (p *place) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.env.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
