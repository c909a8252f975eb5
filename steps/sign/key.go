package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// PEM types of cosign's key files: what it writes, and what it wrote before.
const (
	privateType    = "ENCRYPTED SIGSTORE PRIVATE KEY"
	privateTypeOld = "ENCRYPTED COSIGN PRIVATE KEY"
	publicType     = "PUBLIC KEY"
)

// PublicPath is where the public key of the private key at path lies.
func PublicPath(path string) string { return strings.TrimSuffix(path, ".key") + ".pub" }

// GenerateKey makes a key pair in cosign's format: the private key at path,
// encrypted with password, readable by its owner only, and the public key
// beside it as PublicPath says. It replaces neither: Invalid if one is there.
func GenerateKey(path string, password []byte) error {
	for _, p := range []string{path, PublicPath(path)} {
		if _, err := os.Lstat(p); err == nil {
			return schema.Errorf(schema.Invalid, "key %q is there already", p).
				WithHint("name another file, or remove both %s and %s if nothing was signed with them", path, PublicPath(path))
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	sealed, err := encrypted.Encrypt(der, password)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	// The public key first: a private key whose public half is lost is worse
	// than the other way round.
	if err := writePEM(PublicPath(path), 0o666, publicType, public); err != nil {
		return err
	}
	if err := writePEM(path, 0o600, privateType, sealed); err != nil {
		return errors.Join(err, os.Remove(PublicPath(path)))
	}
	return nil
}

func writePEM(path string, perm fs.FileMode, kind string, der []byte) error {
	return replace.File(path, perm, func(w io.Writer) error {
		return pem.Encode(w, &pem.Block{Type: kind, Bytes: der})
	})
}

// signer signs with a private key, which may be on another machine.
type signer struct {
	public crypto.PublicKey
	sign   func(message []byte) ([]byte, error)
	// sealed signs a statement with a certificate instead, and returns the bundle;
	// public and sign are then nil.
	sealed func(statement []byte) ([]byte, error)
	keyID  schema.Digest // of the key that signed last, or will
}

// signerOf signs with the private key in a PEM block: cosign's, which is decrypted, or
// PKCS #8, SEC 1 and PKCS #1. Unauthorized if the password is wrong, Invalid if the block
// is another; path is for messages.
func signerOf(path string, block *pem.Block, password []byte) (*signer, error) {
	var key any
	var err error
	switch block.Type {
	case privateType, privateTypeOld:
		der, derr := encrypted.Decrypt(block.Bytes, password)
		if derr != nil {
			return nil, schema.Errorf(schema.Unauthorized, "key %q: the password is wrong or the file is damaged", path).
				WithHint("the password that the key was made with is in the file of %s, or in COSIGN_PASSWORD", schema.Parameter("passwordFile"))
		}
		key, err = x509.ParsePKCS8PrivateKey(der)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		e := schema.Errorf(schema.Invalid, "key %q has a PEM block %q, not a private key of cosign's or PKCS #8", path, strings.ToLower(block.Type))
		switch block.Type {
		case publicType:
			if _, ok := KeySecret(path); ok {
				return nil, e.WithHint("signing takes the private key")
			}
			return nil, e.WithHint("signing takes the private key: %s", strings.TrimSuffix(path, ".pub")+".key")
		case "ENCRYPTED PRIVATE KEY":
			return nil, e.WithHint("cosign import-key-pair converts it")
		}
		return nil, e.WithHint("eidos key generate makes one")
	}
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "key %q: %w", path, err)
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "key %q: a %T cannot sign", path, key)
	}
	return localSigner(path, s)
}

// localSigner signs with a key in memory. The same key and message give the same
// signature, also with ECDSA.
func localSigner(path string, key crypto.Signer) (*signer, error) {
	hash, err := hashFor(path, key.Public())
	if err != nil {
		return nil, err
	}
	v, err := newVerifier(path, key.Public())
	if err != nil {
		return nil, err
	}
	return &signer{public: key.Public(), keyID: v.id, sign: func(message []byte) ([]byte, error) {
		if hash != 0 {
			h := hash.New()
			h.Write(message)
			message = h.Sum(nil)
		}
		return key.Sign(nil, message, hash)
	}}, nil
}

// verifier checks signatures with a public key.
type verifier struct {
	key  crypto.PublicKey
	hash crypto.Hash
	id   schema.Digest
	der  []byte
}

// publicKey is the verifier in a PEM block; name is for messages.
func publicKey(path string, block *pem.Block) (*verifier, error) {
	if block.Type != publicType {
		e := schema.Errorf(schema.Invalid, "key %q has a PEM block %q, not a public key", path, strings.ToLower(block.Type))
		if _, ok := KeySecret(path); ok {
			return nil, e.WithHint("%s", theirs)
		}
		return nil, e.WithHint("verifying takes the public key: %s", PublicPath(path))
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "key %q: %w", path, err)
	}
	return newVerifier(path, key)
}

func newVerifier(path string, key crypto.PublicKey) (*verifier, error) {
	hash, err := hashFor(path, key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return &verifier{key, hash, schema.DigestOf(der), der}, nil
}

// verify says whether sig is this key's signature of data.
func (v *verifier) verify(data, sig []byte) bool {
	if key, ok := v.key.(ed25519.PublicKey); ok {
		return ed25519.Verify(key, data, sig)
	}
	h := v.hash.New()
	h.Write(data)
	switch key := v.key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, h.Sum(nil), sig)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, v.hash, h.Sum(nil), sig) == nil
	}
	return false
}

// hint is how a Sigstore bundle names the key.
func (v *verifier) hint() string {
	raw, err := hex.DecodeString(strings.TrimPrefix(string(v.id), "sha256:"))
	if err != nil {
		panic("BUG: a key id that is not a digest")
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// hashFor is the hash that cosign uses with a key; 0 for Ed25519, which signs the
// message itself.
func hashFor(path string, key crypto.PublicKey) (crypto.Hash, error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return crypto.SHA256, nil
		case elliptic.P384():
			return crypto.SHA384, nil
		case elliptic.P521():
			return crypto.SHA512, nil
		}
	case ed25519.PublicKey:
		return 0, nil
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 {
			return crypto.SHA256, nil
		}
		return 0, schema.Errorf(schema.Invalid, "key %q: an RSA key of %d bits is too short", path, key.N.BitLen())
	}
	return 0, schema.Errorf(schema.Invalid, "key %q: keys of this type are not supported", path).
		WithHint("use an ECDSA key, as eidos key generate makes them, Ed25519 or RSA")
}
