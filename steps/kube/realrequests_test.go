package kube

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// A snapshot takes one connection, and asks for the lists that grow with a
// cluster in pages and protobuf.
func TestRealRequests(t *testing.T) {
	k := kubetest.New(t)
	addNode(t, k, "requests-1", "", "v1.33.5", "Ubuntu", "6.8", nil)
	for i := range 5 {
		addPod(t, k, fmt.Sprintf("p%d", i), "", "requests-app:1")
	}
	c := client(t, k.Kubeconfig)
	c.page = 2
	var mu sync.Mutex
	connections := 0
	pages := map[string]int{}
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		mu.Lock()
		defer mu.Unlock()
		if !i.Reused {
			connections++
		}
	}}
	next := c.http.Transport
	c.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		list := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		switch list {
		case "pods", "nodes", "secrets":
			pages[list]++
			if !strings.HasPrefix(r.Header.Get("Accept"), protoType) {
				t.Errorf("%s are asked for as %s", list, r.Header.Get("Accept"))
			}
			// Helm's Secrets come one by one, after a page of names.
			if limit := r.URL.Query().Get("limit"); limit != "2" && !(list == "secrets" && limit == "1") {
				t.Errorf("%s are asked for with limit %q", list, limit)
			}
		}
		mu.Unlock()
		return next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	})
	if _, err := collected(t, c, Node{Name: "requests-1"}, schema.CollectParams{}); err != nil {
		t.Fatal(err)
	}
	if connections != 1 {
		t.Errorf("%d connections", connections)
	}
	if pages["pods"] < 3 || pages["nodes"] < 1 || pages["secrets"] < 1 {
		t.Errorf("pages %v", pages)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// However many want to ask, one client asks no more often than it may.
func TestQueriesASecond(t *testing.T) {
	_, c := serve(t, map[string]http.HandlerFunc{})
	var all sync.WaitGroup
	start := time.Now()
	for range burst + queries {
		all.Go(func() {
			if _, err := c.server(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if d := time.Since(start); d < 900*time.Millisecond {
		t.Errorf("%d requests in %s", burst+queries, d)
	}
}
