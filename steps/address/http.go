package address

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/retry"
)

const (
	fetchTimeout = time.Minute
	maxRedirects = 5
)

// shown is an address without what may be secret: user, password, query.
func shown(uri string) string {
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

// fetch reads a document over HTTP. A user and password in the address are
// sent to its own host only, and a redirect never leads from HTTPS to HTTP.
func (c Config) fetch(ctx context.Context, uri string) ([]byte, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, schema.Errorf(schema.Invalid, "address %q is not a URL", shown(uri))
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
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
		return nil, schema.Errorf(schema.Invalid, "address %q is not a URL", shown(uri))
	}
	req.Header.Set("Accept", "application/yaml, application/json;q=0.9, */*;q=0.1")
	req.Header.Set("User-Agent", "eidos/"+c.OCI.Version)
	resp, err := client.Do(req)
	if err != nil {
		return nil, explainFetch(uri, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, schema.Errorf(statusCode(resp.StatusCode), "reading %q: the server answered %d %s",
			shown(uri), resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	data, err := readAll(resp.Body, fmt.Sprintf("%q", shown(uri)))
	if err != nil {
		return nil, explainFetch(uri, err)
	}
	return data, nil
}

// tries is the way to web servers, with as many tries as one request has.
func (c Config) tries() http.RoundTripper {
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

// explainFetch drops the address from a network error: it may hold a password.
func explainFetch(uri string, err error) error {
	var told *schema.Error
	if errors.As(err, &told) {
		if told.Code == schema.Invalid {
			return told
		}
		return schema.Errorf(told.Code, "reading %q: %s", shown(uri), told.Msg)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return schema.Errorf(schema.Canceled, "reading %q: interrupted", shown(uri))
	case errors.Is(err, context.DeadlineExceeded):
		return schema.Errorf(schema.Timeout, "reading %q: it took more than %s", shown(uri), fetchTimeout)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return schema.Errorf(schema.Timeout, "reading %q: %w", shown(uri), err)
	}
	return schema.Errorf(schema.Unavailable, "reading %q: %w", shown(uri), err)
}
