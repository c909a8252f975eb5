package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// patient sends a request again when the registry is busy (429) or broken for
// the moment (5xx), or the connection fell, at most five times in all. It waits
// as long as Retry-After asks, up to a minute. A request whose body cannot be
// sent again is left to its sender: uploads of layers start over by themselves.
type patient struct {
	inner http.RoundTripper
	sleep func(context.Context, time.Duration) error
}

const (
	attempts = 5
	maxPause = time.Minute
)

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	pause := 200 * time.Millisecond
	for attempt := 1; ; attempt++ {
		resp, err := p.inner.RoundTrip(req)
		if attempt == attempts || !passing(resp, err) || (req.Body != nil && req.Body != http.NoBody && req.GetBody == nil) {
			return resp, err
		}
		wait := pause + rand.N(pause/2) // spreads clients that failed together
		pause *= 3
		if resp != nil {
			if asked := retryAfter(resp); asked > maxPause {
				return resp, nil
			} else if asked > wait {
				wait = asked
			}
			io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			resp.Body.Close()
		}
		if err := p.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = body
		}
	}
}

// passing says whether a failure may be gone the next time.
func passing(resp *http.Response, err error) bool {
	if err != nil {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
			errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter is the pause that a response asks for in seconds; a date is not
// looked at.
func retryAfter(resp *http.Response) time.Duration {
	s, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(s) * time.Second
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

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
			return nil, schema.Errorf(schema.Invalid, "registry %q does not speak HTTPS", req.URL.Host).
				WithHint("use --plain-http if that is what you want")
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
