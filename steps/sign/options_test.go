package sign

import (
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
		got, err := o.keyFile(e, param)
		if got != private || (err == nil) == (private == "") {
			t.Errorf("%s: key %q, %v; want %q", what, got, err, private)
		}
		if err != nil && schema.CodeOf(err) != schema.NotFound {
			t.Errorf("%s: %v", what, err)
		}
		if got, err := o.publicKeyFile(e, ""); got != public || (err == nil) == (public == "") {
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
	expect("the parameter's", "/k", "/k", filepath.Join(e.Dir, "named.pub"))
	o.OCI.Data, env = "", nil
	if err := os.Remove(here + ".key"); err != nil {
		t.Fatal(err)
	}
	expect("no data directory", "", "", here+".pub")
}

func TestPassword(t *testing.T) {
	notFound := func(string) (string, error) { return "", schema.Errorf(schema.NotFound, "none") }
	said := func(s string) func(string) (string, bool) {
		return func(name string) (string, bool) { return s, name == "COSIGN_PASSWORD" }
	}
	ask := func(string) ([]byte, error) { return []byte("asked"), nil }
	for name, tt := range map[string]struct {
		o      Options
		secret func(string) (string, error)
		want   string
		code   schema.Code
	}{
		"the step's":       {Options{LookupEnv: said("env"), Password: ask}, func(string) (string, error) { return "secret", nil }, "secret", ""},
		"the step's fails": {Options{LookupEnv: said("env")}, func(string) (string, error) { return "", schema.Errorf(schema.Unavailable, "x") }, "", schema.Unavailable},
		"environment":      {Options{LookupEnv: said("env"), Password: ask}, notFound, "env", ""},
		"set but empty":    {Options{LookupEnv: said(""), Password: ask}, nil, "", ""},
		"asked for":        {Options{Password: ask}, nil, "asked", ""},
		"none":             {Options{}, nil, "", ""},
	} {
		got, err := tt.o.password(engine.Env{Secret: tt.secret}, "k")
		if string(got) != tt.want || schema.CodeOf(err) != tt.code {
			t.Errorf("%s: %q, %v", name, got, err)
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
