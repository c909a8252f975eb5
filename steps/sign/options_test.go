package sign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

func TestKeyIsFound(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{}
	o := Options{
		OCI:       oci.Options{Data: filepath.Join(dir, "data")},
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
	e := engine.Env{Dir: filepath.Join(dir, "work")}
	touch := func(path string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, param, private, public string) {
		t.Helper()
		got, err := o.privateKey(e, param)
		if got != private || (err == nil) == (private == "") {
			t.Errorf("%s: key %q, %v; want %q", what, got, err, private)
		}
		if err != nil && schema.CodeOf(err) != schema.NotFound {
			t.Errorf("%s: %v", what, err)
		}
		if got, err := o.publicKey(e, ""); got != public || (err == nil) == (public == "") {
			t.Errorf("%s: public key %q, %v; want %q", what, got, err, public)
		}
	}
	expect("none", "", "", "")
	touch(o.UserKey())
	touch(PublicPath(o.UserKey()))
	expect("the user's", "", o.UserKey(), PublicPath(o.UserKey()))
	here := filepath.Join(e.Dir, "cosign")
	touch(here + ".key")
	touch(here + ".pub")
	expect("the directory's", "", here+".key", here+".pub")
	env["EIDOS_KEY"] = "named.key" // missing: an error later, not another key
	expect("the environment's, missing", "", filepath.Join(e.Dir, "named.key"), "")
	touch(filepath.Join(e.Dir, "named.pub"))
	expect("the environment's", "", filepath.Join(e.Dir, "named.key"), filepath.Join(e.Dir, "named.pub"))
	expect("the parameter's, as an address", "file:///k", "/k", filepath.Join(e.Dir, "named.pub"))
	expect("a variable", "env://K", "env://K", filepath.Join(e.Dir, "named.pub"))
	expect("a token", "pkcs11:token=a", "pkcs11:token=a", filepath.Join(e.Dir, "named.pub"))
	expect("the parameter's", "/k", "/k", filepath.Join(e.Dir, "named.pub"))
	env["EIDOS_KEY"] = "env://K" // the private half: the public one is elsewhere
	expect("the environment's, a variable", "", "env://K", here+".pub")
	o.OCI.Data, env = "", nil
	if err := os.Remove(here + ".key"); err != nil {
		t.Fatal(err)
	}
	expect("no data directory", "", "", here+".pub")
}

func TestPassword(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "pw"), []byte("file\r\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "two"), []byte("a\nb\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "long"), make([]byte, maxPassword+2), 0o600)); err != nil {
		t.Fatal(err)
	}
	notFound := func(string) (string, error) { return "", schema.Errorf(schema.NotFound, "none") }
	secret := func(string) (string, error) { return "secret", nil }
	set := func(s string) func(string) (string, bool) {
		return func(name string) (string, bool) { return s, name == "COSIGN_PASSWORD" }
	}
	ask := func(context.Context, string) ([]byte, error) { return []byte("asked"), nil }
	for name, tt := range map[string]struct {
		o      Options
		secret func(string) (string, error)
		file   string
		want   string
		found  bool
		code   schema.Code
	}{
		"a file's":            {Options{LookupEnv: set("env"), Password: ask}, secret, "pw", "file", true, ""},
		"a file is missing":   {Options{LookupEnv: set("env")}, secret, "none", "", true, schema.NotFound},
		"a file of two lines": {Options{}, nil, "two", "", true, schema.Invalid},
		"a file too long":     {Options{}, nil, "long", "", true, schema.Invalid},
		"standard input":      {Options{LookupEnv: set("env"), Password: ask}, secret, "-", "asked", true, ""},
		"of a pipeline":       {Options{LookupEnv: set("env")}, secret, "-", "", false, schema.Invalid},
		"the step's":          {Options{LookupEnv: set("env"), Password: ask}, secret, "", "secret", true, ""},
		"the step's fails":    {Options{LookupEnv: set("env")}, func(string) (string, error) { return "", schema.Errorf(schema.Unavailable, "x") }, "", "", false, schema.Unavailable},
		"environment":         {Options{LookupEnv: set("env"), Password: ask}, notFound, "", "env", true, ""},
		"set but empty":       {Options{LookupEnv: set(""), Password: ask}, nil, "", "", true, ""},
		"none":                {Options{Password: ask}, nil, "", "", false, ""},
	} {
		got, found, err := tt.o.password(t.Context(), engine.Env{Dir: dir, Secret: tt.secret}, "k", tt.file)
		if string(got) != tt.want || found != tt.found || schema.CodeOf(err) != tt.code {
			t.Errorf("%s: %q, %v, %v", name, got, found, err)
		}
	}
}

// Somebody is asked for a password once, only where somebody is, and only for a key
// that has one which is nowhere else.
func TestPasswordIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	for name, password := range map[string]string{"with.key": "pw", "without.key": ""} {
		if err := GenerateKey(filepath.Join(dir, name), []byte(password)); err != nil {
			t.Fatal(err)
		}
	}
	empty := func(name string) (string, bool) { return "", name == "COSIGN_PASSWORD" }
	for name, tt := range map[string]struct {
		key      string
		terminal bool
		env      func(string) (string, bool)
		answer   string
		asked    int
		code     schema.Code
	}{
		"a password":             {"with.key", true, nil, "pw", 1, ""},
		"a wrong one":            {"with.key", true, nil, "other", 1, schema.Unauthorized},
		"none is needed":         {"without.key", true, nil, "", 0, ""},
		"one is set, and wrong":  {"with.key", true, empty, "pw", 0, schema.Unauthorized},
		"nobody is at a machine": {"with.key", false, nil, "pw", 0, schema.Unauthorized},
	} {
		asked := 0
		o := Options{Terminal: tt.terminal, LookupEnv: tt.env, Password: func(_ context.Context, key string) ([]byte, error) {
			if asked++; filepath.Base(key) != tt.key {
				t.Errorf("%s: it asked for the password of %s", name, key)
			}
			return []byte(tt.answer), nil
		}}
		_, err := (&keyring{}).signer(t.Context(), o, engine.Env{}, filepath.Join(dir, tt.key), "")
		if asked != tt.asked || schema.CodeOf(err) != tt.code {
			t.Errorf("%s: asked %d times, %v", name, asked, err)
		}
	}
}

func TestGenerateMissingKey(t *testing.T) {
	var told []string
	w := &writer{Options: Options{OCI: oci.Options{Data: t.TempDir()}}}
	w.LookupEnv = func(name string) (string, bool) { return "hunter2", name == "COSIGN_PASSWORD" }
	e := engine.Env{Dir: t.TempDir(), Log: func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }}
	if _, err := w.signer(t.Context(), e, schema.SignParams{}); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("without being asked to: %v", err)
	}
	for range 2 {
		if _, err := w.signer(t.Context(), e, schema.SignParams{GenerateKey: true}); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], w.UserKey()) || strings.Contains(told[0], "hunter2") {
		t.Errorf("it told %q", told)
	}
}
