package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server in this process.
type running struct {
	*server
	address string
	log     *lockedBuffer
	ended   chan error
}

// makeServer makes a server that does not listen yet, and its log.
func makeServer(t *testing.T, args ...string) (*server, *lockedBuffer) {
	t.Helper()
	none := func(string) (string, bool) { return "", false }
	o, err := readOptions(args, none, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	s, err := newServer(context.Background(), o, "test", none, log)
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func startServer(t *testing.T, args ...string) *running {
	t.Helper()
	s, log := makeServer(t, args...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{s, l.Addr().String(), log, make(chan error, 1)}
	go func() { r.ended <- s.serveOn(context.Background(), l) }()
	t.Cleanup(func() { _ = s.http.Close() })
	return r
}

// closedIn reads until the server closes c, and returns what came.
func closedIn(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("the connection stays open: %v, after %q", err, got)
	}
	return string(got)
}

func dial(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSlowClients: who does not send the headers, or the body, in time is not
// waited for; headers are bounded.
func TestSlowClients(t *testing.T) {
	s := startServer(t, "--timeout", "300ms")
	if got := closedIn(t, dial(t, s.address, "GET /v1/recipe HTTP/1.1\r\nHost: a\r\nX-A: ")); strings.Contains(got, "200") {
		t.Errorf("half a header: %q", got)
	}
	got := closedIn(t, dial(t, s.address, "POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
	if !strings.HasPrefix(got, "HTTP/1.1 408 Request Timeout\r\n") || !strings.Contains(got, `"code": "timeout"`) {
		t.Errorf("half a body: %q", got)
	}
	got = closedIn(t, dial(t, s.address, "GET /health HTTP/1.1\r\nHost: a\r\nX-A: "+strings.Repeat("a", 64<<10)+"\r\n\r\n"))
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("huge headers: %q", got)
	}
}

// TestDrain: a request whose body is on its way when the signal comes is
// answered, new connections are not, and the server ends without an error.
func TestDrain(t *testing.T) {
	s := startServer(t)
	const body = `{"kind":"Snapshot","apiVersion":"eidos.nvidia.com/v1alpha1","metadata":{"timestamp":"2026-01-01T00:00:00Z","version":"v1","source":"a"},"measurements":[]}`
	c := dial(t, s.address, fmt.Sprintf("POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", len(body)))
	for s.api.InFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.signals <- syscall.SIGTERM
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		n, err := net.Dial("tcp", s.address)
		if err != nil {
			break
		}
		_ = n.Close()
		if time.Now().After(end) {
			t.Fatal("it still accepts connections")
		}
	}
	if _, err := io.WriteString(c, body[1:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || !resp.Close {
		t.Errorf("status %d, close %v", resp.StatusCode, resp.Close)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// TestDrainLimit: what does not end in time is left, and the exit status reports it.
func TestDrainLimit(t *testing.T) {
	s := startServer(t, "--drain", "50ms")
	dial(t, s.address, "POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	for s.api.InFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.signals <- syscall.SIGTERM
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), "1 requests did not end in 50ms") {
		t.Errorf("ended with %v", err)
	}
}

// TestHangUpWhileStarting: SIGHUP before the server listens, when whoever has changed
// --data cannot know that it is being read, does not end the process. It is read again.
func TestHangUpWhileStarting(t *testing.T) {
	s, log := makeServer(t)
	t.Cleanup(func() { signal.Stop(s.signals) })
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.serveOn(context.Background(), l) }()
	for end := time.Now().Add(patience); !strings.Contains(log.String(), "read the catalogue again"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the catalogue is not read again: %s", log)
		}
	}
	s.signals <- syscall.SIGTERM
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
