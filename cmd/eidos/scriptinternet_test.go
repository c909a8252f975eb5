package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/NVIDIA/eidos/cmd/internal/certtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

// startInternet answers what the script's programs ask other hosts over HTTPS: each
// host is a registry with what the script's own has. registry comes before: internet
func startInternet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: internet")
	}
	own, err := certtest.New("the internet", "registry.k8s.io")
	ts.Check(err)
	hosts := httptest.NewUnstartedServer(oci.Handler(ts.MkAbs(".registry")))
	hosts.TLS = &tls.Config{Certificates: []tls.Certificate{own.Certificate}, MinVersion: tls.VersionTLS12}
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
	ts.Check(os.WriteFile(ts.MkAbs(".internet.pem"), own.PEM(), 0o644))
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs(".internet.pem"))
	ts.Setenv("HTTPS_PROXY", proxy.URL)
}
