package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestRestartUnderLoad: of 10,000 requests that are sent while the server is
// stopped by SIGTERM and started again five times, each one that it accepted has
// its answer, whole.
func TestRestartUnderLoad(t *testing.T) {
	const requests, restarts = 10_000, 5
	program, err := exec.LookPath("eidosd") // TestMain puts it there
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	start := func(n int) *exec.Cmd {
		log, err := os.Create(filepath.Join(dir, strconv.Itoa(n)+".log"))
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		cmd := exec.Command(program, "--address", address, "--rate-limit", "0", "--log-rate", "1000000")
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}

	server := start(0)
	var answered atomic.Int64
	load := startLoad("http://"+address+"/v1/recipe?service=eks&intent=training", requests, &answered)
	for n := range restarts {
		// Each life of the server has its share of the requests.
		for want := int64((n + 1) * requests / (restarts + 1)); answered.Load() < want; time.Sleep(time.Millisecond) {
			if load.failed() != nil {
				break
			}
		}
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("restart %d: %v", n, err)
		}
		server = start(n + 1)
	}
	if err := load.wait(); err != nil {
		t.Error(err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	accepted := 0
	for n := range restarts + 1 {
		data, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(n)+".log"))
		if err != nil {
			t.Fatal(err)
		}
		accepted += strings.Count(string(data), `"msg":"request"`)
	}
	if got := int(answered.Load()); got != requests || accepted != got {
		t.Errorf("%d requests were answered, %d accepted, want %d", got, accepted, requests)
	}
}

// load sends requests from several clients, each again until it is answered: a
// connection that no server took loses nothing.
type load struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	err   error
	tries atomic.Int64
}

func startLoad(url string, requests int, answered *atomic.Int64) *load {
	const clients = 16
	l := &load{}
	var next atomic.Int64
	for range clients {
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}}
			for next.Add(1) <= int64(requests) {
				if err := l.until(client, url); err != nil {
					l.mu.Lock()
					l.err = errors.Join(l.err, err)
					l.mu.Unlock()
					return
				}
				answered.Add(1)
			}
		}()
	}
	return l
}

// until sends one request until a server takes it.
func (l *load) until(client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		l.tries.Add(1)
		resp, err := client.Do(req)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			time.Sleep(2 * time.Millisecond) // nobody listens: it starts again
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch {
		case err != nil:
			return errors.New("half an answer: " + err.Error())
		case resp.StatusCode != http.StatusOK || int64(len(body)) != resp.ContentLength:
			return fmt.Errorf("status %s, %d of %d bytes", resp.Status, len(body), resp.ContentLength)
		}
		return nil
	}
}

func (l *load) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *load) wait() error {
	l.wg.Wait()
	return l.failed()
}
