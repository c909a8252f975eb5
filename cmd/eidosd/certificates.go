package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

const (
	maxPEM     = 1 << 20 // bytes
	checkEvery = time.Second
)

// certificates are those of a server, read again when a file has changed: at a handshake,
// once a second at most, and on SIGHUP. A file that cannot be read, or does not fit its
// key because only one of the two was written so far, leaves those before in use, and is
// tried again a second later. Connections keep what they began with. It is safe for
// concurrent use.
type certificates struct {
	cert, key, ca string // files; ca may be ""
	log           *slog.Logger

	mu      sync.Mutex
	checked time.Time
	seen    string // what the files were when they were read
	current *tls.Config
}

// newCertificates reads the files; a server does not start without them. The state of the
// files is taken before they are read: a change in between is seen by the next check, the
// other way round it would be missed.
func newCertificates(cert, key, ca string, log *slog.Logger) (*certificates, error) {
	c := &certificates{cert: cert, key: key, ca: ca, log: log}
	c.seen = c.look()
	var err error
	c.current, err = c.read()
	return c, err
}

// config is the configuration of a listener. It has no certificate itself: each handshake
// asks for the configuration of the moment.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.latest(), nil
		},
	}
}

// latest is what the files hold, a second ago at most.
func (c *certificates) latest() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < checkEvery {
		return c.current
	}
	return c.check()
}

// again reads the files now, if they have changed. c is nil for a server without TLS.
func (c *certificates) again() {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.check()
	}
}

// check reads the files if they have changed. Whoever calls it holds mu: handshakes wait
// for each other while files are read, which is once for each change. After a failure
// seen stays what it was, so that the next check reads again, and logs again.
func (c *certificates) check() *tls.Config {
	c.checked = time.Now()
	seen := c.look()
	if seen == c.seen {
		return c.current
	}
	next, err := c.read()
	if err != nil {
		c.log.Error("the certificates stay as they were", "error", schema.ErrorText(err))
		return c.current
	}
	c.seen, c.current = seen, next
	c.log.Info("read the certificates again")
	return c.current
}

// look is the state of the files, which changes when one of them does: times and sizes,
// of what a link leads to, as Kubernetes replaces the files of a Secret by links.
func (c *certificates) look() string {
	s := ""
	for _, f := range []string{c.cert, c.key, c.ca} {
		if info, err := os.Stat(f); err == nil {
			s += info.ModTime().String() + " " + time.Duration(info.Size()).String() + "\n"
		}
	}
	return s
}

// read makes a configuration of the files, at most maxPEM each. With an authority of
// clients every client must have a certificate of it. The code for a file that cannot be
// read is that of its cause (userfile.Read); Invalid for one that holds something else.
func (c *certificates) read() (*tls.Config, error) {
	certPEM, err := userfile.Read(c.cert, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("reading --tls-cert: %w", err)
	}
	keyPEM, err := userfile.Read(c.key, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("reading --tls-key: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "--tls-cert %q and --tls-key %q: %w", c.cert, c.key, err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	if c.ca == "" {
		return out, nil
	}
	caPEM, err := userfile.Read(c.ca, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("reading --client-ca: %w", err)
	}
	out.ClientCAs = x509.NewCertPool()
	if !out.ClientCAs.AppendCertsFromPEM(caPEM) {
		return nil, schema.Errorf(schema.Invalid, "--client-ca: no certificate in %q", c.ca)
	}
	out.ClientAuth = tls.RequireAndVerifyClientCert
	return out, nil
}
