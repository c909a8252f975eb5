// Package trace exports runs as OpenTelemetry traces: a span a run, a span a
// step, made of the engine's one event stream and posted by OTLP over HTTP.
//
// The SDK is left out on purpose: with its exporter it adds 3 MB and 58 package
// initialisers (all of grpc) to every command, and what is sent here is known
// in full when the run has ended. The messages are the official ones.
//
// A run sends its spans at its end, within one time limit, and a failure is a warning:
// nothing that a run does depends on a receiver of traces. A server sends in the
// background, and drops what there is no room for. Spans hold what events hold, so
// secrets are masked in them.
package trace

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// config is what the environment says. The names and what they mean are those
// of https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and
// …/configuration/sdk-environment-variables/.
type config struct {
	endpoint  string
	json      bool // else protobuf
	gzip      bool
	headers   http.Header
	timeout   time.Duration // for all that is sent at the end of a run
	ca        *x509.CertPool
	resource  []attribute // service.name first
	parent    [8]byte     // span that called eidos, zero if none
	trace     [16]byte    // its trace, zero if none
	state     string
	unsampled bool // the caller's trace is not recorded
}

type attribute struct{ key, value string }

// read reads the environment; nil if nothing is to be exported. Nothing is, unless
// somebody asks for it: an endpoint or an exporter must be named. Values that are wrong
// are errors which name the variable, and never show what may be a credential.
func read(lookup func(string) (string, bool), version string) (*config, error) {
	get := func(name string) string {
		v, _ := lookup(name)
		return strings.TrimSpace(v)
	}
	// The variable for traces wins over that for all signals.
	otlp := func(name string) string {
		if v := get("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
			return v
		}
		return get("OTEL_EXPORTER_OTLP_" + name)
	}
	exporter := get("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") || exporter == "none":
		return nil, nil
	case exporter == "" && otlp("ENDPOINT") == "":
		return nil, nil
	case exporter != "" && exporter != "otlp":
		return nil, schema.Errorf(schema.Invalid, "OTEL_TRACES_EXPORTER: no exporter %q", exporter).WithHint("use otlp or none")
	}
	c := &config{headers: http.Header{}, timeout: 10 * time.Second}
	var err error
	if c.endpoint, err = endpoint(get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), get("OTEL_EXPORTER_OTLP_ENDPOINT")); err != nil {
		return nil, err
	}
	switch p := otlp("PROTOCOL"); p {
	case "", "http/protobuf":
	case "http/json":
		c.json = true
	default:
		return nil, schema.Errorf(schema.Invalid, "OTEL_EXPORTER_OTLP_PROTOCOL: no protocol %q here", p).WithHint("use http/protobuf or http/json")
	}
	switch z := otlp("COMPRESSION"); z {
	case "", "none":
	case "gzip":
		c.gzip = true
	default:
		return nil, schema.Errorf(schema.Invalid, "OTEL_EXPORTER_OTLP_COMPRESSION: no compression %q", z).WithHint("use gzip or none")
	}
	if v := otlp("TIMEOUT"); v != "" { // milliseconds
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return nil, schema.Errorf(schema.Invalid, "OTEL_EXPORTER_OTLP_TIMEOUT: %q is not a number of milliseconds", v)
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	if v := otlp("CERTIFICATE"); v != "" {
		if c.ca, err = certificates(v); err != nil {
			return nil, err
		}
	}
	headers, ok := pairs(otlp("HEADERS"))
	if !ok { // their values are not shown: they let people in
		return nil, schema.Errorf(schema.Invalid, "OTEL_EXPORTER_OTLP_HEADERS: want NAME=VALUE, separated by commas")
	}
	for _, h := range headers {
		c.headers.Set(h.key, h.value)
	}
	if c.resource, err = resource(get("OTEL_SERVICE_NAME"), get("OTEL_RESOURCE_ATTRIBUTES"), version); err != nil {
		return nil, err
	}
	// https://www.w3.org/TR/trace-context/#traceparent-header; one that is
	// malformed is passed over, as that says.
	if trace, parent, sampled, ok := traceparent(get("TRACEPARENT")); ok {
		c.trace, c.parent, c.state, c.unsampled = trace, parent, get("TRACESTATE"), !sampled
	}
	return c, nil
}

// endpoint is where spans go: the endpoint for traces as it is, else the one for all
// signals with the path of traces added, as the specification has it. Errors do not show
// the address, which may hold a password.
func endpoint(traces, all string) (string, error) {
	name, text := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces
	if traces == "" {
		name, text = "OTEL_EXPORTER_OTLP_ENDPOINT", all
	}
	if text == "" {
		text = "http://localhost:4318"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", schema.Errorf(schema.Invalid, "%s is not an http:// or https:// address", name)
	}
	if traces == "" {
		u = u.JoinPath("v1", "traces")
	}
	return u.String(), nil
}

// maxCertificates bounds a file of certificates, in bytes: those of a whole
// distribution have 300 KiB.
const maxCertificates = 16 << 20

// certificates replace those of the system: who names a file trusts that one alone.
func certificates(file string) (*x509.CertPool, error) {
	pem, err := userfile.Read(file, maxCertificates)
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "reading OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, schema.Errorf(schema.Invalid, "OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate in %q", file)
	}
	return pool, nil
}

// resource is what the spans are about; OTEL_SERVICE_NAME wins.
func resource(service, attributes, version string) ([]attribute, error) {
	list, ok := pairs(attributes)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "OTEL_RESOURCE_ATTRIBUTES: want NAME=VALUE, separated by commas")
	}
	out := []attribute{{"service.name", service}, {"service.version", version}}
	for _, a := range list {
		switch a.key {
		case "service.name":
			if service == "" {
				out[0] = a
			}
		case "service.version":
			out[1] = a
		default:
			out = append(out, a)
		}
	}
	if out[0].value == "" {
		out[0].value = "eidos"
	}
	return out, nil
}

// pairs reads a=b,c=d with percent-encoded values.
func pairs(text string) ([]attribute, bool) {
	var out []attribute
	for _, p := range strings.Split(text, ",") {
		if strings.TrimSpace(p) == "" {
			continue
		}
		k, v, ok := strings.Cut(p, "=")
		v, err := url.PathUnescape(strings.TrimSpace(v))
		if k = strings.TrimSpace(k); !ok || err != nil || k == "" {
			return nil, false
		}
		out = append(out, attribute{k, v})
	}
	return out, true
}

// traceparent reads a header or variable of that name: version, trace, parent, flags. A
// later version may have more parts, which are passed over.
func traceparent(s string) (trace [16]byte, parent [8]byte, sampled, ok bool) {
	parts := strings.Split(s, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 ||
		len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || strings.ToLower(s) != s {
		return trace, parent, false, false
	}
	_, err1 := hex.Decode(trace[:], []byte(parts[1]))
	_, err2 := hex.Decode(parent[:], []byte(parts[2]))
	flags, err3 := hex.DecodeString(parts[3])
	if err1 != nil || err2 != nil || err3 != nil || trace == [16]byte{} || parent == [8]byte{} {
		return [16]byte{}, [8]byte{}, false, false
	}
	return trace, parent, flags[0]&1 == 1, true
}

// client is what spans are posted with. It follows no redirect: the headers, which may hold
// a token, would go to an address that nobody has named.
func (c *config) client() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if c.ca != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: c.ca, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
