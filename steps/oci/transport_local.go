package oci

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// direct carries requests to a handler in this process. Bodies are streamed.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: pw, ready: make(chan struct{})}
	go func() {
		defer in.Body.Close()
		defer func() {
			// A bug must not take the process down with a half-told story.
			if p := recover(); p != nil {
				w.WriteHeader(http.StatusInternalServerError)
				pw.CloseWithError(fmt.Errorf("BUG: serving %s: %v", in.URL.Path, p))
			}
		}()
		d.handler.ServeHTTP(w, in)
		w.WriteHeader(http.StatusOK)
		_ = pw.Close() // never fails
	}()
	select {
	case <-w.ready:
	case <-req.Context().Done():
	}
	if err := req.Context().Err(); err != nil { // also if both came at once
		pr.CloseWithError(err) // the handler's writes fail
		return nil, err
	}
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: pr, ContentLength: -1, Request: req,
	}
	if s := w.sent.Get("Content-Length"); s != "" {
		if _, err := fmt.Sscan(s, &resp.ContentLength); err != nil {
			return nil, errors.Join(err, pr.Close())
		}
	}
	if req.Method == http.MethodHead {
		resp.Body = http.NoBody
		return resp, pr.Close()
	}
	return resp, nil
}

// pipeWriter is a ResponseWriter whose body is the other end of a pipe.
type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	ready  chan struct{} // closed when status and sent are final
	status int
	sent   http.Header
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
