package oci

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
)

// explain turns what a registry or the network said into an error for people.
// Addresses in it lose user names, passwords and queries.
func explain(doing, where, host string, err error) error {
	e := func(code schema.Code, format string, args ...any) *schema.Error {
		return schema.Errorf(code, "%s %q: "+format, append([]any{doing, where}, args...)...)
	}
	var te *transport.Error
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var timeout net.Error
	var plain plainRefused
	switch {
	case errors.Is(err, context.Canceled):
		return e(schema.Canceled, "interrupted")
	case errors.Is(err, context.DeadlineExceeded):
		return e(schema.Timeout, "it took too long")
	case errors.As(err, &te):
		return explainStatus(e, host, te)
	case errors.As(err, &dns):
		return e(schema.Unavailable, "no host %q", dns.Name).WithHint("is the registry's name right, and is there a network?")
	case errors.As(err, &cert), errors.As(err, &authority):
		return e(schema.Failed, "the registry's certificate is not trusted: %w", bare(err)).
			WithHint("add its authority to the system's, name it in SSL_CERT_FILE, or use %s", schema.Parameter("insecureTLS"))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"), errors.As(err, &plain) && !retry.Passing(err):
		return e(schema.Invalid, "the registry does not speak HTTPS").WithHint("use %s if that is what you want", schema.Parameter("plainHTTP"))
	case errors.Is(err, syscall.ECONNREFUSED):
		return e(schema.Unavailable, "nothing answers at %s", host).WithHint("%s", downHint(host))
	case errors.Is(err, syscall.ENOSPC):
		return e(schema.Failed, "%w", syscall.ENOSPC).WithHint("free some space and run it again")
	case retry.Lost(err):
		return e(schema.Unavailable, "the connection broke off: %w", bare(err)).WithHint("is the registry up, and is a proxy in the way?")
	case errors.As(err, &timeout) && timeout.Timeout():
		return e(schema.Timeout, "the registry does not answer")
	case errors.As(err, new(*net.OpError)):
		return e(schema.Unavailable, "%w", bare(err)).WithHint("%s", downHint(host))
	}
	return e(schema.Failed, "%w", bare(err))
}

func downHint(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil && loopback(h) {
		return "is the registry up? eidos registry serve starts one; embedded/ needs none"
	}
	return "is the registry up, and is the address right?"
}

// explainStatus is explain for an answer of the registry.
func explainStatus(e func(schema.Code, string, ...any) *schema.Error, host string, te *transport.Error) error {
	said := http.StatusText(te.StatusCode)
	var words []string
	for _, d := range te.Errors {
		words = append(words, strings.TrimSpace(d.Message))
	}
	if w := strings.Join(words, "; "); w != "" {
		said = strings.ToLower(said) + ": " + w
	}
	switch te.StatusCode {
	case http.StatusUnauthorized:
		return e(schema.Unauthorized, "the registry takes no credentials we have: %s", said).
			WithHint("log in with `docker login %s` or `oras login %s`; DOCKER_CONFIG says where the credentials are", host, host)
	case http.StatusForbidden:
		if host == Embedded || host == "" { // a directory of this machine
			return e(schema.Unauthorized, "%s", strings.TrimPrefix(said, "forbidden: ")).
				WithHint("choose a directory that you may write; EIDOS_DATA names that of embedded/")
		}
		return e(schema.Unauthorized, "the registry denies it: %s", said).
			WithHint("does your account have the rights, and does the repository exist?")
	case http.StatusNotFound:
		return e(schema.NotFound, "it is not there: %s", said)
	case http.StatusInsufficientStorage:
		if host == Embedded || host == "" { // a directory of this machine
			return e(schema.Failed, "%s", strings.TrimPrefix(said, "insufficient storage: ")).
				WithHint("free some space and run it again; EIDOS_DATA names another directory for embedded/")
		}
		return e(schema.Failed, "the registry has no space left: %s", said)
	case http.StatusRequestEntityTooLarge:
		return e(schema.Failed, "it is too large for the registry: %s", said)
	case http.StatusTooManyRequests:
		return e(schema.Unavailable, "the registry asks to slow down: %s", said).WithHint("try again later, or log in for a higher limit")
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return e(schema.Timeout, "the registry took too long: %s", said)
	}
	if te.StatusCode >= 500 {
		return e(schema.Unavailable, "the registry has a problem of its own: %s", said).WithHint("try again later")
	}
	return e(schema.Failed, "the registry answered %d %s", te.StatusCode, said)
}

// bare drops the request from an error's text: its address can hold secrets.
func bare(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
