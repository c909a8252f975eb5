package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ThalesIgnite/crypto11"
	"github.com/miekg/pkcs11"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin"
)

// TestMain is also the program, under each of its names.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), cliplugin.PluginBinaryPrefix) {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// installed puts the program on the path under all its names.
func installed(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, s := range services {
		if err := os.Symlink(self, filepath.Join(bin, cliplugin.PluginBinaryPrefix+s)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// signs signs and verifies with a key as eidos does: with the plugin client of
// sigstore. The error is the service's.
func signs(key string, hash crypto.Hash) error {
	c, err := cliplugin.LoadSignerVerifier(context.Background(), key, hash)
	if err != nil {
		return err
	}
	public, err := c.PublicKey()
	if err != nil {
		return err
	}
	message := []byte("what is signed")
	sig, err := c.SignMessage(bytes.NewReader(message))
	if err != nil {
		return err
	}
	v, err := signature.LoadVerifier(public, hash)
	if err != nil {
		return err
	}
	if err := v.VerifySignature(bytes.NewReader(sig), bytes.NewReader(message)); err != nil {
		return fmt.Errorf("verifying here: %w", err)
	}
	if err := c.VerifySignature(bytes.NewReader(sig), bytes.NewReader(message)); err != nil {
		return fmt.Errorf("verifying there: %w", err)
	}
	if err := c.VerifySignature(bytes.NewReader(sig), strings.NewReader("another")); err == nil {
		return fmt.Errorf("the signature of one message verifies another")
	}
	return nil
}

const pin = "1234"

// A key in a token of SoftHSM signs; what is not there is named.
func TestToken(t *testing.T) {
	out, err := exec.Command("../../scripts/debian", "libsofthsm2", "usr/lib/softhsm/libsofthsm2.so").Output()
	if err != nil {
		t.Fatalf("SoftHSM: %v", err)
	}
	module := strings.TrimSpace(string(out))
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	initToken(t, module)
	hsm, err := crypto11.Configure(&crypto11.Config{Path: module, TokenLabel: "gpu", Pin: pin})
	if err != nil {
		t.Fatal(err)
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384()} {
		if _, err := hsm.GenerateECDSAKeyPairWithLabel([]byte(name), []byte(name), curve); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := hsm.GenerateRSAKeyPairWithLabel([]byte("rsa"), []byte("rsa"), 2048); err != nil {
		t.Fatal(err)
	}
	if err := hsm.Close(); err != nil {
		t.Fatal(err)
	}
	installed(t)
	t.Setenv("COSIGN_PKCS11_MODULE_PATH", module)
	t.Setenv("COSIGN_PKCS11_PIN", pin)
	for _, tt := range []struct {
		key  string
		hash crypto.Hash
		want string // in the error
	}{
		{"pkcs11://token=gpu;object=p256", crypto.SHA256, ""},
		{"pkcs11://token=gpu;object=p384", crypto.SHA384, ""},
		{"pkcs11://token=gpu;object=rsa", crypto.SHA256, ""},
		{"pkcs11://token=gpu;object=p256?module-path=" + module + "&pin-value=" + pin, crypto.SHA256, ""},
		{"pkcs11://token=gpu;object=none", crypto.SHA256, "the token has no such key"},
		{"pkcs11://token=none;object=p256", crypto.SHA256, "opening the token"},
		{"pkcs11://token=gpu;object=p256?module-path=/none.so", crypto.SHA256, "opening the token"},
		{"pkcs11://token=gpu;object=p256?pin-value=0000", crypto.SHA256, "opening the token"},
		{"pkcs11://token=gpu", crypto.SHA256, "one of object and id must be set"},
	} {
		err := signs(tt.key, tt.hash)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.key, err)
		}
		if err != nil && strings.Contains(err.Error(), "0000") {
			t.Errorf("%s: the error holds the PIN: %v", tt.key, err)
		}
	}
}

func initToken(t *testing.T, module string) {
	t.Helper()
	p := pkcs11.New(module)
	if p == nil {
		t.Fatal("SoftHSM cannot be loaded")
	}
	defer p.Destroy()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(p.Initialize())
	defer p.Finalize()
	slots, err := p.GetSlotList(true)
	check(err)
	check(p.InitToken(slots[0], "5678", "gpu"))
	if slots, err = p.GetSlotList(true); err != nil {
		t.Fatal(err)
	}
	s, err := p.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	check(err)
	check(p.Login(s, pkcs11.CKU_SO, "5678"))
	check(p.InitPIN(s, pin))
	check(p.Logout(s))
	check(p.CloseSession(s))
}

// vault is the transit engine of HashiCorp Vault, with one key.
type vault struct{ key *ecdsa.PrivateKey }

func (v vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data := map[string]any{}
	var in struct {
		Input     string `json:"input"`
		Signature string `json:"signature"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	digest, _ := base64.StdEncoding.DecodeString(in.Input)
	switch {
	case r.Header.Get("X-Vault-Token") != "hunter2":
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors": ["permission denied"]}`))
		return
	case r.URL.Path == "/v1/transit/keys/release":
		der, err := x509.MarshalPKIXPublicKey(v.key.Public())
		if err != nil {
			panic(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		data["keys"] = map[string]any{"1": map[string]any{"public_key": string(text)}}
		data["latest_version"] = 1
	case strings.HasPrefix(r.URL.Path, "/v1/transit/sign/release"):
		sig, err := ecdsa.SignASN1(rand.Reader, v.key, digest)
		if err != nil {
			panic(err)
		}
		data["signature"] = "vault:v1:" + base64.StdEncoding.EncodeToString(sig)
	case strings.HasPrefix(r.URL.Path, "/v1/transit/verify/release"):
		_, text, _ := strings.Cut(in.Signature, "vault:v1:")
		sig, _ := base64.StdEncoding.DecodeString(text)
		data["valid"] = ecdsa.VerifyASN1(&v.key.PublicKey, digest, sig)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"errors": []}`))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

// A key in HashiCorp Vault signs, through sigstore's client of it.
func TestVault(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vault{key})
	defer server.Close()
	installed(t)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "hunter2")
	if err := signs("hashivault://release", crypto.SHA256); err != nil {
		t.Error(err)
	}
	if err := signs("hashivault://none", crypto.SHA256); err == nil {
		t.Error("a key that is not there signs")
	}
	t.Setenv("VAULT_TOKEN", "other")
	if err := signs("hashivault://release", crypto.SHA256); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("without permission: %v", err)
	}
}

// Only eidos and cosign start it, under a name that it knows; a name that it does
// not know would start itself again and again.
func TestRunRefuses(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"eidos-kms"}, "it is started as sigstore-kms-NAME"},
		{[]string{"sigstore-kms-other", "v1", "{}"}, "it is started as sigstore-kms-NAME"},
		{[]string{"sigstore-kms-pkcs11"}, "eidos and cosign start it"},
		{[]string{"sigstore-kms-pkcs11", "v9", "{}"}, "eidos and cosign start it"},
		{[]string{"sigstore-kms-pkcs11", "v1", "{"}, "reading the call"},
		{[]string{"sigstore-kms-pkcs11", "v1", "{}"}, "it names no key"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), tt.args, strings.NewReader(""), &out)
		if err == nil || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
			t.Errorf("%q: %v", tt.args, err)
		}
	}
}
