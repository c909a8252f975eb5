package sign

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

func loadSigner(path string, password []byte) (*signer, error) {
	block, err := readPEM(path, ours)
	if err != nil {
		return nil, err
	}
	return signerOf(path, block, password)
}

func loadVerifier(t *testing.T, path string) (*verifier, error) {
	return verifierOf(t.Context(), engine.Env{}, path)
}

func TestGenerateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "cosign.key")
	if err := GenerateKey(path, []byte("pw")); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]os.FileMode{path: 0o600, PublicPath(path): 0o644} {
		fi, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode()&^0o022 != want&^0o022 {
			t.Errorf("%s has mode %v", p, fi.Mode())
		}
	}
	s, err := loadSigner(path, []byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := loadVerifier(t, PublicPath(path))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.sign([]byte("x"))
	if err != nil || !v.verify([]byte("x"), sig) || v.verify([]byte("y"), sig) {
		t.Errorf("the halves do not fit, %v", err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	err = GenerateKey(path, nil)
	if schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("again: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Error("the key was replaced")
	}
	_, err = loadSigner(path, []byte("hunter2"))
	if schema.CodeOf(err) != schema.Unauthorized || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("wrong password: %v", err)
	}
}

func TestLoadKeyErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	public := func(key any) []byte {
		t.Helper()
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	notPEM := filepath.Join(dir, "text")
	if err := os.WriteFile(notPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := map[string]func(string) error{
		"private": func(p string) error { _, err := loadSigner(p, nil); return err },
		"public":  func(p string) error { _, err := loadVerifier(t, p); return err },
	}
	for _, tt := range []struct {
		as, path string
		code     schema.Code
		want     string
	}{
		{"private", filepath.Join(dir, "none"), schema.NotFound, "no key"},
		{"private", notPEM, schema.Invalid, "is not a PEM file"},
		{"private", file("a", "PRIVATE KEY", nil), schema.Invalid, "asn1: syntax error"},
		{"private", file("b", publicType, nil), schema.Invalid, "not a private key"},
		{"private", file("h", "ENCRYPTED PRIVATE KEY", nil), schema.Invalid, "not a private key"},
		{"private", file("i", "OPENSSH PRIVATE KEY", nil), schema.Invalid, "not a private key"},
		{"private", file("c", privateType, []byte("{}")), schema.Unauthorized, "the password is wrong or the file is damaged"},
		{"public", file("d", privateType, nil), schema.Invalid, "not a public key"},
		{"public", file("e", publicType, []byte("x")), schema.Invalid, `key "`},
		{"public", file("f", publicType, public(exchange.PublicKey())), schema.Invalid, "keys of this type are not supported"},
		{"public", file("g", publicType, public(short.Public())), schema.Invalid, "1024 bits is too short"},
		{"public", dir, schema.Invalid, "reading the key"},
	} {
		err := load[tt.as](tt.path)
		if schema.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v (%s), want %q (%s)", tt.as, filepath.Base(tt.path), err, schema.CodeOf(err), tt.want, tt.code)
		}
	}
}

// Keys of other tools are read as they are.
func TestLoadPEM(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		t.Helper()
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for name, block := range map[string]*pem.Block{
		"Ed25519, PKCS 8": {Type: "PRIVATE KEY", Bytes: pkcs8(edwards)},
		"P-384, PKCS 8":   {Type: "PRIVATE KEY", Bytes: pkcs8(p384)},
		"P-384, SEC 1":    {Type: "EC PRIVATE KEY", Bytes: sec1},
		"RSA, PKCS 8":     {Type: "PRIVATE KEY", Bytes: pkcs8(long)},
		"RSA, PKCS 1":     {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(long)},
	} {
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := loadSigner(path, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := newVerifier("k", s.public)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := s.sign([]byte("x"))
		if err != nil || !v.verify([]byte("x"), sig) || v.verify([]byte("y"), sig) {
			t.Errorf("%s: the halves do not fit, %v", name, err)
		}
	}
}
