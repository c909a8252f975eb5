package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// StrangersKey writes a public key whose private half nobody has.
func StrangersKey(t *testing.T, path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := writePEM(path, 0o666, publicType, der); err != nil {
		t.Fatal(err)
	}
}

// PEMKey writes a key pair without a password, NAME.key and NAME.pub, in a directory.
func PEMKey(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".key")
	if err := errors.Join(writePEM(path, 0o600, "PRIVATE KEY", private), writePEM(PublicPath(path), 0o666, publicType, public)); err != nil {
		t.Fatal(err)
	}
}

// Transplant attaches the first signature of one image to another, unchanged.
func Transplant(t *testing.T, o Options, env engine.Env, from, to *schema.Reference) {
	t.Helper()
	r, err := o.repository(env, from, oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	source, err := look(t.Context(), r, from.Digest)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := r.Manifest(t.Context(), schema.Digest(source.referrers[0].Digest.String()), source.referrers[0].Size)
	if err != nil {
		t.Fatal(err)
	}
	var m oci.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	hash, err := v1.NewHash(string(to.Digest))
	if err != nil {
		t.Fatal(err)
	}
	m.Subject = &v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: hash, Size: to.Size}
	if _, err := r.PutManifest(t.Context(), m, string(types.OCIManifestSchema1), ""); err != nil {
		t.Fatal(err)
	}
}

// FirstLayer returns the digest of the first layer of a manifest beside image.
func FirstLayer(t *testing.T, o Options, env engine.Env, image *schema.Reference, d schema.Digest) string {
	t.Helper()
	r, err := o.repository(env, image, oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := r.Manifest(t.Context(), d, -1)
	if err != nil {
		t.Fatal(err)
	}
	var m oci.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m.Layers[0].Digest.String()
}
