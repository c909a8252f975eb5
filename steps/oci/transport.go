package oci

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/NVIDIA/eidos/steps/retry"
)

// network is the way to a real registry: one policy of tries, and no plain HTTP
// that nobody asked for.
func network(a Access, retries retry.Policy) *retry.Transport {
	if retries == (retry.Policy{}) {
		retries = retry.Default()
	}
	t := remote.DefaultTransport.(*http.Transport).Clone()
	if a.InsecureTLS {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the user asked for it
	}
	return &retry.Transport{Inner: &secure{inner: t, plain: a.PlainHTTP}, Policy: retries, Server: "registry"}
}

// tryOnce turns off the retries of the library, in which every layer would
// multiply those of the transport below it.
func tryOnce() []remote.Option {
	return []remote.Option{
		remote.WithRetryStatusCodes(),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
		remote.WithRetryPredicate(func(error) bool { return false }),
	}
}

// plainRefused is the error of a request over plain HTTP that nobody asked for.
// The library also sends those while HTTPS is being tried: what became of that
// is what users are told.
type plainRefused struct{ host string }

func (e plainRefused) Error() string { return "plain HTTP to " + e.host + " was not asked for" }

// secure refuses plain HTTP unless it was asked for: the library above falls
// back to it for private addresses, with the credentials, whatever was wrong
// with HTTPS. On loopback it may, if the server does not speak TLS at all.
type secure struct {
	inner http.RoundTripper
	plain bool

	mu        sync.Mutex
	untrusted error // why the certificate was refused
}

func (s *secure) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && !s.plain {
		s.mu.Lock()
		untrusted := s.untrusted
		s.mu.Unlock()
		if untrusted != nil {
			return nil, untrusted
		}
		if !loopback(req.URL.Hostname()) {
			return nil, plainRefused{req.URL.Host}
		}
	}
	resp, err := s.inner.RoundTrip(req)
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		s.mu.Lock()
		s.untrusted = err
		s.mu.Unlock()
	}
	return resp, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
