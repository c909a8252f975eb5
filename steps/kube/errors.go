package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
)

// statusError is an answer of the API server that is not a success.
type statusError struct {
	code       int
	status     metav1.Status
	retryAfter time.Duration
}

func newStatusError(resp *http.Response, body []byte) *statusError {
	e := &statusError{code: resp.StatusCode}
	if json.Unmarshal(body, &e.status) != nil || e.status.Kind != "Status" {
		// A proxy in between answers in its own words.
		e.status = metav1.Status{Message: strings.TrimSpace(resp.Status + " " + firstLine(string(body)))}
	}
	e.retryAfter = retry.After(resp.Header)
	return e
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.ToValidUTF8(s, "�")
}

func (e *statusError) Error() string { return e.status.Message }

// temporary reports whether the same request can succeed later.
func (e *statusError) temporary() bool {
	switch {
	case retry.PassingStatus(e.code):
		return true
	case e.code == http.StatusConflict: // two writers at once; a conflict about fields lists them
		return e.status.Reason == metav1.StatusReasonConflict && (e.status.Details == nil || len(e.status.Details.Causes) == 0)
	}
	return false
}

// isStatus reports whether err is an answer of the server with that code.
func isStatus(err error, code int) bool {
	var s *statusError
	return errors.As(err, &s) && s.code == code
}

// explain turns what went wrong with r into an error for people.
func (c *Client) explain(r request, err error) error {
	var s *statusError
	var e *schema.Error
	did := r.verb + " " + r.resource
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, errOpen):
		return schema.Errorf(schema.Unavailable, "%s: not sent to %s: %w", did, c.Host(), err)
	case errors.As(err, &s):
		return c.explainStatus(did, s)
	case errors.Is(err, context.Canceled):
		return schema.Errorf(schema.Canceled, "%s: %w", did, err)
	case trustProblem(err) != "":
		return schema.Errorf(schema.Failed, "%s: the certificate of %s is not to be trusted: %w", did, c.Host(), err).WithHint("%s", trustProblem(err))
	case clientCertRefused(err):
		return schema.Errorf(schema.Unauthorized, "%s: %s refused the client certificate: %w", did, c.Host(), err).WithHint("%s", c.credentialHint())
	case errors.Is(err, syscall.ECONNREFUSED):
		return schema.Errorf(schema.Unavailable, "%s: nothing listens at %s: connection refused", did, c.Host()).
			WithHint("is the cluster up, and is this the right context?")
	case permanentDNS(err):
		return schema.Errorf(schema.Unavailable, "%s: no host %s", did, c.base.Hostname()).
			WithHint("the cluster may be gone, or its name is known only inside a VPN")
	case timedOut(err):
		return schema.Errorf(schema.Timeout, "%s: no answer from %s in time", did, c.Host()).
			WithHint("is a VPN or firewall in the way? %s gives it longer", schema.Parameter("collectTimeout"))
	case strings.Contains(err.Error(), "getting credentials"):
		return schema.Errorf(schema.Unauthorized, "%s: %w", did, err).WithHint("the kubeconfig's exec plugin did not give credentials: log in with the cloud's tool")
	}
	return schema.Errorf(schema.Unavailable, "%s: asking %s: %w", did, c.Host(), err)
}

func (c *Client) explainStatus(did string, s *statusError) error {
	switch s.code {
	case http.StatusUnauthorized:
		return schema.Errorf(schema.Unauthorized, "%s: %s does not know these credentials: %w", did, c.Host(), s).WithHint("%s", c.credentialHint())
	case http.StatusForbidden:
		return schema.Errorf(schema.Unauthorized, "forbidden: %s: %w", did, s).WithHint("this user needs the right to %s", did)
	case http.StatusNotFound:
		return schema.Errorf(schema.NotFound, "%s: %w", did, s)
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return schema.Errorf(schema.Invalid, "%s: %w", did, s)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway:
		return schema.Errorf(schema.Unavailable, "%s: %s: %w", did, c.Host(), s)
	case http.StatusGatewayTimeout:
		return schema.Errorf(schema.Timeout, "%s: %s: %w", did, c.Host(), s)
	}
	return schema.Errorf(schema.Failed, "%s: %s: %d: %w", did, c.Host(), s.code, s)
}

func timedOut(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

func connectionLost(err error) bool {
	return retry.Lost(err) || strings.Contains(err.Error(), "connection")
}

// trustProblem says what to do about a server certificate that does not hold,
// "" if that is not what err is about.
func trustProblem(err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "the kubeconfig's certificate-authority is not this cluster's: fetch the kubeconfig again"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired or is not valid yet: check this machine's clock, else the cluster's certificates must be renewed"
	case errors.As(err, &invalid):
		return "the cluster's certificate is not fit for a server"
	case errors.As(err, &host):
		return "it is for another name: use the address that it names, or set tls-server-name in the kubeconfig"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server does not speak TLS: is the port right?"
	}
	return ""
}

// clientCertRefused reports whether the server ended the handshake over the
// client's certificate. Alerts of TLS carry no more than a number.
func clientCertRefused(err error) bool {
	var alert tls.AlertError
	if !errors.As(err, &alert) {
		return strings.Contains(err.Error(), "remote error: tls: ") && strings.Contains(err.Error(), "certificate")
	}
	return alert >= 42 && alert <= 48 // bad_certificate … unknown_ca, RFC 8446 section 6
}

// credentialHint says what may be wrong with the credentials in use.
func (c *Client) credentialHint() string {
	data := c.config.CertData
	if len(data) == 0 && c.config.CertFile != "" {
		data, _ = os.ReadFile(c.config.CertFile) // a hint only; the request itself has read it
	}
	if block, _ := pem.Decode(data); block != nil {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && time.Now().After(cert.NotAfter) {
			return fmt.Sprintf("the kubeconfig's client certificate expired on %s: fetch the kubeconfig again", cert.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	if c.config.ExecProvider != nil {
		return fmt.Sprintf("log in again; the credentials come from %s", c.config.ExecProvider.Command)
	}
	return "they may have expired: log in again, or fetch the kubeconfig again"
}
