package oci_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

// noise is a store with one blob of random bytes that lie nowhere.
type noise struct {
	engine.Blobs
	size int64
}

func (n noise) read() io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), n.size)
}

func (n noise) digest(t testing.TB) schema.Digest {
	h := sha256.New()
	if _, err := io.Copy(h, n.read()); err != nil {
		t.Fatal(err)
	}
	return schema.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

func (n noise) Open(context.Context, schema.Digest) (io.ReadCloser, error) {
	return io.NopCloser(n.read()), nil
}

func (n noise) Put(_ context.Context, r io.Reader) (schema.Digest, int64, error) {
	h := sha256.New()
	size, err := io.Copy(h, r)
	return schema.Digest("sha256:" + hex.EncodeToString(h.Sum(nil))), size, err
}

// A large bundle goes through in pieces: all that is allocated on the way there
// and back is a fraction of it.
func TestStreams(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	blobs := noise{size: 64 << 20}
	env.Blobs = blobs
	b := &schema.Bundle{Metadata: schema.BundleMetadata{Deployer: "helm", Recipe: blobs.digest(t)}}
	b.Files = []schema.File{{Path: "chart.tgz", Digest: blobs.digest(t), Size: blobs.size}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ref, err := oci.Options{}.Push(t.Context(), env, b, schema.PushParams{To: "oci-layout:x"})
	if err != nil {
		t.Fatal(err)
	}
	v, err := oci.Options{}.Pull(t.Context(), env, ref.Reference, oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := v.(*schema.Bundle).Files[0].Digest; got != b.Files[0].Digest {
		t.Errorf("digest %s, want %s", got, b.Files[0].Digest)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d MiB were allocated for a bundle of %d MiB", n>>20, blobs.size>>20)
	}
}

func BenchmarkPush(b *testing.B) {
	env := blobtest.Env(b.TempDir())
	blobs := noise{size: 256 << 20}
	env.Blobs = blobs
	bundle := &schema.Bundle{Metadata: schema.BundleMetadata{Deployer: "helm", Recipe: blobs.digest(b)}}
	bundle.Files = []schema.File{{Path: "chart.tgz", Digest: blobs.digest(b), Size: blobs.size}}
	b.SetBytes(blobs.size)
	for b.Loop() {
		env.Dir = b.TempDir()
		if _, err := (oci.Options{}).Push(b.Context(), env, bundle, schema.PushParams{To: "oci-layout:x"}); err != nil {
			b.Fatal(err)
		}
	}
}
