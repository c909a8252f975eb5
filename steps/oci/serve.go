package oci

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Handler serves the embedded registry in dir.
func Handler(dir string) http.Handler { return directory(dir) }

// Listen listens on addr: Invalid if that is not an address, Failed if it is in use or not
// one of this host. What serves anything here comes through it.
func Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, network, addr)
	if err == nil {
		return l, nil
	}
	code := schema.Failed
	var wrong *net.AddrError
	if errors.As(err, &wrong) {
		code = schema.Invalid
	}
	return nil, schema.Errorf(code, "listening on %q: %w", addr, err)
}

// Serve serves the embedded registry in dir at addr (host:port; port 0 takes a
// free one) until ctx is done, then finishes what is under way for up to one
// second. It calls ready with the address once it listens. It asks for no
// password: addr should be on loopback.
func Serve(ctx context.Context, dir, addr string, ready func(addr string)) error {
	ln, err := Listen(ctx, "tcp", addr)
	if err != nil {
		return schema.Errorf(schema.CodeOf(err), "%w", err).WithHint("choose another address with --addr; port 0 is any")
	}
	srv := &http.Server{Handler: directory(dir), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	ready(ln.Addr().String())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err = srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if serr := <-done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}
