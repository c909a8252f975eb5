package mirror

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

// registry is a registry on loopback that counts what is sent to it.
type registry struct {
	dir, host string
	uploads   atomic.Int64 // requests that carry bytes of blobs
	refuse    atomic.Int64 // uploads from this one on fail; 0: none
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{dir: t.TempDir()}
	h := oci.Handler(r.dir)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPatch {
			if n := r.uploads.Add(1); r.refuse.Load() > 0 && n >= r.refuse.Load() {
				http.Error(w, "no more", http.StatusForbidden)
				return
			}
		}
		h.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	r.host = strings.TrimPrefix(s.URL, "http://")
	return r
}

// setup has images for two platforms, one of them pinned, a chart and a signed
// bundle.
type setup struct {
	env    engine.Env
	from   *registry
	images *schema.ImageList
	charts *schema.BundleLock
	pushed *schema.Reference
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{env: blobtest.Env(t.TempDir()), from: newRegistry(t)}
	s.images = &schema.ImageList{Metadata: schema.ImageListMetadata{Name: "eks-training", Version: "1.0.0", Recipe: blobtest.Digest(nil)}}
	for _, path := range []string{"team/app:1", "team/pinned:2"} {
		idx := index(t)
		put(t, s.from.host+"/"+path, idx)
		ref := s.from.host + "/" + path
		im := schema.Image{Reference: ref, Components: []string{"a"}, From: "rendered"}
		if strings.Contains(path, "pinned") {
			d, err := idx.Digest()
			if err != nil {
				t.Fatal(err)
			}
			im.Reference, im.Digest = ref+"@"+d.String(), schema.Digest(d.String())
		}
		s.images.Images = append(s.images.Images, im)
	}
	s.images.Images = append(s.images.Images, schema.Image{Reference: "nvcr.io/nvidia/driver:580", PerOS: true, Components: []string{"a"}, From: "values"})
	chart := charttest.Chart{Name: "operator", Version: "1.2.3+b1"}.Pack()
	d, n, err := s.env.Blobs.Put(context.Background(), strings.NewReader(string(chart)))
	if err != nil {
		t.Fatal(err)
	}
	s.charts = &schema.BundleLock{Charts: []schema.LockedChart{{Component: "a", Repository: "https://charts.example.com", Chart: "operator", Version: "1.2.3+b1", Digest: d, Size: n}}}
	if s.pushed, err = (oci.Options{}).Push(context.Background(), s.env, blobtest.Bundle(s.env, map[string]string{"a": "b"}), schema.PushParams{To: s.from.host + "/team/bundle:v1"}); err != nil {
		t.Fatal(err)
	}
	s.attach(t)
	return s
}

// attach makes something refer to the bundle, as a signature does, and puts an
// older signature under its tag.
func (s *setup) attach(t *testing.T) {
	t.Helper()
	r, err := (oci.Options{}).Open(mustLocation(t, s.pushed.Reference), "", oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := r.PutEmptyConfig(ctx); err != nil {
		t.Fatal(err)
	}
	layer, err := r.PutBlob(ctx, []byte("a signature"), "application/x")
	if err != nil {
		t.Fatal(err)
	}
	subject, err := r.Resolve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m := oci.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: "application/x", Config: oci.EmptyConfig(), Layers: []v1.Descriptor{layer}, Subject: &subject}
	if _, err := r.PutManifest(ctx, m, string(types.OCIManifestSchema1), ""); err != nil {
		t.Fatal(err)
	}
	m.Subject = nil
	if _, err := r.PutManifest(ctx, m, string(types.OCIManifestSchema1), strings.Replace(string(s.pushed.Digest), ":", "-", 1)+".sig"); err != nil {
		t.Fatal(err)
	}
}

func mustLocation(t *testing.T, s string) oci.Location {
	t.Helper()
	l, err := oci.ParseLocation(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func index(t *testing.T) v1.ImageIndex {
	t.Helper()
	var idx v1.ImageIndex
	idx, err := random.Index(100, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := random.Image(1000, 2)
		if err != nil {
			t.Fatal(err)
		}
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	return idx
}

func put(t *testing.T, ref string, idx v1.ImageIndex) {
	t.Helper()
	tag, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, idx); err != nil {
		t.Fatal(err)
	}
}

func (s *setup) mirror(t *testing.T, p schema.MirrorParams) (*schema.Reference, error) {
	t.Helper()
	in := engine.Inputs{"images": {s.images}, "charts": {s.charts}, "pushed": {s.pushed}}
	return run(Kind(oci.Options{}), s.env, &p, in)
}

func run(k engine.Kind, env engine.Env, p any, in engine.Inputs) (*schema.Reference, error) {
	v, err := k.Run(context.Background(), env, p, in)
	if v == nil {
		return nil, err
	}
	return v.(*schema.Reference), err
}

func (s *setup) check(t *testing.T, r *schema.Reference, deep bool) (*schema.Verification, error) {
	t.Helper()
	v, err := CheckKind(oci.Options{}).Run(context.Background(), s.env, &schema.CheckMirrorParams{Deep: deep}, engine.Inputs{"release": {r}})
	if v == nil {
		return nil, err
	}
	return v.(*schema.Verification), err
}
