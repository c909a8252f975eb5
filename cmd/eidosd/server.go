package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/cmd/internal/page"
	"github.com/NVIDIA/eidos/cmd/internal/trace"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
)

// server is one process of eidosd.
//
//	starting --catalogue read, listening--> ready --SIGTERM--> draining --no request left, or time over--> ended
//	                                        ^    |
//	                                        SIGHUP: another catalogue, or a reason why not
type server struct {
	*options
	log     *slog.Logger
	metrics *metrics
	api     *api.API
	http    *http.Server
	spans   *trace.Server
	certs   *certificates // nil without TLS
	signals chan os.Signal
}

// Limits of a connection. They are for clients that send or read slowly; how long an
// answer may take is options.timeout.
const (
	headerTimeout = 5 * time.Second // to send the headers of a request
	idleTimeout   = 75 * time.Second
	writeMargin   = 30 * time.Second // to take an answer, after it was made
	maxHeader     = 32 << 10         // bytes
)

// newServer makes everything but the listener: what can be wrong with settings and the
// catalogue is an error before a port is taken.
func newServer(ctx context.Context, o *options, version string, lookup func(string) (string, bool), errw io.Writer) (*server, error) {
	s := &server{options: o, log: newLogger(errw, o.LogLevel, o.service), signals: make(chan os.Signal, 4)}
	releases, err := s.catalogue(ctx)
	if err != nil {
		return nil, err
	}
	s.metrics = newMetrics(version)
	requests := newRequestLog(s.log, *o.LogRate, o.project)
	s.spans, err = trace.NewServer(lookup, version, func(err error) { s.log.Warn("traces are lost", "error", err.Error()) })
	if err != nil {
		return nil, err
	}
	s.api, err = api.New(api.Config{
		Version:     version,
		Limit:       api.Limit{Rate: float64(*o.RateLimit), Burst: int(o.RateBurst), Header: o.ClientHeader, Trusted: o.trusted},
		CacheBytes:  *o.CacheSize << 20,
		MaxBody:     o.MaxBody << 10,
		MaxInFlight: o.MaxInFlight,
		Timeout:     o.timeout,
		Metrics:     s.metrics.handler(),
		Page: page.Handler(page.Options{Ask: func(ctx context.Context, method, path, query string) (int, []byte) {
			return s.api.Ask(ctx, method, path, query)
		}}),
		Observe: func(r *api.Record) {
			s.metrics.observe(r)
			r.Trace = s.trace(r)
			requests.observe(r)
		},
		Log: func(format string, args ...any) {
			if s.log.Enabled(context.Background(), slog.LevelDebug) {
				s.log.Debug(fmt.Sprintf(format, args...))
			}
		},
	}, releases...)
	if err != nil {
		return nil, err
	}
	s.metrics.watch(s.api, requests, s.spans)
	s.http = &http.Server{
		Handler:           s.api,
		ReadHeaderTimeout: min(headerTimeout, o.timeout),
		ReadTimeout:       o.timeout,
		WriteTimeout:      o.timeout + writeMargin,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Protocols:         &http.Protocols{},
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	return s, nil
}

// catalogue reads the releases of the catalogue that the settings name. Nothing is kept on
// a disk: a server reads its directory when it starts and on SIGHUP.
func (s *server) catalogue(ctx context.Context) ([]*recipes.Catalog, error) {
	if s.Data != "" {
		// Compiling takes a hundred times the memory of what it makes.
		defer debug.FreeOSMemory()
	}
	return compile.Releases(ctx, "", s.Catalogue, s.Data)
}

// listen opens the address or the socket.
func (s *server) listen(ctx context.Context) (net.Listener, error) {
	network, address := "tcp", s.Address
	if s.Socket != "" {
		network, address = "unix", s.Socket
		if err := removeSocket(ctx, address); err != nil {
			return nil, err
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "listening on %q: %w", address, err)
	}
	if s.TLSCert == "" {
		return l, nil
	}
	s.certs, err = newCertificates(s.TLSCert, s.TLSKey, s.ClientCA, s.log)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, s.certs.config()), nil
}

// removeSocket removes the socket that a process before this one has left; what
// somebody listens on, and what is not a socket, stays.
func removeSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // there is none, or listening fails and says why
	}
	if info.Mode().Type() != os.ModeSocket {
		return schema.Errorf(schema.Invalid, "--socket: %q is there, and is not a socket", path)
	}
	if c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path); err == nil {
		return errors.Join(schema.Errorf(schema.Invalid, "--socket: another process listens on %q", path), c.Close())
	}
	return os.Remove(path)
}

// serve answers requests until a signal or ctx ends it. Signals stay ours until
// the process has ended: one that arrives between the last request and the exit
// would otherwise kill a server that shut down as it should.
func (s *server) serve(ctx context.Context) error {
	signal.Notify(s.signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	l, err := s.listen(ctx)
	if err != nil {
		return err
	}
	return s.serveOn(ctx, l)
}

// serveOn serves l until a signal, the end of ctx or a failure of the listener. This
// goroutine alone handles signals, so that a reload and a shutdown never overlap.
func (s *server) serveOn(ctx context.Context, l net.Listener) error {
	defer s.spans.Close()
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(l) }()
	s.api.SetReady(true, "")
	st := s.api.Status()
	s.log.Info("ready", "address", l.Addr().String(), "version", st.Version, "catalog", st.Catalog, "sources", string(st.Sources))
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("serving: %w", err)
		case <-ctx.Done():
			return s.shutdown()
		case sig := <-s.signals:
			if sig != syscall.SIGHUP {
				return s.shutdown()
			}
			s.reload(ctx)
		}
	}
}

// reload reads the certificates and the catalogue again. A catalogue that cannot
// be read changes nothing but what the log, a metric and /ready report. Requests that
// are under way end with the catalogue that they began with; the answers that were kept
// are of the old one, and go with it.
func (s *server) reload(ctx context.Context) {
	s.certs.again()
	releases, err := s.catalogue(ctx)
	if err == nil {
		err = s.api.Use(releases...)
	}
	s.metrics.reload(err)
	if err != nil {
		s.log.Error("the catalogue stays as it was", "data", s.Data, "error", schema.ErrorText(err))
		s.api.SetReady(true, "the catalogue could not be read again: see the log")
		return
	}
	s.api.SetReady(true, "")
	st := s.api.Status()
	s.log.Info("read the catalogue again", "catalog", st.Catalog, "sources", string(st.Sources))
}

// shutdown lets the requests in flight end. First /ready says no while requests are still
// taken, for --drain-delay: load balancers take a moment to notice. Then nothing is
// accepted, and what runs has --drain to end. A second signal ends it at once.
func (s *server) shutdown() error {
	s.api.Drain()
	s.log.Info("shutting down", "inFlight", s.api.InFlight())
	wait(s.drainDelay, s.signals)
	ctx, cancel := context.WithTimeout(context.Background(), s.drain)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.http.Shutdown(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				return errors.Join(schema.Errorf(schema.Timeout, "%d requests did not end in %s", s.api.InFlight(), s.drain), s.http.Close())
			}
			s.log.Info("ended")
			return nil
		case sig := <-s.signals:
			if sig != syscall.SIGHUP {
				return errors.Join(schema.Errorf(schema.Canceled, "a second signal: %d requests did not end", s.api.InFlight()), s.http.Close())
			}
		}
	}
}

// wait waits for d, or for another signal to end the process.
func wait(d time.Duration, signals <-chan os.Signal) {
	end := time.After(d)
	for {
		select {
		case <-end:
			return
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return
			}
		}
	}
}
