package sign

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign/env"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// Options are what sign and verify need to know once.
type Options struct {
	// OCI opens registries; its Data directory also holds the user's key.
	OCI oci.Options
	// LookupEnv reads the environment: COSIGN_PASSWORD and EIDOS_KEY. Nil is
	// an empty one.
	LookupEnv func(string) (string, bool)
	// Password asks the user for a key's password. Nil does not ask: the
	// password is then empty.
	Password func(keyFile string) ([]byte, error)
	// Materials returns more of what bundles are made from, for attestations:
	// the pipeline, the program itself. Nil is none.
	Materials func() ([]Material, error)
	// Certified asks eidos-sigstore; nil where there are no certificates. Its log
	// takes what people must read.
	Certified func(ctx context.Context, r certified.Request, log func(string)) (*certified.Answer, error)
	// CUE reads a policy that is written in CUE. Nil refuses them.
	CUE func(name string, data []byte) (*schema.Doc, error)
	// Terminal says that somebody can be asked to open a page of an issuer.
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

// keyFile finds the private key: the parameter, EIDOS_KEY, cosign.key in the
// directory, the user's own. NotFound if there is none.
func (o Options) keyFile(e engine.Env, param string) (string, error) {
	named, _ := o.lookup("EIDOS_KEY")
	for _, p := range []string{param, named} {
		switch {
		case remoteKey(p):
			return p, nil
		case p != "":
			return inDir(e.Dir, p), nil
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

func (k *keyring) signer(ctx context.Context, o Options, e engine.Env, path string) (*signer, error) {
	if remoteKey(path) {
		return remoteSigner(ctx, path)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.keys[path]; s != nil {
		return s, nil
	}
	s, err := o.openKey(e, path)
	if err != nil {
		return nil, err
	}
	if k.keys == nil {
		k.keys = map[string]*signer{}
	}
	k.keys[path] = s
	return s, nil
}

// openKey opens a private key file. The password is asked for only if the file is
// encrypted.
func (o Options) openKey(e engine.Env, path string) (*signer, error) {
	var password []byte
	block, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(block.Type, "ENCRYPTED ") {
		if password, err = o.password(e, path); err != nil {
			return nil, err
		}
	}
	return loadSigner(path, password)
}

// password is the step's secret COSIGN_PASSWORD, else the environment's, else
// what the user says.
func (o Options) password(e engine.Env, path string) ([]byte, error) {
	name := string(env.VariablePassword)
	if e.Secret != nil {
		s, err := e.Secret(name)
		if err == nil {
			return []byte(s), nil
		}
		if schema.CodeOf(err) != schema.NotFound {
			return nil, err
		}
	}
	if s, ok := o.lookup(name); ok || o.Password == nil {
		return []byte(s), nil
	}
	return o.Password(path)
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
