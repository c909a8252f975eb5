package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"github.com/ThalesIgnite/crypto11"
	"github.com/sigstore/cosign/v2/pkg/cosign/env"
	"github.com/sigstore/cosign/v2/pkg/cosign/pkcs11key"
	"github.com/sigstore/sigstore/pkg/signature"
)

// token is a key in a PKCS #11 token.
type token struct {
	key  crypto.Signer
	hash crypto.Hash
}

// openToken finds a key by the attributes of a PKCS #11 URI (RFC 7512) as cosign
// reads them: token or slot-id, object or id. The module is module-path, or
// COSIGN_PKCS11_MODULE_PATH; the PIN is read from COSIGN_PKCS11_PIN.
func openToken(attributes string, hash crypto.Hash) (*token, error) {
	uri := pkcs11key.NewPkcs11UriConfig()
	if err := uri.Parse(pkcs11key.ReferenceScheme + attributes); err != nil {
		return nil, err
	}
	config := &crypto11.Config{Path: uri.ModulePath, Pin: uri.Pin, SlotNumber: uri.SlotID}
	if config.Path == "" {
		config.Path = env.Getenv(env.VariablePKCS11ModulePath)
	}
	if config.Pin == "" {
		config.Pin = env.Getenv(env.VariablePKCS11Pin)
	}
	if uri.SlotID == nil {
		config.TokenLabel = uri.TokenLabel
	}
	module, err := crypto11.Configure(config)
	if err != nil {
		return nil, fmt.Errorf("opening the token: %w", err)
	}
	// An empty one would be searched for, and not left out.
	id, label := uri.KeyID, uri.KeyLabel
	if len(id) == 0 {
		id = nil
	}
	if len(label) == 0 {
		label = nil
	}
	key, err := module.FindKeyPair(id, label)
	if err != nil {
		return nil, fmt.Errorf("looking for the key: %w", err)
	}
	if key == nil {
		return nil, errors.New("the token has no such key")
	}
	return &token{key, hash}, nil
}

func (t *token) digest(message io.Reader) ([]byte, error) {
	h := t.hash.New()
	_, err := io.Copy(h, message)
	return h.Sum(nil), err
}

func (t *token) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	digest, err := t.digest(message)
	if err != nil {
		return nil, err
	}
	return t.key.Sign(rand.Reader, digest, t.hash)
}

func (t *token) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return t.key.Public(), nil
}

func (t *token) VerifySignature(sig, message io.Reader, _ ...signature.VerifyOption) error {
	return verify(t.key.Public(), t.hash, sig, message)
}

func (t *token) CreateKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("keys are made with the tools of the token")
}

func (t *token) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return t.key, t.hash, nil
}

func (t *token) SupportedAlgorithms() []string { return []string{t.DefaultAlgorithm()} }

func (t *token) DefaultAlgorithm() string {
	switch t.key.Public().(type) {
	case *ecdsa.PublicKey:
		return "ecdsa"
	case *rsa.PublicKey:
		return "rsa"
	}
	return "unknown"
}
