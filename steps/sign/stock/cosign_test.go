package stock

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// place is a pushed bundle in a registry and a key pair in a directory.
type place struct {
	*registry
	t     *testing.T
	env   engine.Env
	opts  sign.Options
	image *schema.Reference
}

func files() map[string]string {
	return map[string]string{
		"Chart.yaml":        "name: x\n",
		"deploy.sh":         "#!/bin/sh\nhelm install\n",
		"templates/a/b.txt": strings.Repeat("kind: ConfigMap\n", 1000),
		"ünïcode.txt":       "utf-8\n",
	}
}

func newPlace(t *testing.T, r *registry) *place {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", r.docker)
	p := &place{registry: r, t: t, env: blobtest.Env(t.TempDir())}
	p.opts = sign.Options{
		OCI:       oci.Options{Data: t.TempDir(), Version: "test"},
		LookupEnv: func(name string) (string, bool) { return secret, name == "COSIGN_PASSWORD" },
	}
	p.push(r.host + "/team/bundle:v1")
	if err := sign.GenerateKey(filepath.Join(p.env.Dir, "cosign.key"), []byte(secret)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) push(to string) {
	p.t.Helper()
	var err error
	p.image, err = p.opts.OCI.Push(p.t.Context(), p.env, blobtest.Bundle(p.env, files()), schema.PushParams{To: to})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) run(k engine.Kind, with map[string]any) (schema.Value, error) {
	p.t.Helper()
	doc, err := schema.FromValue(with, "with")
	if err != nil {
		p.t.Fatal(err)
	}
	params, err := k.Decode(doc)
	if err != nil {
		p.t.Fatal(err)
	}
	return k.Run(p.t.Context(), p.env, params, engine.Inputs{"image": {p.image}})
}

// cosign adds what each version needs to be told to stay offline.
func (p *place) cosign(version, verb, format string, args ...string) (string, error) {
	all := append([]string{verb, "--insecure-ignore-tlog=true"}, args...)
	if format == "bundle" && version == "cosign2" {
		root := filepath.Join(p.env.Dir, "root.json")
		if err := os.WriteFile(root, []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), 0o600); err != nil {
			p.t.Fatal(err)
		}
		all = append(all, "--new-bundle-format", "--trusted-root", root)
	}
	if p.plain {
		all = append(all, "--allow-http-registry")
	}
	return p.tool(p.t, p.env.Dir, version, append(all, p.image.Reference)...)
}

func registries() map[string]func(*testing.T) *registry {
	return map[string]func(*testing.T) *registry{"embedded": inProcess, "docker-registry": debian}
}

func TestCosignVerifies(t *testing.T) {
	for name, start := range registries() {
		for _, format := range []string{"bundle", "legacy"} {
			t.Run(name+"/"+format, func(t *testing.T) {
				p := newPlace(t, start(t))
				if _, err := p.run(sign.Kind(p.opts), map[string]any{"format": format, "attest": true}); err != nil {
					t.Fatal(err)
				}
				if err := sign.GenerateKey(filepath.Join(p.env.Dir, "other.key"), nil); err != nil {
					t.Fatal(err)
				}
				for _, version := range []string{"cosign2", "cosign3"} {
					if out, err := p.cosign(version, "verify", format, "--key", "cosign.pub"); err != nil || !strings.Contains(out, "The cosign claims were validated") {
						t.Errorf("%s verify: %v\n%s", version, err, out)
					}
					out, err := p.cosign(version, "verify-attestation", format, "--key", "cosign.pub", "--type", "slsaprovenance1")
					if err != nil || !strings.Contains(out, "The cosign claims were validated") {
						t.Errorf("%s verify-attestation: %v\n%s", version, err, out)
					}
					if out, err := p.cosign(version, "verify", format, "--key", "other.pub"); err == nil {
						t.Errorf("%s verify with another key passes:\n%s", version, out)
					}
				}
			})
		}
	}
}
