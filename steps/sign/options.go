package sign

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign/env"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// maxPassword is the most bytes of a password.
const maxPassword = 4 << 10

// Options are what sign and verify need to know once.
type Options struct {
	// OCI opens registries; its Data directory also holds the user's key.
	OCI oci.Options
	// LookupEnv reads the environment: COSIGN_PASSWORD and EIDOS_KEY. Nil is
	// an empty one.
	LookupEnv func(string) (string, bool)
	// Password reads a key's password from standard input, at a terminal from
	// whoever sits there. Nil is where nobody can be asked.
	Password func(ctx context.Context, keyFile string) ([]byte, error)
	// Materials returns more of what bundles are made from, for attestations:
	// the pipeline, the program itself. Nil is none.
	Materials func() ([]Material, error)
	// Certified asks eidos-sigstore; nil where there are no certificates. Its log
	// takes what people must read.
	Certified func(ctx context.Context, r certified.Request, log func(string)) (*certified.Answer, error)
	// CUE reads a policy that is written in CUE. Nil refuses them.
	CUE func(name string, data []byte) (*schema.Doc, error)
	// Terminal says that somebody can be asked: to open a page of an issuer, or
	// for a password that nothing else has.
	Terminal bool
	// Product is the name of the machine that its vendor gave it; nil is none.
	Product func() string
	// Now is the time that ages are measured at. Nil is the clock's.
	Now func() time.Time
}

func (o Options) lookup(name string) (string, bool) {
	if o.LookupEnv == nil {
		return "", false
	}
	v, ok := o.LookupEnv(name)
	if !ok {
		return "", false
	}
	return v, true
}

// UserKey is where the user's own private key lies; "" if there is no data
// directory.
func (o Options) UserKey() string {
	if o.OCI.Data == "" {
		return ""
	}
	return filepath.Join(o.OCI.Data, "keys", "cosign.key")
}

// trustFile is where eidos trust init stores a file; "" if there is no data
// directory.
func (o Options) trustFile(name string) string {
	if o.OCI.Data == "" {
		return ""
	}
	return filepath.Join(o.OCI.Data, "trust", name)
}

// privateKey finds the private key: the parameter, EIDOS_KEY, cosign.key in the
// directory, the user's own. It is a path, or an address. NotFound if there is none.
func (o Options) privateKey(e engine.Env, param string) (string, error) {
	named, _ := o.lookup("EIDOS_KEY")
	for _, p := range []string{param, named} {
		if p != "" {
			return keyIn(e.Dir, p), nil
		}
	}
	here := filepath.Join(e.Dir, "cosign.key")
	for _, p := range []string{here, o.UserKey()} {
		if p == "" {
			continue
		}
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return p, nil
		}
	}
	return "", schema.Errorf(schema.NotFound, "there is no key to sign with").
		WithHint("eidos key generate makes one in %s; or name one with %s or EIDOS_KEY", o.UserKey(), schema.Parameter("key"))
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// keyring decrypts each key once: that costs 0.2 s and 64 MiB.
type keyring struct {
	mu   sync.Mutex
	keys map[string]*signer
}

func (k *keyring) signer(ctx context.Context, o Options, e engine.Env, path, passwordFile string) (*signer, error) {
	if remoteKey(path) {
		if passwordFile != "" {
			return nil, schema.Errorf(schema.Invalid, "key %q is not a file: it has no password", path).At("", "passwordFile")
		}
		return remoteSigner(ctx, path)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	block, err := readKey(e, path, ours)
	if err != nil {
		return nil, err
	}
	opened := string(schema.DigestOf(block.Bytes)) + passwordFile
	if s := k.keys[opened]; s != nil {
		return s, nil
	}
	s, err := o.openKey(ctx, e, path, block, passwordFile)
	if err != nil {
		return nil, err
	}
	if k.keys == nil {
		k.keys = map[string]*signer{}
	}
	k.keys[opened] = s
	return s, nil
}

// openKey opens a private key. A password is looked for only if the key is
// encrypted; somebody is asked for it only if it is nowhere, and not empty.
func (o Options) openKey(ctx context.Context, e engine.Env, path string, block *pem.Block, passwordFile string) (*signer, error) {
	if !strings.HasPrefix(block.Type, "ENCRYPTED ") {
		return signerOf(path, block, nil)
	}
	password, found, err := o.password(ctx, e, path, passwordFile)
	if err != nil {
		return nil, err
	}
	s, err := signerOf(path, block, password)
	if found || schema.CodeOf(err) != schema.Unauthorized || !o.Terminal || o.Password == nil {
		return s, err
	}
	if password, err = o.Password(ctx, path); err != nil {
		return nil, err
	}
	return signerOf(path, block, password)
}

// password is what the file has that the step names, else the step's secret
// COSIGN_PASSWORD, else the environment's; found is false if there is none of these.
func (o Options) password(ctx context.Context, e engine.Env, path, file string) (password []byte, found bool, err error) {
	switch {
	case file == "-" && o.Password == nil:
		return nil, false, schema.Errorf(schema.Invalid, "a step of a pipeline does not read a password from standard input").At("", "passwordFile").
			WithHint("name a file, or give the step the secret COSIGN_PASSWORD")
	case file == "-":
		password, err = o.Password(ctx, path)
		return password, true, err
	case file != "":
		password, err = readPassword(e.Dir, file)
		return password, true, err
	}
	name := string(env.VariablePassword)
	if e.Secret != nil {
		s, err := e.Secret(name)
		if err == nil {
			return []byte(s), true, nil
		}
		if schema.CodeOf(err) != schema.NotFound {
			return nil, false, err
		}
	}
	s, found := o.lookup(name)
	return []byte(s), found, nil
}

// readPassword reads a file that has a password and at most one line end after it.
func readPassword(dir, file string) ([]byte, error) {
	f, err := userfile.OpenDocument(inDir(dir, file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, schema.Errorf(schema.NotFound, "no file %q", file).At("", "passwordFile")
	case err != nil:
		return nil, schema.Errorf(schema.CodeOf(err), "reading the password file: %w", err)
	}
	defer f.Close()
	password, err := ReadPassword(f)
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "%q: %w", file, err)
	}
	return password, nil
}

// ReadPassword reads a password to the end of r: all but one line end after it.
// Invalid if that is more than a line.
func ReadPassword(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPassword+1))
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading a password: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) > maxPassword || bytes.ContainsAny(data, "\n\x00") {
		return nil, schema.Errorf(schema.Invalid, "reading a password: it is not one line of at most %d bytes", maxPassword)
	}
	return data, nil
}

// repository opens what a reference names, which must be a digest.
func (o Options) repository(e engine.Env, ref *schema.Reference, a oci.Access) (*oci.Repository, error) {
	l, err := oci.ParseLocation(ref.Reference)
	if err != nil {
		return nil, err
	}
	if l.Digest == "" {
		l.Digest = ref.Digest
	}
	if l.Digest != ref.Digest {
		return nil, schema.Errorf(schema.Invalid, "reference %q is not the digest %s beside it", ref.Reference, ref.Digest)
	}
	return o.OCI.Open(l, e.Dir, a)
}

// serial lets one at a time write to a repository: without the referrers API,
// parallel writers lose each other's entries.
type serial struct {
	mu    sync.Mutex
	locks map[string]chan struct{}
}

func (s *serial) lock(ctx context.Context, name string) (unlock func(), err error) {
	s.mu.Lock()
	if s.locks == nil {
		s.locks = map[string]chan struct{}{}
	}
	c := s.locks[name]
	if c == nil {
		c = make(chan struct{}, 1)
		s.locks[name] = c
	}
	s.mu.Unlock()
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
