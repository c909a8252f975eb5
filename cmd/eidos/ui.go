package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/cmd/internal/page"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinerun"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// ui is the server's pages for one person, with the runs of this machine. It changes
// nothing: the store is opened to read only. Until Ctrl-C it shares the store's lock, so
// that eidos cache gc fails as Unavailable; runs are not held up.
func (a *app) ui() *cobra.Command {
	var addr string
	var k *wire.Catalogue
	c := &cobra.Command{
		Use:   "ui",
		Short: "Show recipes and runs as pages in a browser, until Ctrl-C",
		Long: `Serve a page on this machine: the recipes of the catalogue with who set each
value, snapshots and what they show, and the pipelines that ran here, live.

It listens on loopback and answers nobody else; requests under another host name
are refused, so that no page of another site can read what is here.`,
		Example: `  eidos ui
  eidos ui --addr 127.0.0.1:9000 --data ./site`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.serveUI(c.Context(), addr, *k)
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8089", "address to listen on; port 0 is any")
	k = catalogueFlags(c)
	return c
}

// serveUI refuses addresses that other machines reach, as there are no users and runs may
// name what is private. It serves the API of eidosd from this process, without limits of
// clients and with 32 MiB for answers, and the pages ask it without a socket (api.Ask).
func (a *app) serveUI(ctx context.Context, addr string, k wire.Catalogue) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return schema.Errorf(schema.Invalid, "--addr %q is not an address with a port", addr).WithHint("use 127.0.0.1:8089")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return schema.Errorf(schema.Invalid, "--addr %q is not on loopback", addr).WithHint("eidosd serves other machines")
	}
	cache := "" // nothing is compiled without a directory
	if k.Data != "" {
		if cache, err = a.paths().Cache(); err != nil {
			return err
		}
	}
	releases, err := compile.Releases(ctx, cache, k.Release, k.Data)
	if err != nil {
		return err
	}
	return a.paths().ReadStore(func(s *store.Directory) error {
		// Set below. The pages use it only when a request comes, which is later.
		var server *api.API
		pages := page.Handler(page.Options{
			Ask: func(ctx context.Context, method, path, query string) (int, []byte) {
				return server.Ask(ctx, method, path, query)
			},
			Runs: a.pagesOfRuns(s),
		})
		server, err = api.New(api.Config{Version: versionOf(), CacheBytes: 32 << 20, Page: pages}, releases...)
		if err != nil {
			return err
		}
		server.SetReady(true, "")
		return a.serveLoopback(ctx, addr, server)
	})
}

// pagesOfRuns reads runs from a state directory. Each request reads the journals again,
// so that a run which is going on is shown as it is. Its functions are called by several
// requests at once.
func (a *app) pagesOfRuns(s *store.Directory) *page.Runs {
	return &page.Runs{
		List:   func() ([]history.Run, error) { return history.List(s) },
		Find:   func(id string) (history.Run, error) { return history.Find(s, id) },
		Events: func(id string) ([]engine.Event, error) { return s.Events(id) },
		Plan: func(ctx context.Context, r history.Run) (*plan.Plan, error) {
			if r.Source == nil {
				return nil, schema.Errorf(schema.NotFound, "run %q does not name its pipeline", r.ID)
			}
			text, err := pipelinerun.Text(ctx, s, r.Source.Text)
			if err != nil {
				return nil, err
			}
			// Nothing is run: the plan is for its picture. The requests for it may
			// come at the same time, and each has a wiring of its own.
			w := a.wire(wire.Options{})
			src := &pipelinefile.Source{Name: r.Pipeline, File: r.Source.File, Dir: r.Source.Dir, Text: text}
			if src.Given, err = pipelinerun.Given(r); err != nil {
				return nil, err
			}
			return w.Reader(nil).Compile(ctx, src, w.Kinds, plan.Options{})
		},
	}
}

// serveLoopback serves h until ctx ends, which is not an error: the status is 0. The second
// that requests have to end is less than what main waits for a command (endLimit).
func (a *app) serveLoopback(ctx context.Context, addr string, h http.Handler) error {
	l, err := oci.Listen(ctx, "tcp", addr)
	if err != nil {
		return schema.Errorf(schema.CodeOf(err), "%w", err).WithHint("choose another address with --addr; port 0 is any")
	}
	srv := &http.Server{Handler: localOnly(h), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10}
	a.Say("serving recipes and runs at http://%s/", l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	// A page that polls is not waited for.
	stop, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if srv.Shutdown(stop) != nil {
		return srv.Close()
	}
	return nil
}

// localOnly refuses requests under a name that is not of loopback: a page of another site
// whose name was made to lead here (DNS rebinding) would be one. Listening on loopback
// alone does not prevent that, as the browser that asks is on this machine.
func localOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this page is for this machine only", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
