package sign_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// world is a pushed bundle and a key.
type world struct {
	t     *testing.T
	env   engine.Env
	opts  sign.Options
	image *schema.Reference
	key   string
}

const password = "correct horse"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, env: blobtest.Env(t.TempDir())}
	w.opts = sign.Options{
		OCI:       oci.Options{Data: t.TempDir(), Version: "test"},
		LookupEnv: func(name string) (string, bool) { return password, name == "COSIGN_PASSWORD" },
	}
	var err error
	w.image, err = w.opts.OCI.Push(t.Context(), w.env, blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 1\n"}), schema.PushParams{To: "embedded/team/bundle:v1"})
	if err != nil {
		t.Fatal(err)
	}
	w.key = filepath.Join(w.env.Dir, "cosign.key")
	if err := sign.GenerateKey(w.key, []byte(password)); err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs a step with parameters and inputs.
func run[O schema.Value](w *world, k engine.Kind, with map[string]any, in engine.Inputs) (O, error) {
	w.t.Helper()
	p, err := k.DecodeValue("with", with)
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := k.Run(w.t.Context(), w.env, p, in)
	var zero O
	if v == nil {
		return zero, err
	}
	return v.(O), err
}

func (w *world) sign(with map[string]any) (*schema.Signature, error) {
	w.t.Helper()
	return run[*schema.Signature](w, sign.Kind(w.opts), with, engine.Inputs{"image": {w.image}})
}

func (w *world) verify(with map[string]any) (*schema.Verification, error) {
	w.t.Helper()
	return run[*schema.Verification](w, sign.VerifyKind(w.opts), with, engine.Inputs{"image": {w.image}})
}

func TestSignAndVerify(t *testing.T) {
	for _, format := range []string{"bundle", "legacy"} {
		t.Run(format, func(t *testing.T) {
			w := newWorld(t)
			sig, err := w.sign(map[string]any{"format": format, "attest": true})
			if err != nil {
				t.Fatal(err)
			}
			if sig.Digest != w.image.Digest || sig.Format != format || len(sig.Attestations) != 1 {
				t.Errorf("signature %+v", sig)
			}
			again, err := w.sign(map[string]any{"format": format, "attest": true})
			if err != nil {
				t.Fatal(err)
			}
			if again.Signature != sig.Signature {
				t.Errorf("signing again wrote %s beside %s", again.Signature, sig.Signature)
			}
			v, err := w.verify(map[string]any{"attestations": []any{sign.Provenance}})
			if err != nil {
				t.Fatal(err)
			}
			if !v.Verified || len(v.Checks) != 2 {
				t.Errorf("verification %+v", v)
			}
		})
	}
}

func TestVerifyFails(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.key")
	if err := sign.GenerateKey(other, nil); err != nil {
		t.Fatal(err)
	}
	signed := func(w *world) {
		if _, err := w.sign(nil); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		prep func(*world)
		with map[string]any
		code schema.Code
		want string
	}{
		{"not signed", func(w *world) {}, nil, schema.NotFound, "has no signature"},
		{"another key", signed, map[string]any{"key": sign.PublicPath(other)}, schema.Unsatisfied, "signed with another key"},
		{"not attested", signed, map[string]any{"attestations": []any{sign.Provenance}}, schema.NotFound, "has no attestation https://slsa.dev/provenance/v1"},
		{"private key", signed, map[string]any{"key": other}, schema.Invalid, "not a public key"},
		{"no such key", signed, map[string]any{"key": "nokey.pub"}, schema.NotFound, `no key "`},
		{"gone", func(w *world) { signed(w); remove(w, w.image.Digest) }, nil, schema.NotFound, "it is not there"},
		{"registry says nothing", func(w *world) { signed(w); breakIndex(w) }, nil, schema.Unavailable, "problem of its own"},
		{"tampered signature", func(w *world) { signed(w); tamper(w) }, nil, schema.Unsatisfied, "does not hold"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.prep(w)
			v, err := w.verify(tt.with)
			if err == nil || !strings.Contains(err.Error(), tt.want) || schema.CodeOf(err) != tt.code {
				t.Errorf("error %v (%s), want %q (%s)", err, schema.CodeOf(err), tt.want, tt.code)
			}
			if v != nil && v.Verified {
				t.Error("verified")
			}
		})
	}
}

// repoDir is the layout of the world's repository in the embedded registry.
func repoDir(w *world) string { return filepath.Join(w.opts.OCI.Data, "registry", "team+bundle") }

func remove(w *world, d schema.Digest) {
	blob := filepath.Join(repoDir(w), "blobs", "sha256", strings.TrimPrefix(string(d), "sha256:"))
	if err := os.Remove(blob); err != nil {
		w.t.Fatal(err)
	}
}

func breakIndex(w *world) {
	if err := os.WriteFile(filepath.Join(repoDir(w), "index.json"), []byte("{"), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// tamper puts the signature of this image on another one.
func tamper(w *world) {
	image := w.image
	b := blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 2\n"})
	var err error
	if w.image, err = w.opts.OCI.Push(w.t.Context(), w.env, b, schema.PushParams{To: "embedded/team/bundle:v2"}); err != nil {
		w.t.Fatal(err)
	}
	sign.Transplant(w.t, w.opts, w.env, image, w.image)
}
