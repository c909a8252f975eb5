package sign

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"os/exec"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// remoteKey reports whether a key is named by the address of a key management
// service or a token, awskms:///…, pkcs11://… or pkcs11:…, and not by a path or a
// secret.
func remoteKey(key string) bool {
	_, secret := KeySecret(key)
	return serviceKey.MatchString(key) && !secret && !strings.HasPrefix(key, "file://")
}

// serviceKey has no slash in its first word, which becomes a program's name. The URI of
// a token has no slashes at all in RFC 7512.
var serviceKey = pattern.New(`^(?:[a-z0-9][a-z0-9-]*://|pkcs11:)`)

// remoteSigner opens a key that never leaves a key management service or a
// token. A program sigstore-kms-NAME on the path talks to it, by the plugin
// protocol that sigstore defines: eidos links no client of any of them.
// NotFound if there is no such program.
func remoteSigner(ctx context.Context, key string) (*signer, error) {
	sv, public, err := openRemote(ctx, key)
	if err != nil {
		return nil, err
	}
	v, err := newVerifier(key, public)
	if err != nil {
		return nil, err
	}
	return &signer{public: public, keyID: v.id, sign: func(message []byte) ([]byte, error) {
		sig, err := sv.SignMessage(bytes.NewReader(message), options.WithContext(ctx))
		if err != nil {
			return nil, schema.Errorf(schema.Unavailable, "signing with key %q: %w", key, err)
		}
		// A public key does not show which scheme a service signs by.
		if !v.verify(message, sig) {
			return nil, schema.Errorf(schema.Invalid, "signing with key %q: its signature does not verify with its public key", key).
				WithHint("the key may be for another scheme: use an ECDSA key, Ed25519, or RSA with PKCS #1 v1.5 and SHA-256")
		}
		return sig, nil
	}}, nil
}

// remoteVerifier asks for the public key, and verifies here.
func remoteVerifier(ctx context.Context, key string) (*verifier, error) {
	_, public, err := openRemote(ctx, key)
	if err != nil {
		return nil, err
	}
	return newVerifier(key, public)
}

func openRemote(ctx context.Context, key string) (signature.Signer, crypto.PublicKey, error) {
	if attributes, ok := strings.CutPrefix(key, "pkcs11:"); ok && !strings.HasPrefix(attributes, "//") {
		key = "pkcs11://" + attributes // by which plugins are found
	}
	name, _, _ := strings.Cut(key, "://")
	sv, err := kms.Get(ctx, key, crypto.SHA256)
	var none *kms.ProviderNotFoundError
	if errors.As(err, &none) || errors.Is(err, exec.ErrNotFound) {
		return nil, nil, schema.Errorf(schema.NotFound, "key %q needs the program sigstore-kms-%s, which is not on the path", key, name).
			WithHint("%s", withoutPlugin(name))
	}
	if err != nil {
		return nil, nil, schema.Errorf(schema.Unavailable, "opening key %q: %w", key, err)
	}
	public, err := sv.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, nil, schema.Errorf(schema.Unavailable, "opening key %q: its public key: %w", key, err)
	}
	hash, err := hashFor(key, public)
	if err != nil {
		return nil, nil, err
	}
	if hash == crypto.SHA256 {
		return sv, public, nil
	}
	// The digest that is signed is made by the plugin, with the hash it is given.
	if hash == 0 {
		hash = crypto.SHA512
	}
	if sv, err = kms.Get(ctx, key, hash); err != nil {
		return nil, nil, schema.Errorf(schema.Unavailable, "opening key %q: %w", key, err)
	}
	return sv, public, nil
}

// withoutPlugin is what to do about a key at an address that no plugin is for. cosign
// reads some of these by itself.
func withoutPlugin(name string) string {
	switch name {
	case "k8s":
		return `kubectl get secret -n NAMESPACE NAME -o jsonpath='{.data.cosign\.key}' | base64 -d writes it to a file; a pipeline lists it under secrets, with kubernetes: NAMESPACE/NAME/cosign.key, and names it env://SECRET`
	case "github", "gitlab":
		return "let the workflow put it in a variable, and name it env://VARIABLE"
	case "http", "https":
		return "download it, look at it, and name the file"
	}
	return "install the plugin for this service: eidos-kms is it for awskms, azurekms, gcpkms, hashivault and pkcs11; a key in a file is named by its path alone, one in a variable env://VARIABLE"
}
