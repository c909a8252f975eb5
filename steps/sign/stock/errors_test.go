package stock

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

func TestPushErrors(t *testing.T) {
	r := debian(t)
	tls := httptest.NewTLSServer(oci.Handler(t.TempDir()))
	defer tls.Close()
	for _, tt := range []struct {
		name   string
		config string
		with   schema.PushParams
		code   schema.Code
		want   string
	}{
		{"wrong password", dockerConfig(t, r.host, "wrong"), schema.PushParams{}, schema.Unauthorized, "takes no credentials we have"},
		{"no password", t.TempDir(), schema.PushParams{}, schema.Unauthorized, "takes no credentials we have"},
		{"unknown authority", r.docker, schema.PushParams{To: strings.TrimPrefix(tls.URL, "https://") + "/x:v1"}, schema.Failed, "certificate is not trusted"},
		{"any authority", r.docker, schema.PushParams{To: strings.TrimPrefix(tls.URL, "https://") + "/x:v1", InsecureTLS: true}, "", ""},
		{"no host", r.docker, schema.PushParams{To: "registry.invalid/x:v1"}, schema.Unavailable, `no host "registry.invalid"`},
		{"right password", r.docker, schema.PushParams{}, "", ""},
		{"down", r.docker, schema.PushParams{}, schema.Unavailable, "nothing answers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", tt.config)
			if tt.with.To == "" {
				tt.with.To = r.host + "/team/x:v1"
			}
			if tt.name == "down" {
				r.stop()
			}
			env := blobtest.Env(t.TempDir())
			_, err := oci.Options{}.Push(t.Context(), env, blobtest.Bundle(env, files()), tt.with)
			if schema.CodeOf(err) != tt.code || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v (%s), want %q (%s)", err, schema.CodeOf(err), tt.want, tt.code)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

// Credential helpers are programs on PATH that the Docker configuration names.
func TestCredentialHelper(t *testing.T) {
	r := debian(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), `{"credHelpers":{"`+r.host+`":"eidostest"}}`)
	helper := filepath.Join(dir, "docker-credential-eidostest")
	write(t, helper, "#!/bin/sh\necho '{\"ServerURL\":\"x\",\"Username\":\""+user+"\",\"Secret\":\""+secret+"\"}'\n")
	if err := os.Chmod(helper, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_CONFIG", dir)
	env := blobtest.Env(t.TempDir())
	if _, err := (oci.Options{}).Push(t.Context(), env, blobtest.Bundle(env, files()), schema.PushParams{To: r.host + "/team/x:v1"}); err != nil {
		t.Error(err)
	}
}
