// Package stock holds what eidos pushes and signs against the programs that
// people use: cosign 2 and 3, oras, and Debian's docker-registry. They are
// built or downloaded by `make test`, which sets EIDOS_REAL_TOOLS; without it
// these tests are skipped.
package stock

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/NVIDIA/eidos/steps/oci"
)

// authority is the directory of a certificate authority that this process and
// the tools trust, with a certificate for loopback.
var authority string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// need skips a test where the tools are not asked for.
func need(t *testing.T) {
	t.Helper()
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set: make test runs it")
	}
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "eidos-stock-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	authority = dir
	certificate(dir)
	// Read once per process, before the first connection.
	os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "cert.pem"))
	return m.Run()
}

// certificate writes cert.pem and key.pem for 127.0.0.1 and the issuer of GitHub
// Actions, signed by itself.
func certificate(dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "eidos test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{actionsHost}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pk}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			panic(err)
		}
	}
}

// registry is one that listens on loopback.
type registry struct {
	host   string
	plain  bool   // HTTP
	stop   func() // takes it down
	docker string // DOCKER_CONFIG with the right password
}

const user, secret = "someone", "s3cret-passw0rd"

// inProcess serves the embedded registry's handler over HTTP.
func inProcess(t *testing.T) *registry {
	need(t)
	srv := httptest.NewServer(oci.Handler(t.TempDir()))
	t.Cleanup(srv.Close)
	return &registry{host: strings.TrimPrefix(srv.URL, "http://"), plain: true, stop: srv.Close, docker: t.TempDir()}
}

// debian runs Debian's docker-registry with TLS and a password.
func debian(t *testing.T) *registry {
	need(t)
	program := script(t, "debian", "docker-registry", "usr/bin/docker-registry")
	dir := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "htpasswd"), user+":"+string(hash)+"\n")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := ln.Addr().String()
	ln.Close()
	config, err := json.Marshal(map[string]any{
		"version": "0.1",
		"log":     map[string]any{"level": "error", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{"filesystem": map[string]any{"rootdirectory": filepath.Join(dir, "data")}, "delete": map[string]any{"enabled": true}},
		"http":    map[string]any{"addr": host, "tls": map[string]any{"certificate": filepath.Join(authority, "cert.pem"), "key": filepath.Join(authority, "key.pem")}},
		"auth":    map[string]any{"htpasswd": map[string]any{"realm": "test", "path": filepath.Join(dir, "htpasswd")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.yml"), string(config))
	var out bytes.Buffer
	cmd := exec.Command(program, "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(stop)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for range 1200 { // a minute
		resp, err := client.Get("https://" + host + "/v2/")
		if err == nil {
			resp.Body.Close()
			return &registry{host: host, stop: stop, docker: dockerConfig(t, host, secret)}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("docker-registry does not come up: %s", out.String())
	return nil
}

// dockerConfig writes a Docker configuration with a password for host.
func dockerConfig(t *testing.T, host, password string) string {
	dir := t.TempDir()
	data, err := json.Marshal(map[string]any{"auths": map[string]any{
		host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.json"), string(data))
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// script runs a script of the repository that prints the path of a program.
func script(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join("..", "..", "..", "scripts", name), args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/%s %v: %v\n%s", name, args, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// tool runs a pinned tool in dir and returns what it printed.
func (r *registry) tool(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(script(t, "tool", name), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+r.docker, "COSIGN_PASSWORD="+secret, "HOME="+dir,
		"SIGSTORE_NO_CACHE=1", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1") // nothing but loopback
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// must is tool for what has to work.
func (r *registry) must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := r.tool(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}
