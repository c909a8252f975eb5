package oci

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/remote"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Whatever a registry answers, content is what its digest names, and exactly as
// long as stated, or it is not used; and nothing of it is kept.
func TestLiar(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	liar, host := blobtest.NewLiar(t, Handler(t.TempDir()))
	to := host + "/team/x"
	o := Options{Retries: retry.Policy{Tries: 5, Limit: time.Minute, Pause: time.Millisecond, Stall: 30 * time.Second}}
	must := func(ref *schema.Reference, err error) *schema.Reference {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	layer := func(ref *schema.Reference) string {
		t.Helper()
		r, err := o.openSource(ref.Reference, "", Access{})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := r.Manifest(t.Context(), ref.Digest, ref.Size)
		if err != nil {
			t.Fatal(err)
		}
		var m Manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m.Layers[0].Digest.String()
	}
	b := blobtest.Bundle(env, map[string]string{"deploy.sh": "#!/bin/sh\necho\n", "Chart.yaml": "name: x\n"})
	bundle := must(o.Push(t.Context(), env, b, schema.PushParams{To: to + ":v1"}))
	criteria := &schema.RecipeCriteria{Kind: "RecipeCriteria", APIVersion: schema.APIVersion}
	doc := must(o.PushDocument(t.Context(), env, criteria, to+":doc", Access{}))
	text := []byte("kind: Pipeline\napiVersion: eidos.nvidia.com/v1alpha1\n")
	pipeline := must(o.PushPipeline(t.Context(), env, "p.yaml", text, to+":p", Access{}))

	s := store.NewMemory()
	task, res := engine.Task{Run: "r", Step: "s", Attempt: 1}, engine.TaskResult{}
	for i, size := range []int64{100_000, 1000} {
		d, n, err := s.Put(t.Context(), io.LimitReader(rand.NewChaCha8([32]byte{}), size))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			res.Artifact = engine.Artifact{MediaType: "application/x", Digest: d, Size: n}
		} else {
			res.Blobs = append(res.Blobs, engine.Blob{Digest: d, Size: n})
		}
	}
	cache, err := o.Cache(to, "", Access{})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Deliver(t.Context(), task, cache, s, res); err != nil {
		t.Fatal(err)
	}

	pull := func(from string, want schema.Value) func(*testing.T) error {
		return func(t *testing.T) error {
			env := blobtest.Env(t.TempDir())
			v, err := o.Pull(t.Context(), env, from, Access{})
			if err != nil {
				if n := env.Blobs.(*blobtest.Store).Len(); n != 0 {
					t.Errorf("%d blobs were kept of what was refused", n)
				}
				return err
			}
			if diff := cmp.Diff(want, v); diff != "" {
				t.Error(diff)
			}
			return nil
		}
	}
	pipelineOf := func(t *testing.T) error {
		env := blobtest.Env(t.TempDir())
		p, err := o.PullPipeline(t.Context(), env, pipeline.Reference, Access{})
		if err != nil {
			if n := env.Blobs.(*blobtest.Store).Len(); n != 0 {
				t.Errorf("%d blobs were kept of what was refused", n)
			}
			return err
		}
		if string(p.Text) != string(text) {
			t.Errorf("text %q", p.Text)
		}
		return nil
	}
	receive := func(t *testing.T) error {
		s := store.NewMemory()
		got, ok, err := remote.Receive(t.Context(), task, cache, s)
		if err != nil {
			if s.Has(t.Context(), res.Artifact.Digest, res.Artifact.Size) {
				t.Error("the result was kept, without what it names")
			}
			return err
		}
		if diff := cmp.Diff(res, got); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
		return nil
	}
	for _, tt := range []struct {
		name, path string
		read       func(*testing.T) error
	}{
		{"bundle/layer", layer(bundle), pull(bundle.Reference, b)},
		{"bundle/manifest", string(bundle.Digest), pull(bundle.Reference, b)},
		{"bundle/manifest of a tag", string(bundle.Digest), pull(to+":v1", b)},
		{"document/layer", layer(doc), pull(doc.Reference, criteria)},
		{"document/manifest", string(doc.Digest), pull(doc.Reference, criteria)},
		{"reference", string(doc.Digest), func(t *testing.T) error {
			ref, err := o.Resolve(t.Context(), env, to+":doc", Access{})
			if err == nil && cmp.Diff(doc, ref) != "" {
				t.Error(cmp.Diff(doc, ref))
			}
			return err
		}},
		{"pipeline/manifest", string(pipeline.Digest), pipelineOf},
		{"pipeline/text", layer(pipeline), pipelineOf},
		{"cache/result", string(res.Artifact.Digest), receive},
		{"cache/blob", string(res.Blobs[0].Digest), receive},
		{"store in front of a cache", string(res.Artifact.Digest), func(t *testing.T) error {
			s := content.ReadThrough{Store: store.NewMemory(), Cache: cache, Sizes: &content.Sizes{}}
			if _, err := s.Open(t.Context(), res.Artifact.Digest); schema.CodeOf(err) != schema.NotFound {
				t.Errorf("what nothing states the size of: %v", err)
			}
			s.Sizes.Add(engine.Blob{Digest: res.Artifact.Digest, Size: res.Artifact.Size})
			r, err := s.Open(t.Context(), res.Artifact.Digest)
			if err != nil {
				return err
			}
			return r.Close()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { liar.Each(t, tt.path, tt.read) })
	}
}
