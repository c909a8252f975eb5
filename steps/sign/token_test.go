package sign

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

func TestToken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer hunter2":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Query().Get("audience") == "sigstore" && r.URL.Query().Get("api-version") == "2":
			_, _ = w.Write([]byte(`{"value": "from GitHub"}`))
		}
	}))
	defer github.Close()
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" || r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/identity" ||
			r.URL.Query().Get("audience") != "sigstore" || r.URL.Query().Get("format") != "full" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte("from Google\n"))
	}))
	defer google.Close()
	metadata := map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(google.URL, "http://")}
	secret := func(name string) (string, error) {
		if name == "SIGSTORE_ID_TOKEN" {
			return "from the step", nil
		}
		return "", schema.Errorf(schema.NotFound, "none")
	}
	actions := map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": github.URL + "/?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hunter2"}
	for _, tt := range []struct {
		name   string
		env    map[string]string
		secret func(string) (string, error)
		p      schema.SignParams
		want   string
		code   schema.Code
	}{
		{"a file", map[string]string{"SIGSTORE_ID_TOKEN": "x"}, secret, schema.SignParams{IdentityToken: "token"}, "from a file", ""},
		{"a file that is not there", nil, nil, schema.SignParams{IdentityToken: "none"}, "", schema.NotFound},
		{"the step's secret", map[string]string{"SIGSTORE_ID_TOKEN": "x"}, secret, schema.SignParams{}, "from the step", ""},
		{"the environment, as GitLab sets it", map[string]string{"SIGSTORE_ID_TOKEN": "from GitLab"}, nil, schema.SignParams{OidcIssuer: "i"}, "from GitLab", ""},
		{"the device flow before GitHub's", actions, nil, schema.SignParams{OidcIssuer: "https://issuer"}, "", ""},
		{"GitHub Actions", actions, nil, schema.SignParams{}, "from GitHub", ""},
		{"GitHub Actions, without the permission", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": github.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "other"}, nil, schema.SignParams{}, "", schema.Unauthorized},
		{"Google Cloud", metadata, nil, schema.SignParams{}, "from Google", ""},
		{"Google Cloud, without a service account", map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(github.URL, "http://")}, nil, schema.SignParams{}, "", schema.Unauthorized},
		{"SPIFFE, by eidos-sigstore, before the machine's", map[string]string{"GCE_METADATA_HOST": metadata["GCE_METADATA_HOST"], "SPIFFE_ENDPOINT_SOCKET": "unix:///s"}, nil, schema.SignParams{}, "", ""},
		{"no browser, and the issuer of the signing configuration", nil, nil, schema.SignParams{NoBrowser: true}, "", ""},
		{"none", nil, nil, schema.SignParams{}, "", schema.Unauthorized},
	} {
		o := Options{LookupEnv: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }}
		got, err := o.token(t.Context(), engine.Env{Dir: dir, Secret: tt.secret}, tt.p)
		if got != tt.want || schema.CodeOf(err) != tt.code {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds a secret: %v", tt.name, err)
		}
	}
}

// Only a machine of Google's has its metadata server, and only who sits at a
// terminal is asked.
func TestTokenOfMachine(t *testing.T) {
	for product, want := range map[string]string{"Google Compute Engine": "metadata.google.internal", "Google": "metadata.google.internal", "KVM": "", "": ""} {
		o := Options{Product: func() string { return product }}
		if got := o.googleMetadata(); got != want {
			t.Errorf("%q: %q", product, got)
		}
	}
	if got, err := (Options{Terminal: true}).token(t.Context(), engine.Env{}, schema.SignParams{}); got != "" || err != nil {
		t.Errorf("at a terminal: %q, %v", got, err)
	}
}

// A key and an identity do not sign together, and a certificate writes no tags.
func TestCertifiedSignerRefuses(t *testing.T) {
	for name, p := range map[string]schema.SignParams{
		"a key":      {Key: "cosign.key"},
		"a new key":  {GenerateKey: true},
		"legacy":     {Format: "legacy"},
		"no program": {},
	} {
		if _, err := (Options{}).certifiedSigner(t.Context(), engine.Env{}, p); schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
