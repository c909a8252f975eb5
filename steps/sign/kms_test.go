package sign_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"

	"github.com/NVIDIA/eidos/schema"
)

// service is a key management service of one key.
type service struct {
	signature.SignerVerifier
	key crypto.Signer
}

func (s service) CreateKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("it makes no keys")
}

func (s service) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return s.key, nil, nil
}
func (s service) SupportedAlgorithms() []string { return []string{"ecdsa"} }
func (s service) DefaultAlgorithm() string      { return "ecdsa" }

// plugin is the program on the path that sigstore's protocol asks for: this test,
// under another name. The key is in the directory of the plugin.
func plugin() int {
	args, err := handler.GetPluginArgs(os.Args)
	if err == nil {
		var s service
		if s, err = openService(args); err == nil {
			_, err = handler.Dispatch(os.Stdout, os.Stdin, args, s)
		} else {
			err = handler.WriteErrorResponse(os.Stdout, err)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func openService(args *common.PluginArgs) (service, error) {
	name := args.InitOptions.KeyResourceID
	data, err := os.ReadFile(filepath.Join(os.Getenv("EIDOS_TEST_KMS"), name+".key"))
	if err != nil {
		return service{}, errors.New("there is no such key")
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return service{}, err
	}
	if name == "pss" {
		sv, err := signature.LoadRSAPSSSignerVerifier(key.(*rsa.PrivateKey), args.InitOptions.HashFunc, nil)
		return service{sv, key.(crypto.Signer)}, err
	}
	sv, err := signature.LoadSignerVerifier(key, args.InitOptions.HashFunc)
	return service{sv, key.(crypto.Signer)}, err
}

// A key that never leaves its service signs, through the plugin protocol, and
// nothing is found where there is no plugin.
func TestKeyInService(t *testing.T) {
	o := newOffice(t)
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "sigstore-kms-eidostest")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("EIDOS_TEST_KMS", o.env.Dir)
	if _, err := o.sign(map[string]any{"key": "eidostest://alice"}); err != nil {
		t.Fatal(err)
	}
	for name, with := range map[string]map[string]any{
		"the public key in a file": {"key": "alice.pub"},
		"the service's":            {"key": "eidostest://alice"},
		"in a policy":              {"policy": o.file("policy.yaml", strings.Replace(people, "alice.pub", "eidostest://alice", 1))},
	} {
		if v, err := o.verify(with); err != nil || !v.Verified {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	if _, err := o.verify(map[string]any{"key": "eidostest://bob"}); schema.CodeOf(err) != schema.Unsatisfied {
		t.Errorf("another key of the service: %v", err)
	}
	// What nobody could verify is not attached.
	scheme, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(scheme)
	if err != nil {
		t.Fatal(err)
	}
	o.file("pss.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if _, err := o.sign(map[string]any{"key": "eidostest://pss"}); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "does not verify with its public key") {
		t.Errorf("a key for another scheme: %v", err)
	}
	if _, err := o.sign(map[string]any{"key": "eidostest://carol"}); err == nil || !strings.Contains(err.Error(), `opening key "eidostest://carol"`) {
		t.Errorf("a key that is not there: %v", err)
	}
	if _, err := o.sign(map[string]any{"key": "nothing://alice"}); schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), "sigstore-kms-nothing") {
		t.Errorf("a service without a plugin: %v", err)
	}
	// cosign writes the address of a token without slashes, and reads some keys by itself.
	for key, want := range map[string]string{
		"pkcs11:token=gpu;object=k?pin-value=0412": `key "pkcs11://token=gpu;object=k?pin-value=(looks like a key or token, not shown)" needs the program sigstore-kms-pkcs11`,
		"k8s://trust/cosign":                       "kubectl get secret",
		"https://example.com/cosign.key":           "download it",
		"gitlab://group/project":                   "env://VARIABLE",
	} {
		_, err := o.sign(map[string]any{"key": key})
		if schema.CodeOf(err) != schema.NotFound || !strings.Contains(fmt.Sprint(err, schema.HintOf(err)), want) || strings.Contains(err.Error(), "0412") {
			t.Errorf("%s: %v", key, err)
		}
	}
	// The first word becomes a program's name: one with a slash is a path.
	if _, err := o.sign(map[string]any{"key": "../bin/x://alice"}); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("a path: %v", err)
	}
}
