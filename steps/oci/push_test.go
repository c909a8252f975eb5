package oci_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

func files() map[string]string {
	return map[string]string{
		"Chart.yaml":               "name: x\n",
		"deploy.sh":                "#!/bin/sh\nhelm install\n",
		"templates/a/b.yaml":       strings.Repeat("kind: ConfigMap\n", 1000),
		"templates/" + long(120):   "long\n",
		"recipe.yaml":              "kind: RecipeResult\n",
		"ünïcode/straße.txt":       "utf-8\n",
		"templates-and-more/x.txt": "",
	}
}

func long(n int) string { return strings.Repeat("n", n) + ".yaml" }

// golden is the digest of the bundle above. It changes only when a new version
// of the format is made on purpose: users compare digests across releases. If
// a module update changed it, the compressor gives other bytes.
const golden = "sha256:5278f94597080684ddf532574907e32c828d7c2da2cd19687696ac1e8256564a"

func TestGoldenDigest(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	ref, err := oci.Options{}.Push(t.Context(), env, blobtest.Bundle(env, files()), schema.PushParams{To: "oci-layout:out:v1"})
	if err != nil {
		t.Fatal(err)
	}
	want := &schema.Reference{
		Kind: "Reference", APIVersion: schema.APIVersion, Reference: "oci-layout:out@" + golden,
		Tag: "v1", Digest: golden, ArtifactType: oci.BundleType, Size: ref.Size,
	}
	if diff := cmp.Diff(want, ref); diff != "" {
		t.Error(diff)
	}
}

func TestRoundTrip(t *testing.T) {
	data := t.TempDir()
	server := httptest.NewServer(oci.Handler(t.TempDir()))
	defer server.Close()
	for _, to := range []string{"oci-layout:layout", "embedded/team/bundle", strings.TrimPrefix(server.URL, "http://") + "/team/bundle"} {
		t.Run(strings.Split(to, ":")[0], func(t *testing.T) {
			env := blobtest.Env(t.TempDir())
			o := oci.Options{Data: data, Version: "test"}
			b := blobtest.Bundle(env, files())
			ref, err := o.Push(t.Context(), env, b, schema.PushParams{To: to + ":v1", Annotations: []string{"team=a"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{to + ":v1", ref.Reference, "oci://" + ref.Reference} {
				env.Blobs = &blobtest.Store{} // has nothing: all comes from there
				v, err := o.Pull(t.Context(), env, from, oci.Access{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(b, v); diff != "" {
					t.Error(diff)
				}
				again, err := o.Push(t.Context(), env, v.(*schema.Bundle), schema.PushParams{To: to + ":v1", Annotations: []string{"team=a"}})
				if err != nil {
					t.Fatal(err)
				}
				if again.Digest != ref.Digest {
					t.Errorf("pushed again: %s, want %s", again.Digest, ref.Digest)
				}
			}
			got, err := o.Resolve(t.Context(), env, to+":v1", oci.Access{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ref, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReproducible(t *testing.T) {
	var first schema.Digest
	for i, umask := range []string{"a", "b"} {
		env := blobtest.Env(filepath.Join(t.TempDir(), umask))
		if err := os.MkdirAll(env.Dir, 0o755); err != nil {
			t.Fatal(err)
		}
		b := blobtest.Bundle(env, files())
		if i == 1 { // another order in the document
			b.Files[0], b.Files[3] = b.Files[3], b.Files[0]
		}
		ref, err := oci.Options{}.Push(t.Context(), env, b, schema.PushParams{To: "oci-layout:x"})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ref.Digest
		} else if ref.Digest != first {
			t.Errorf("digest %s, then %s", first, ref.Digest)
		}
	}
}

func TestCreatedTime(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	b := blobtest.Bundle(env, files())
	o := oci.Options{Created: time.Date(2025, 1, 2, 3, 4, 5, 6, time.FixedZone("x", 3600))}
	ref, err := o.Push(t.Context(), env, b, schema.PushParams{To: "oci-layout:x"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(env.Dir, "x", "blobs", "sha256", strings.TrimPrefix(string(ref.Digest), "sha256:")))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), `"org.opencontainers.image.created":"2025-01-02T02:04:05Z"`) {
		t.Errorf("manifest %s", raw)
	}
}

func TestDocument(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	v := &schema.Verification{Kind: "Verification", APIVersion: schema.APIVersion, Subject: "x", Checks: []schema.VerificationCheck{}}
	ref, err := oci.Options{}.PushDocument(t.Context(), env, v, "oci-layout:docs:v", oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := oci.Options{}.Pull(t.Context(), env, ref.Reference, oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, got); diff != "" {
		t.Error(diff)
	}
}

func TestPushProgress(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	last := map[string][2]int64{}
	env.Progress = func(done, total int64, unit string) { last[unit] = [2]int64{done, total} }
	if _, err := (oci.Options{}).Push(t.Context(), env, blobtest.Bundle(env, files()), schema.PushParams{To: "oci-layout:x"}); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"bytes packed", "bytes pushed"} {
		if l := last[unit]; l[0] == 0 || l[0] != l[1] {
			t.Errorf("%s: ended at %d of %d", unit, l[0], l[1])
		}
	}
}

func TestPushInterrupted(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	b := blobtest.Bundle(env, files())
	env.Progress = func(done, total int64, unit string) { cancel() }
	_, err := oci.Options{}.Push(ctx, env, b, schema.PushParams{To: "oci-layout:x"})
	if err == nil {
		t.Fatal("pushed all the same")
	}
	if _, err := os.Stat(filepath.Join(env.Dir, "x", "index.json")); err == nil {
		t.Error("it left an index")
	}
}

func TestPushRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		params schema.PushParams
		files  []schema.File
		want   string
	}{
		{"a digest", schema.PushParams{To: "oci-layout:x@" + string(blobtest.Digest(nil))}, nil, "the digest comes from the content"},
		{"a bad annotation", schema.PushParams{To: "oci-layout:x", Annotations: []string{"a"}}, nil, `annotation "a" is not KEY=VALUE`},
		{"our annotation", schema.PushParams{To: "oci-layout:x", Annotations: []string{oci.RecipeAnnotation + "=x"}}, nil, "is set by eidos"},
		{"a path out", schema.PushParams{To: "oci-layout:x"}, []schema.File{{Path: "../x"}}, `file "../x": the path leaves the tree`},
		{"no data directory", schema.PushParams{To: "embedded/x"}, nil, "no data directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := blobtest.Env(t.TempDir())
			b := blobtest.Bundle(env, nil)
			b.Files = append(b.Files, tt.files...)
			_, err := oci.Options{}.Push(t.Context(), env, b, tt.params)
			if err == nil || !strings.Contains(err.Error(), tt.want) || schema.CodeOf(err) != schema.Invalid {
				t.Errorf("error %v (%s), want %q", err, schema.CodeOf(err), tt.want)
			}
		})
	}
}

var _ engine.Blobs = (*blobtest.Store)(nil)
