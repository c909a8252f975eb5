package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/NVIDIA/eidos/schema"
)

// authority issues certificates for the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-48 * time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes a certificate and key as PEM, valid until the given time.
func (a *authority) issue(t *testing.T, until time.Time, usage x509.ExtKeyUsage, ip string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.ParseIP(ip)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kder})
}

// secure serves h with a certificate of a.
func (a *authority) secure(t *testing.T, until time.Time, ip string, config *tls.Config, h http.Handler) string {
	t.Helper()
	cert, key := a.issue(t, until, x509.ExtKeyUsageServerAuth, ip)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	config.Certificates = []tls.Certificate{pair}
	s.TLS = config
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestTrust(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	version := answer(map[string]string{"gitVersion": "v1.33.5"})
	expiredCert, expiredKey := ours.issue(t, past, x509.ExtKeyUsageClientAuth, "127.0.0.1")
	strangeCert, strangeKey := theirs.issue(t, later, x509.ExtKeyUsageClientAuth, "127.0.0.1")
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	strict := &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	plain := httptest.NewServer(version)
	t.Cleanup(plain.Close)
	refuse := func(w http.ResponseWriter, _ *http.Request) { status(w, 401, "Unauthorized", "Unauthorized") }

	tests := []struct {
		name    string
		config  rest.Config
		code    schema.Code
		message string
		hint    string
	}{
		{"trusted", rest.Config{Host: ours.secure(t, later, "127.0.0.1", &tls.Config{}, version), TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem}}, "", "", ""},
		{"another authority", rest.Config{Host: ours.secure(t, later, "127.0.0.1", &tls.Config{}, version), TLSClientConfig: rest.TLSClientConfig{CAData: theirs.pem}},
			schema.Failed, "is not to be trusted", "certificate-authority is not this cluster's"},
		{"server's certificate expired", rest.Config{Host: ours.secure(t, past, "127.0.0.1", &tls.Config{}, version), TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem}},
			schema.Failed, "expired", "clock"},
		{"another name", rest.Config{Host: ours.secure(t, later, "10.0.0.1", &tls.Config{}, version), TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem}},
			schema.Failed, "is not to be trusted", "another name"},
		{"no TLS", rest.Config{Host: strings.Replace(plain.URL, "http:", "https:", 1), TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem}},
			schema.Failed, "is not to be trusted", "does not speak TLS"},
		{"client certificate of another authority", rest.Config{Host: ours.secure(t, later, "127.0.0.1", strict, version),
			TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem, CertData: strangeCert, KeyData: strangeKey}},
			schema.Unauthorized, "refused the client certificate", "fetch the kubeconfig again"},
		{"client certificate expired", rest.Config{Host: ours.secure(t, later, "127.0.0.1", &tls.Config{ClientAuth: tls.RequestClientCert}, http.HandlerFunc(refuse)),
			TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem, CertData: expiredCert, KeyData: expiredKey}},
			schema.Unauthorized, "does not know these credentials", "client certificate expired on " + past.UTC().Format(time.DateOnly)},
		{"token expired", rest.Config{Host: ours.secure(t, later, "127.0.0.1", &tls.Config{}, http.HandlerFunc(refuse)), BearerToken: "old",
			TLSClientConfig: rest.TLSClientConfig{CAData: ours.pem}}, schema.Unauthorized, "does not know these credentials", "log in again"},
		{"no such host", rest.Config{Host: "https://cluster.invalid:6443"}, schema.Unavailable, "no host cluster.invalid", "VPN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newClient(&tt.config, "")
			if err != nil {
				t.Fatal(err)
			}
			c.retries.Pause = time.Millisecond
			_, err = c.server(t.Context())
			var e *schema.Error
			if schema.CodeOf(err) != tt.code || err != nil && !errors.As(err, &e) {
				t.Fatalf("got %s: %v", schema.CodeOf(err), err)
			}
			if err != nil && (!strings.Contains(e.Error(), tt.message) || !strings.Contains(e.Hint, tt.hint)) {
				t.Errorf("got %q, hint %q", e.Error(), e.Hint)
			}
			if err != nil && strings.Contains(err.Error(), "old") {
				t.Error("the token is in the message")
			}
		})
	}
}

// Credentials of a plugin, as every cloud's kubeconfig has them.
func TestExecCredentials(t *testing.T) {
	dir := alone(t)
	ca := newAuthority(t)
	url := ca.secure(t, time.Now().Add(time.Hour), "127.0.0.1", &tls.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer from-plugin" {
			status(w, 401, "Unauthorized", "Unauthorized")
			return
		}
		answer(map[string]string{"gitVersion": "v1.33.5"})(w, r)
	}))
	plugin := func(name, script string) string {
		path := write(t, filepath.Join(dir, name), "#!/bin/sh\n"+script+"\n")
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := plugin("good", `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-plugin"}}'`)
	wrong := plugin("wrong", `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"stale"}}'`)
	fails := plugin("fails", "exit 3")
	config := func(command string) string {
		return write(t, filepath.Join(dir, "config"), fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %s}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: %q, interactiveMode: Never}}}]
`, url, base64PEM(ca.pem), command))
	}
	tests := []struct {
		name, command string
		code          schema.Code
		hint          string
	}{
		{"good", good, "", ""},
		{"stale token", wrong, schema.Unauthorized, "the credentials come from " + wrong},
		{"plugin fails", fails, schema.Unauthorized, "exec plugin"},
		{"plugin is not there", filepath.Join(dir, "none"), schema.Unauthorized, "exec plugin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, config(tt.command))
			c.retries.Pause = time.Millisecond
			_, err := c.server(t.Context())
			var e *schema.Error
			if schema.CodeOf(err) != tt.code || err != nil && (!errors.As(err, &e) || !strings.Contains(e.Hint, tt.hint)) {
				t.Errorf("got %s: %v; hint %q", schema.CodeOf(err), err, e.Hint)
			}
		})
	}
}

func base64PEM(p []byte) string { return base64.StdEncoding.EncodeToString(p) }
