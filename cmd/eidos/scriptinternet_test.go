package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/NVIDIA/eidos/steps/oci"
)

// startInternet answers what the script's programs ask other hosts over HTTPS: each
// host is a registry with what the script's own has. registry comes before: internet
func startInternet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: internet")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the internet"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, DNSNames: []string{"registry.k8s.io"},
	}
	own, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	ts.Check(err)
	hosts := httptest.NewUnstartedServer(oci.Handler(ts.MkAbs(".registry")))
	hosts.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{own}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	hosts.StartTLS()
	ts.Defer(hosts.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "HTTPS alone goes out", http.StatusForbidden)
			return
		}
		out, err := net.Dial("tcp", hosts.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer out.Close()
		w.WriteHeader(http.StatusOK)
		in, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer in.Close()
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		_, _ = io.Copy(in, out) // until one of the two ends it
	}))
	ts.Defer(proxy.Close)
	ts.Check(os.WriteFile(ts.MkAbs(".internet.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own}), 0o644))
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs(".internet.pem"))
	ts.Setenv("HTTPS_PROXY", proxy.URL)
}
