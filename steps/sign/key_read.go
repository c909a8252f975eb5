package sign

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// maxKey is the most bytes a key may have.
const maxKey = 64 << 10

// Hints for who has no key, to sign and to verify.
const (
	ours   = "eidos key generate makes a key pair"
	theirs = "verifying takes the public key of whoever signed"
)

// KeySecret returns the name of the step's secret that a key is in: env://NAME, as cosign
// writes it. A command lists the environment's variable NAME as one; a pipeline, which may
// be somebody else's, gets no more of the environment than its secrets name.
func KeySecret(key string) (name string, ok bool) { return strings.CutPrefix(key, "env://") }

// keyIn is the path of a key that is named in dir, or the address that names it.
func keyIn(dir, key string) string {
	if _, ok := KeySecret(key); ok || remoteKey(key) {
		return key
	}
	return inDir(dir, strings.TrimPrefix(key, "file://"))
}

// readKey reads a key from a file or a secret; hint is for who has none.
func readKey(e engine.Env, key, hint string) (*pem.Block, error) {
	name, ok := KeySecret(key)
	if !ok {
		return readPEM(key, hint)
	}
	if e.Secret == nil {
		return nil, schema.Errorf(schema.NotFound, "the step has no secret %q", name)
	}
	text, err := e.Secret(name)
	if err != nil {
		return nil, err
	}
	if len(text) > maxKey {
		return nil, schema.Errorf(schema.Invalid, "key %q has over %d KiB", key, maxKey>>10)
	}
	return onePEM(key, []byte(text), hint)
}

// verifierOf reads the public key that is named.
func verifierOf(ctx context.Context, e engine.Env, key string) (*verifier, error) {
	if remoteKey(key) {
		return remoteVerifier(ctx, key)
	}
	block, err := readKey(e, key, theirs)
	if err != nil {
		return nil, err
	}
	return publicKey(key, block)
}

// readPEM reads a key file; hint is for who has none.
func readPEM(path, hint string) (*pem.Block, error) {
	f, err := userfile.OpenDocument(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no key %q", path).WithHint("%s", hint)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, schema.Errorf(schema.Unauthorized, "key %q may not be read", path)
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "reading the key: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading key %q: %w", path, err)
	}
	return onePEM(path, data, hint)
}

func onePEM(key string, text []byte, hint string) (*pem.Block, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, schema.Errorf(schema.Invalid, "key %q is not a PEM file", key).WithHint("%s", hint)
	}
	return block, nil
}
