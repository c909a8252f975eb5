package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/cmd/internal/api"
)

// httpMain is the program http of the scripts: it sends one request and prints
// the response, its headers sorted, and what differs from time to time as …. It
// fails if the response is not one that the OpenAPI document has.
//
//	http [-H NAME:VALUE]… [-d FILE] [-o FILE] METHOD URL
func httpMain(args []string) int {
	f := pflag.NewFlagSet("http", pflag.ContinueOnError)
	headers := f.StringArrayP("header", "H", nil, "header to send")
	data := f.StringP("data", "d", "", "file to send")
	out := f.StringP("output", "o", "", "file for the body, instead of printing it")
	h2c := f.Bool("h2c", false, "speak HTTP/2 without TLS")
	chunked := f.Bool("chunked", false, "do not say how long the body is")
	socket := f.String("socket", "", "Unix socket to connect to")
	ca := f.String("ca", "", "certificate of the server")
	cert := f.String("cert", "", "certificate of the client, with its key")
	bodyOnly := f.Bool("body", false, "print the body only")
	until := f.Int("until", 0, "send it until the response has this status, 1000 times at most")
	unchecked := f.Bool("unchecked", false, "the OpenAPI document does not have this")
	err := f.Parse(args)
	if err == nil && f.NArg() != 2 {
		err = errors.New("usage: http [flags] METHOD URL")
	}
	if err == nil {
		err = send(f.Arg(0), f.Arg(1), sending{*headers, *data, *out, *h2c, *chunked, *socket, *ca, *cert, *bodyOnly, *until, *unchecked})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		return 1
	}
	return 0
}

type sending struct {
	headers          []string
	data, out        string
	h2c, chunked     bool
	socket, ca, cert string
	bodyOnly         bool
	until            int // status, 0 for any
	unchecked        bool
}

func send(method, to string, s sending) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	var body []byte
	if s.data != "" {
		if body, err = os.ReadFile(s.data); err != nil {
			return err
		}
	}
	var reader io.Reader = bytes.NewReader(body)
	if s.chunked {
		reader = struct{ io.Reader }{reader}
	}
	req, err := http.NewRequest(method, to, reader)
	if err != nil {
		return err
	}
	if body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header.Set("User-Agent", "test")
	req.Header.Set("Accept-Encoding", "identity")
	for _, h := range s.headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	var resp *http.Response
	var got []byte
	for range 1000 {
		if resp, got, err = once(client, req.Clone(context.Background())); err != nil || s.until == 0 || resp.StatusCode == s.until {
			break
		}
	}
	if err != nil {
		return err
	}
	if s.until != 0 && resp.StatusCode != s.until {
		return fmt.Errorf("status %d, never %d", resp.StatusCode, s.until)
	}
	if !s.unchecked {
		plain := got
		if resp.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(got))
			if err != nil {
				return err
			}
			if plain, err = io.ReadAll(z); err != nil {
				return err
			}
		}
		if err := described(req, body, resp, plain); err != nil {
			return fmt.Errorf("not as the OpenAPI document says: %w", err)
		}
	}
	return s.print(req, resp, got)
}

func once(client *http.Client, req *http.Request) (*http.Response, []byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp, got, err
}

func (s sending) print(req *http.Request, resp *http.Response, body []byte) error {
	var b strings.Builder
	if !s.bodyOnly {
		fmt.Fprintf(&b, "%s %d %s\n", resp.Proto, resp.StatusCode, http.StatusText(resp.StatusCode))
		if resp.Close { // the client takes the header away
			resp.Header.Set("Connection", "close")
		}
		names := make([]string, 0, len(resp.Header))
		for n := range resp.Header {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			v := strings.Join(resp.Header[n], ", ")
			switch {
			case n == "Date", n == "X-Bundle-Duration", n == "X-Ratelimit-Remaining", n == "X-Ratelimit-Reset":
				v = "…"
			case n == "X-Request-Id" && req.Header.Get(n) != v:
				v = uuid.ReplaceAllString(v, "…")
			case n == "Content-Length" && resp.StatusCode >= 400:
				v = "…"
			}
			fmt.Fprintf(&b, "%s: %s\n", n, v)
		}
		b.WriteString("\n")
	}
	if s.out != "" {
		if err := os.WriteFile(s.out, body, 0o644); err != nil {
			return err
		}
		body = nil
	}
	if resp.StatusCode >= 400 {
		body = changing.ReplaceAll(body, []byte(`$1…"`))
	}
	b.Write(body)
	_, err := os.Stdout.WriteString(b.String())
	return err
}

var (
	uuid     = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	changing = regexp.MustCompile(`("(?:requestId|timestamp)": ")[^"]+"`)
)

func (s sending) client() (*http.Client, error) {
	t := &http.Transport{Protocols: &http.Protocols{}, TLSClientConfig: &tls.Config{}}
	t.Protocols.SetHTTP1(!s.h2c)
	t.Protocols.SetHTTP2(s.ca != "")
	t.Protocols.SetUnencryptedHTTP2(s.h2c)
	if s.socket != "" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.socket)
		}
	}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.cert)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: t}, nil
}

// described checks a response against the OpenAPI document, and the request too
// if it succeeded.
func described(req *http.Request, body []byte, resp *http.Response, got []byte) error {
	for _, t := range []string{"application/zip", "image/svg+xml"} {
		openapi3filter.RegisterBodyDecoder(t, openapi3filter.FileBodyDecoder)
	}
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI())
	if err != nil {
		return err
	}
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return err
	}
	plain := *req
	plain.Header = oneName(req.Header)
	plain.URL = &url.URL{Path: req.URL.Path, RawQuery: req.URL.RawQuery}
	if plain.Method == http.MethodHead {
		plain.Method, got = http.MethodGet, nil
	}
	route, params, err := router.FindRoute(&plain)
	if errors.Is(err, routers.ErrPathNotFound) && resp.StatusCode == http.StatusNotFound ||
		errors.Is(err, routers.ErrMethodNotAllowed) && resp.StatusCode == http.StatusMethodNotAllowed {
		var v any
		if err := json.Unmarshal(got, &v); err != nil {
			return err
		}
		return doc.Components.Schemas["APIError"].Value.VisitJSON(v)
	}
	if err != nil {
		return err
	}
	in := &openapi3filter.RequestValidationInput{Request: &plain, PathParams: params, Route: route, Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}}
	if resp.StatusCode < 300 {
		plain.Body = io.NopCloser(bytes.NewReader(body))
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	if req.Method == http.MethodHead {
		return nil
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: oneName(resp.Header), Body: io.NopCloser(bytes.NewReader(got)), Options: in.Options,
	})
}

// oneName is h with the one name of its media type that the document has.
func oneName(h http.Header) http.Header {
	h = h.Clone()
	switch t := h.Get("Content-Type"); {
	case strings.Contains(t, "+json"):
		h.Set("Content-Type", "application/json")
	case strings.Contains(t, "yaml"):
		h.Set("Content-Type", "application/yaml")
	}
	return h
}
