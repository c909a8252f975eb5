package sign_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/retry"
	"github.com/NVIDIA/eidos/steps/sign"
)

// world is a directory with a key, a data directory with the embedded
// registry, and a bundle in that. Opening a key takes its time, so tests share
// a world and the steps, which open it once.
type world struct {
	t            *testing.T
	env          engine.Env
	opts         sign.Options
	image        *schema.Reference
	key          string
	signs, looks engine.Kind
}

const password = "correct horse"

// shared is one world for all tests that change nothing of it.
var shared = sync.OnceValue(func() *world {
	dir, err := os.MkdirTemp("", "eidos-sign-*")
	if err != nil {
		panic(err)
	}
	w := &world{env: blobtest.Env(filepath.Join(dir, "work")), key: filepath.Join(dir, "work", "cosign.key")}
	w.opts = sign.Options{
		OCI: oci.Options{
			Data: filepath.Join(dir, "data"), Version: "test",
			Retries: retry.Policy{Tries: 5, Limit: time.Minute, Pause: time.Millisecond, Stall: 30 * time.Second},
		},
		LookupEnv: func(name string) (string, bool) { return password, name == "COSIGN_PASSWORD" },
	}
	w.signs, w.looks = sign.Kind(w.opts), sign.VerifyKind(w.opts)
	if err := sign.GenerateKey(w.key, []byte(password)); err != nil {
		panic(err)
	}
	return w
})

func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "sigstore-kms-") {
		os.Exit(plugin())
	}
	code := m.Run()
	os.RemoveAll(filepath.Dir(shared().env.Dir))
	os.Exit(code)
}

// in is the world for a test, with a bundle of its own.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t = t
	sub.push("team/" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(t.Name())))
	return &sub
}

// push writes a bundle to a repository of the embedded registry.
func (w *world) push(repository string) *schema.Reference {
	w.t.Helper()
	var err error
	b := blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 1\n"})
	w.image, err = w.opts.OCI.Push(w.t.Context(), w.env, b, schema.PushParams{To: "embedded/" + repository + ":v1"})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.image
}

// run runs a step with parameters and inputs.
func run[O schema.Value](w *world, k engine.Kind, with map[string]any, in engine.Inputs) (O, error) {
	w.t.Helper()
	doc, err := schema.FromValue(with, "with")
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := k.Decode(doc)
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
	return run[*schema.Signature](w, w.signs, with, engine.Inputs{"image": {w.image}})
}

func (w *world) verify(with map[string]any) (*schema.Verification, error) {
	w.t.Helper()
	return run[*schema.Verification](w, w.looks, with, engine.Inputs{"image": {w.image}})
}

func TestSignAndVerify(t *testing.T) {
	all := shared()
	for _, format := range []string{"bundle", "legacy"} {
		t.Run(format, func(t *testing.T) {
			w := all.in(t)
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
	all := shared()
	other := filepath.Join(t.TempDir(), "other.pub")
	sign.StrangersKey(t, other)
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
		{"another key", signed, map[string]any{"key": other}, schema.Unsatisfied, "signed with another key"},
		{"not attested", signed, map[string]any{"attestations": []any{sign.Provenance}}, schema.NotFound, "has no attestation https://slsa.dev/provenance/v1"},
		{"private key", signed, map[string]any{"key": all.key}, schema.Invalid, "not a public key"},
		{"no such key", signed, map[string]any{"key": "nokey.pub"}, schema.NotFound, `no key "`},
		{"gone", func(w *world) { signed(w); remove(w, w.image.Digest) }, nil, schema.NotFound, "it is not there"},
		{"registry says nothing", func(w *world) { signed(w); breakIndex(w) }, nil, schema.Unavailable, "problem of its own"},
		{"tampered signature", func(w *world) { signed(w); tamper(w) }, nil, schema.Unsatisfied, "does not hold"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := all.in(t)
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
func repoDir(w *world) string {
	l, err := oci.ParseLocation(w.image.Reference)
	if err != nil {
		w.t.Fatal(err)
	}
	return filepath.Join(w.opts.OCI.Data, "registry", strings.ReplaceAll(l.Repository, "/", "+"))
}

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
	if w.image, err = w.opts.OCI.Push(w.t.Context(), w.env, b, schema.PushParams{To: strings.Split(image.Reference, "@")[0]}); err != nil {
		w.t.Fatal(err)
	}
	sign.Transplant(w.t, w.opts, w.env, image, w.image)
}

// Many signers at once, in a registry that keeps referrers under a tag: none
// is lost.
func TestSignAtOnce(t *testing.T) {
	w := shared().in(t)
	srv := httptest.NewServer(noReferrers{oci.Handler(t.TempDir())})
	defer srv.Close()
	b := blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 1\n"})
	var err error
	w.image, err = w.opts.OCI.Push(t.Context(), w.env, b, schema.PushParams{To: strings.TrimPrefix(srv.URL, "http://") + "/team/x:v1"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		with := map[string]any{"attest": i%2 == 0}
		wg.Go(func() { _, errs[i] = w.sign(with) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.verify(map[string]any{"attestations": []any{sign.Provenance}}); err != nil {
		t.Error(err)
	}
}

// noReferrers is a registry without the referrers API.
type noReferrers struct{ next http.Handler }

func (n noReferrers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/referrers/") {
		http.NotFound(w, r)
		return
	}
	n.next.ServeHTTP(&forgetful{w}, r)
}

// forgetful does not say that it noticed the subject.
type forgetful struct{ http.ResponseWriter }

func (f *forgetful) WriteHeader(status int) {
	f.Header().Del("OCI-Subject")
	f.ResponseWriter.WriteHeader(status)
}

func TestFormatsDoNotMix(t *testing.T) {
	w := shared().in(t)
	for _, formats := range [][2]string{{"bundle", "legacy"}, {"legacy", "bundle"}} {
		w.push("team/mixed" + formats[0])
		if _, err := w.sign(map[string]any{"format": formats[0]}); err != nil {
			t.Fatal(err)
		}
		_, err := w.sign(map[string]any{"format": formats[1]})
		if schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "has signatures in the "+formats[0]+" format already") {
			t.Errorf("%s after %s: %v", formats[1], formats[0], err)
		}
	}
}

func TestVerifyBundle(t *testing.T) {
	w := shared().in(t)
	good := blobtest.Bundle(w.env, map[string]string{"a.yaml": "a: 1\n", "d/b.yaml": "b: 1\n"})
	other, size, err := w.env.Blobs.Put(t.Context(), strings.NewReader("changed"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(files []schema.File) []schema.File
		want   string
	}{
		"untouched": {func(f []schema.File) []schema.File { return f }, ""},
		"changed":   {func(f []schema.File) []schema.File { f[0].Digest, f[0].Size = other, size; return f }, `file "a.yaml" is changed`},
		"missing":   {func(f []schema.File) []schema.File { return f[1:] }, `file "a.yaml" is missing`},
		"added": {func(f []schema.File) []schema.File {
			return append(f, schema.File{Path: "z.yaml", Digest: other, Size: size})
		}, `file "z.yaml" is added`},
		"no list": {func(f []schema.File) []schema.File {
			return slices.DeleteFunc(f, func(f schema.File) bool { return f.Path == "checksums.txt" })
		}, "no checksums.txt"},
	} {
		b := *good
		b.Files = tt.change(slices.Clone(good.Files))
		v, err := run[*schema.Verification](w, w.looks, nil, engine.Inputs{"bundle": {&b}})
		if tt.want == "" {
			if err != nil || !v.Verified {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if v != nil && v.Verified {
			t.Errorf("%s: verified", name)
		}
	}
	_, err = run[*schema.Verification](w, w.looks, nil, nil)
	if schema.CodeOf(err) != schema.Invalid {
		t.Errorf("nothing to verify: %v", err)
	}
}

// A good bundle and a good signature prove little if they are not of the same.
func TestVerifyBundleInImage(t *testing.T) {
	w := shared().in(t)
	if _, err := w.sign(nil); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		files map[string]string
		want  schema.Code
	}{
		"same":  {map[string]string{"a.yaml": "a: 1\n"}, ""},
		"other": {map[string]string{"a.yaml": "a: 2\n"}, schema.Unsatisfied},
	} {
		v, err := run[*schema.Verification](w, w.looks, nil, engine.Inputs{"image": {w.image}, "bundle": {blobtest.Bundle(w.env, tt.files)}})
		if schema.CodeOf(err) != tt.want || v.Verified != (tt.want == "") || len(v.Checks) != 3 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

func TestReferenceMustBeItsDigest(t *testing.T) {
	w := shared().in(t)
	w.image.Digest = blobtest.Digest([]byte("x"))
	if _, err := w.sign(nil); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "is not the digest") {
		t.Errorf("sign: %v", err)
	}
}
