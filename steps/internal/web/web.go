// Package web reads from web servers: one policy of tries, of redirects and of
// what an error may show.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/retry"
)

const (
	readTimeout  = time.Minute
	maxRedirects = 5
)

// Client reads over HTTP. The zero value works.
type Client struct {
	// Version of eidos, for the User-Agent.
	Version string
	// Transport carries the requests; nil is the default.
	Transport http.RoundTripper
}

// Shown is an address without what may be secret: user, password, query.
func Shown(uri string) string {
	if !strings.Contains(uri, "://") {
		return uri
	}
	u, err := url.Parse(uri)
	if err != nil {
		// Who knows where the password ends.
		scheme, _, _ := strings.Cut(uri, "://")
		return scheme + "://…"
	}
	if u.Scheme == "" || u.Opaque != "" {
		return uri
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// Read returns what is at an address, at most limit bytes, within a minute.
func (c Client) Read(ctx context.Context, uri, accept string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rc, err := c.Open(ctx, uri, accept)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, schema.Errorf(schema.Invalid, "%q has more than %d MiB", Shown(uri), limit>>20)
	}
	return data, nil
}

// Open streams what is at an address, however long that takes while bytes
// arrive. A user and password in the address are sent to its own host only, and
// a redirect never leads from HTTPS to HTTP.
func (c Client) Open(ctx context.Context, uri, accept string) (io.ReadCloser, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, schema.Errorf(schema.Invalid, "address %q is not a URL", Shown(uri))
	}
	// net/http drops what it made of the address's user when a redirect leads
	// to another host, and sends no Referer with it.
	client := &http.Client{Transport: c.tries(), CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return schema.Errorf(schema.Failed, "more than %d redirects", maxRedirects)
		case next.URL.Scheme != "https" && next.URL.Scheme != "http",
			next.URL.Scheme == "http" && via[0].URL.Scheme == "https":
			return schema.Errorf(schema.Failed, "it redirects from %s to %s", via[0].URL.Scheme, next.URL.Scheme)
		}
		return nil
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "address %q is not a URL", Shown(uri))
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "eidos/"+c.Version)
	resp, err := client.Do(req)
	if err != nil {
		return nil, explain(uri, err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, schema.Errorf(statusCode(resp.StatusCode), "reading %q: the server answered %d %s",
			Shown(uri), resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return &content{resp.Body, uri}, nil
}

// content explains the errors of a body.
type content struct {
	io.ReadCloser
	uri string
}

func (b *content) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = explain(b.uri, err)
	}
	return n, err
}

// tries is the way to web servers, with as many tries as one request has.
func (c Client) tries() http.RoundTripper {
	inner := c.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	return &retry.Transport{Inner: inner, Policy: retry.Default(), Server: "server"}
}

func statusCode(status int) schema.Code {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return schema.Unauthorized
	case status == http.StatusNotFound, status == http.StatusGone:
		return schema.NotFound
	case status == http.StatusTooManyRequests, status >= 500:
		return schema.Unavailable
	}
	return schema.Failed
}

// explain drops the address from a network error: it may hold a password.
func explain(uri string, err error) error {
	var coded *schema.Error
	if errors.As(err, &coded) {
		if coded.Code == schema.Invalid {
			return coded
		}
		return schema.Errorf(coded.Code, "reading %q: %s", Shown(uri), coded.Msg)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return schema.Errorf(schema.Canceled, "reading %q: interrupted", Shown(uri))
	case errors.Is(err, context.DeadlineExceeded):
		return schema.Errorf(schema.Timeout, "reading %q: it took more than %s", Shown(uri), readTimeout)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return schema.Errorf(schema.Timeout, "reading %q: %w", Shown(uri), err)
	}
	e := schema.Errorf(schema.Unavailable, "reading %q: %w", Shown(uri), err)
	var plain tls.RecordHeaderError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return e.WithHint("is the server up, and is this its port?")
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return e.WithHint("the server does not speak HTTPS there: is it http://?")
	}
	return e
}
