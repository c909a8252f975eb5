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
	"github.com/NVIDIA/eidos/steps/oci"
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

// Limits of a connection. They are for clients that send or read slowly; how long making
// an answer may take is options.timeout. Without headerTimeout a client that opens
// connections and sends nothing would keep each of them for the whole of options.timeout.
const (
	headerTimeout = 5 * time.Second // to send the headers of a request
	idleTimeout   = 75 * time.Second
	writeMargin   = 30 * time.Second // to take an answer, after it was made
	maxHeader     = 32 << 10         // bytes
)

// newServer makes everything but the listener: what can be wrong with settings and the
// catalogue is an error before a port is taken. With tracing on it starts the goroutine
// of s.spans, which serveOn ends.
//
// Page and Observe are called for requests, so only after this has returned: they may use
// s.api and s.metrics, which are set further down.
func newServer(ctx context.Context, o *options, version string, lookup func(string) (string, bool), errw io.Writer) (*server, error) {
	s := &server{options: o, log: newLogger(errw, o.LogLevel, o.service), signals: make(chan os.Signal, 4)}
	// Compiling a directory takes seconds, in which it may change once more: the signal
	// that reports this waits until the server is ready, and must not end the process.
	signal.Notify(s.signals, syscall.SIGHUP)
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
			// Called from several goroutines at once. The trace comes before the log,
			// whose line contains its id.
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
	// ReadTimeout includes the body of the request. WriteTimeout begins when its headers
	// have been read, so it includes the time to make the answer. What net/http itself
	// has to log, such as TLS handshakes that fail, is on the level of debugging:
	// scanners cause it.
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

// catalogue reads the releases of the catalogue that the settings name. Nothing is kept
// on a disk: a server compiles --data when it starts and on SIGHUP, never for a request.
func (s *server) catalogue(ctx context.Context) ([]*recipes.Catalog, error) {
	if s.Data != "" {
		// Compiling takes a hundred times the memory of what it makes. Freed at once, it
		// does not count against the container's limit until the runtime gets to it.
		defer debug.FreeOSMemory()
	}
	return compile.Releases(ctx, "", s.Catalogue, s.Data)
}

// listen opens the address or the socket. The certificates are read after that, and the
// listener is closed again if they cannot be used. Whoever serves the listener closes it,
// which also removes the file of a Unix socket; after kill -9 that file stays.
func (s *server) listen(ctx context.Context) (net.Listener, error) {
	network, address := "tcp", s.Address
	if s.Socket != "" {
		network, address = "unix", s.Socket
		if err := removeSocket(ctx, address); err != nil {
			return nil, err
		}
	}
	l, err := oci.Listen(ctx, network, address)
	if err != nil {
		return nil, err
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

// removeSocket removes the socket file that an earlier process has left after kill -9;
// what somebody listens on, and what is not a socket, stays. Only a connection shows
// whether a socket is in use: its file looks the same in both cases. Lstat does not
// follow links, so that a link is refused and nothing outside the named path is removed.
func removeSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // there is none, or listening fails and says why
	}
	if info.Mode().Type() != os.ModeSocket {
		return schema.Errorf(schema.Invalid, "--socket: %q is there, and is not a socket", path)
	}
	if c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path); err == nil {
		return errors.Join(schema.Errorf(schema.Unavailable, "--socket: another process listens on %q", path), c.Close())
	}
	return os.Remove(path)
}

// serve answers requests until a signal or ctx ends it. Until this is called, while the
// catalogue is read, every signal but SIGHUP has its default effect and ends the process:
// there is nothing to clean up yet. From here on signals are never given back: one that
// arrives between the last request and the exit would otherwise kill a server that shut
// down as it should.
func (s *server) serve(ctx context.Context) error {
	signal.Notify(s.signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	l, err := s.listen(ctx)
	if err != nil {
		return err
	}
	return s.serveOn(ctx, l)
}

// serveOn serves l until a signal, the end of ctx or a failure of the listener. This
// goroutine alone handles signals, so that a reload and a shutdown never overlap: a
// SIGTERM during a reload waits in s.signals until the catalogue is compiled. The channel
// has room for four; what arrives beyond that is lost, a SIGTERM after four times SIGHUP
// included.
func (s *server) serveOn(ctx context.Context, l net.Listener) error {
	defer s.spans.Close()
	// Buffered: after a shutdown nobody receives from it, and the goroutine must not
	// stay.
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

// reload reads the certificates and the catalogue again. A catalogue that cannot be read
// changes nothing but what the log, a metric and /ready report; the server stays ready,
// as replicas often read the same directory, and a mistake in it would take all of them
// out of service. Requests that are under way end with the catalogue that they began
// with; the answers that were kept are of the old one, and go with it.
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

// shutdown lets the requests in flight end. First /ready answers 503 while requests are
// still taken, for --drain-delay: load balancers take a moment to notice. Then nothing is
// accepted, and what runs has --drain to end. A second signal closes all connections at
// once, also during --drain-delay. SIGHUP is ignored: a process that ends needs no other
// catalogue.
//
// The result is nil if every request ended, Timeout if --drain was too short, Canceled
// after a further signal. The context is a new one, since that of serve may be done.
func (s *server) shutdown() error {
	s.api.Drain()
	s.log.Info("shutting down", "inFlight", s.api.InFlight())
	if !wait(s.drainDelay, s.signals) {
		return s.stop()
	}
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
				return s.stop()
			}
		}
	}
}

// stop ends the shutdown after a second signal: what is in flight does not end.
func (s *server) stop() error {
	return errors.Join(schema.Errorf(schema.Canceled, "a second signal: %d requests did not end", s.api.InFlight()), s.http.Close())
}

// wait waits for d, and reports whether it passed: another signal than SIGHUP ends the
// delay.
func wait(d time.Duration, signals <-chan os.Signal) bool {
	end := time.After(d)
	for {
		select {
		case <-end:
			return true
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return false
			}
		}
	}
}
