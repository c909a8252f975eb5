package kube

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/tools/kube/cluster"
	"github.com/NVIDIA/eidos/tools/kube/kubetest"
)

// onPage calls f when the client asks for the n-th page of Pods.
func onPage(c *Client, n int, f func()) {
	var mu sync.Mutex
	pages := 0
	c.http.Transport = count{c.http.Transport, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/pods") {
			mu.Lock()
			defer mu.Unlock()
			if pages++; pages == n {
				f()
			}
		}
	}}
}

func fill(t *testing.T, k *kubetest.Cluster) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(10)
	for i := range 30 {
		g.Go(func() error {
			addPod(t, k, fmt.Sprintf("p%d", i), "", fmt.Sprintf("reg.io/app-%d:v1", i))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	addNode(t, k, "n", "", "v1.33.5", "Ubuntu", "6.8", nil)
}

// What befalls the API server in the middle of a snapshot. It completes when
// the server comes back in time, and says where it was when not.
func TestRealServerInTrouble(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server of its own")
	}
	k := kubetest.Own(t, cluster.Options{})
	fill(t, k)
	p := schema.CollectParams{Collectors: []schema.Collector{"k8s", "topology"}}
	complete := func(t *testing.T, c *Client) {
		t.Helper()
		s, err := collected(t, c, Node{Name: "n"}, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(subtype(s, "image")); got != 30 {
			t.Errorf("%d images of 30", got)
		}
	}
	t.Run("restarted", func(t *testing.T) {
		c := client(t, k.Kubeconfig)
		c.page = 5
		var restarted sync.WaitGroup
		onPage(c, 3, func() {
			restarted.Go(func() {
				if err := k.Server.Restart(500 * time.Millisecond); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(50 * time.Millisecond) // the page is asked for while it is down
		})
		complete(t, c)
		restarted.Wait()
	})
	t.Run("paused and resumed", func(t *testing.T) {
		c := client(t, k.Kubeconfig)
		c.page = 5
		onPage(c, 3, func() {
			if err := k.Server.Pause(); err != nil {
				t.Error(err)
			}
			time.AfterFunc(time.Second, func() { _ = k.Server.Resume() })
		})
		complete(t, c)
	})
	t.Run("paused for good", func(t *testing.T) {
		c := client(t, k.Kubeconfig)
		c.page = 5
		onPage(c, 3, func() {
			if err := k.Server.Pause(); err != nil {
				t.Error(err)
			}
		})
		defer func() {
			if err := k.Server.Resume(); err != nil {
				t.Error(err)
			}
		}()
		p := p
		p.CollectTimeout = "5s"
		_, err := collected(t, c, Node{Name: "n"}, p)
		if schema.CodeOf(err) != schema.Timeout || !stoppedAt("no answer from").MatchString(err.Error()) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		c := client(t, k.Kubeconfig)
		c.page = 5
		slow(t, c, 20*time.Millisecond)
		complete(t, c)
	})
	t.Run("too slow", func(t *testing.T) {
		c := client(t, k.Kubeconfig)
		c.page = 1
		slow(t, c, 200*time.Millisecond)
		p := p
		p.CollectTimeout = "3s"
		_, err := collected(t, c, Node{Name: "n"}, p)
		if schema.CodeOf(err) != schema.Timeout || !strings.Contains(err.Error(), "list pods: no answer") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("gone", func(t *testing.T) { // the last: it does not come back
		c := client(t, k.Kubeconfig)
		c.page = 5
		c.retries.Pause = time.Millisecond
		onPage(c, 3, func() {
			if err := k.Server.Stop(); err != nil {
				t.Error(err)
			}
		})
		_, err := collected(t, c, Node{Name: "n"}, p)
		if schema.CodeOf(err) != schema.Unavailable || !stoppedAt("nothing listens at").MatchString(err.Error()) {
			t.Errorf("got %v", err)
		}
	})
}

// slow puts something between c and its server that holds every piece of an
// answer back for d.
func slow(t *testing.T, c *Client, d time.Duration) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	target := c.base.Host
	go func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", target)
			if err != nil {
				down.Close()
				continue
			}
			go func() { _, _ = io.Copy(up, down); up.Close() }()
			go func() {
				defer down.Close()
				buf := make([]byte, 16<<10)
				for {
					n, err := up.Read(buf)
					time.Sleep(d)
					if _, werr := down.Write(buf[:n]); errors.Join(err, werr) != nil {
						return
					}
				}
			}()
		}
	}()
	base := *c.base
	base.Host = l.Addr().String()
	c.base = &base
}

// stoppedAt is the message of a list that ended in the middle. Answers that
// were under way when the server stopped may still come: the page is the third
// or one soon after.
func stoppedAt(why string) *regexp.Regexp {
	return regexp.MustCompile(`collecting k8s\.image: page [3-9]: list pods: ` + why + ` 127\.0\.0\.1`)
}
