package stock

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/internal/oidctest"
	"github.com/NVIDIA/eidos/steps/sign"
	"github.com/NVIDIA/eidos/steps/sign/certified"
	"github.com/NVIDIA/eidos/steps/sign/keyless"
)

// sigstore is a running private Sigstore and a directory for its files.
type sigstore struct {
	t      *testing.T
	env    engine.Env
	issuer *oidctest.Issuer
	// actions is GitHub's issuer for workflows, as Fulcio reaches it over proxy.
	actions *oidctest.Issuer
	proxy   string
	stop    func()
}

func (s *sigstore) path(name string) string { return filepath.Join(s.env.Dir, name) }

func (s *sigstore) options() sign.Options {
	return sign.Options{Certified: func(ctx context.Context, r certified.Request, _ func(string)) (*certified.Answer, error) {
		return keyless.Answer(ctx, r)
	}}
}

func (s *sigstore) cosign(tool string, args ...string) (string, error) {
	c := exec.Command(script(s.t, "tool", tool), args...)
	c.Dir = s.env.Dir
	c.Env = append(os.Environ(), "HOME="+s.env.Dir, "TUF_ROOT="+s.path("tuf"))
	out, err := c.CombinedOutput()
	return string(out), err
}

func startSigstore(t *testing.T) *sigstore {
	t.Helper()
	s := &sigstore{t: t, env: blobtest.Env(t.TempDir())}
	var err error
	if s.issuer, err = oidctest.New(issuerURL, somebody); err != nil {
		t.Fatal(err)
	}
	issuer := &http.Server{Addr: "127.0.0.1:5556", Handler: s.issuer}
	go func() { _ = issuer.ListenAndServe() }()
	_, logKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(logKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(logKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	fulcioConfig := fmt.Sprintf(`{"OIDCIssuers": {%q: {"IssuerURL": %[1]q, "ClientID": "sigstore", "Type": "email"},
		%[2]q: {"IssuerURL": %[2]q, "ClientID": "sigstore", "Type": "github-workflow"}}}`, issuerURL, actionsURL)
	for name, data := range map[string][]byte{
		"log.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		"log.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), "fulcio.json": []byte(fulcioConfig),
	} {
		if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.serveActions()
	stops := []func(){func() { _ = issuer.Close() }}
	for _, c := range [][]string{
		{"fulcio", "serve", "--ca=ephemeralca", "--ct-log-url=", "--config-path=" + s.path("fulcio.json"), "--host=127.0.0.1", "--port=5555", "--grpc-host=127.0.0.1", "--grpc-port=5554", "--metrics-port=2114"},
		{"timestamp-server", "serve", "--timestamp-signer=memory", "--disable-ntp-monitoring", "--host=127.0.0.1", "--port=3004"},
		{"rekor", "serve", "--hostname=127.0.0.1", "--http-port=3003", "--grpc-port=3002", "--http-metrics-port=2113", "--signer-filepath=" + s.path("log.key"), "--storage-dir=" + s.path("log"), "--checkpoint-interval=500ms"},
	} {
		stops = append(stops, s.server(script(t, "tool", c[0]), c[1:]...))
	}
	s.stop = func() {
		for _, stop := range stops {
			stop()
		}
		stops = nil
	}
	t.Cleanup(func() { s.stop() })
	for name, from := range map[string]string{"fulcio.pem": "http://127.0.0.1:5555/api/v1/rootCert", "tsa.pem": "http://127.0.0.1:3004/api/v1/timestamp/certchain"} {
		s.download(from, name)
	}
	s.download("http://127.0.0.1:3003/healthz", "")
	start := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	if out, err := s.cosign("cosign3", "trusted-root", "create", "--fulcio=url=http://127.0.0.1:5555,certificate-chain=fulcio.pem",
		"--rekor=url=http://127.0.0.1:3003,public-key=log.pub,origin=127.0.0.1,start-time="+start,
		"--tsa=url=http://127.0.0.1:3004/api/v1/timestamp,certificate-chain=tsa.pem", "--out=trusted_root.json"); err != nil {
		t.Fatalf("trusted root: %v\n%s", err, out)
	}
	at := ",start-time=" + start + ",operator=eidos"
	if out, err := s.cosign("cosign3", "signing-config", "create", "--fulcio=url=http://127.0.0.1:5555,api-version=1"+at,
		"--rekor=url=http://127.0.0.1:3003,api-version=2"+at, "--rekor-config=ANY", "--oidc-provider=url="+issuerURL+",api-version=1"+at,
		"--tsa=url=http://127.0.0.1:3004/api/v1/timestamp,api-version=1"+at, "--tsa-config=ANY", "--out=signing_config.json"); err != nil {
		t.Fatalf("signing configuration: %v\n%s", err, out)
	}
	return s
}

// server starts a program and returns what stops it.
func (s *sigstore) server(path string, args ...string) func() {
	s.t.Helper()
	log, err := os.Create(s.path(filepath.Base(path) + ".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Dir, c.Stdout, c.Stderr = s.env.Dir, log, log
	c.Env = append(os.Environ(), "HTTPS_PROXY="+s.proxy)
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if s.t.Failed() {
			if data, err := os.ReadFile(log.Name()); err == nil {
				s.t.Logf("%s:\n%s", filepath.Base(path), data[max(0, len(data)-4000):])
			}
		}
	}
}

// download waits for a server to answer.
func (s *sigstore) download(from, name string) {
	s.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(from)
		if err == nil {
			data, rerr := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err = rerr; err == nil && resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
			if err == nil {
				if name != "" {
					err = os.WriteFile(s.path(name), data, 0o644)
				}
				if err != nil {
					s.t.Fatal(err)
				}
				return
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %v", from, err)
		}
	}
}
