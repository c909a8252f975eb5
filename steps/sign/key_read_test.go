package sign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

func TestKeyInSecret(t *testing.T) {
	dir := t.TempDir()
	if err := GenerateKey(filepath.Join(dir, "k.key"), []byte("pw")); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	secrets := map[string]string{
		"KEY": read("k.key"), "PUB": read("k.pub"), "TEXT": "hello", "LONG": strings.Repeat("x", maxKey+1), "COSIGN_PASSWORD": "pw",
	}
	step := engine.Env{Secret: func(name string) (string, error) {
		if v, ok := secrets[name]; ok {
			return v, nil
		}
		return "", schema.Errorf(schema.NotFound, "no secret %q", name)
	}}
	environment := Options{LookupEnv: func(name string) (string, bool) { return secrets["KEY"], name == "OTHER" }}
	s, err := (&keyring{}).signer(t.Context(), Options{}, step, "env://KEY", "")
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifierOf(t.Context(), step, "env://PUB")
	if err != nil || v.id != s.keyID {
		t.Fatalf("the halves do not fit: %v", err)
	}
	for name, tt := range map[string]struct {
		key  string
		code schema.Code
		want string
	}{
		"not listed":         {"env://NONE", schema.NotFound, `no secret "NONE"`},
		"no name":            {"env://", schema.NotFound, `no secret ""`},
		"of the environment": {"env://OTHER", schema.NotFound, `no secret "OTHER"`},
		"other text":         {"env://TEXT", schema.Invalid, `key "env://TEXT" is not a PEM file`},
		"too long":           {"env://LONG", schema.Invalid, `key "env://LONG" has over 64 KiB`},
		"the public half":    {"env://PUB", schema.Invalid, `key "env://PUB" has a PEM block "public key", not a private key`},
	} {
		_, err := (&keyring{}).signer(t.Context(), environment, step, tt.key, "")
		if schema.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := verifierOf(t.Context(), step, "env://KEY"); schema.CodeOf(err) != schema.Invalid || strings.Contains(err.Error(), ".pub") {
		t.Errorf("the private half: %v", err)
	}
	if _, err := verifierOf(t.Context(), engine.Env{}, "env://KEY"); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("of a step without secrets: %v", err)
	}
}

// A secret of two pipelines, and a file that is replaced, are two keys.
func TestKeysAreKeptByContent(t *testing.T) {
	dir, keys := t.TempDir(), &keyring{}
	var ids [2]schema.Digest
	for i := range ids {
		path := filepath.Join(dir, "same.key")
		if err := GenerateKey(path, nil); err != nil {
			t.Fatal(err)
		}
		s, err := keys.signer(t.Context(), Options{}, engine.Env{}, path, "")
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = s.keyID
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(PublicPath(path)); err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] == ids[1] {
		t.Error("a key that was replaced still signs")
	}
}
