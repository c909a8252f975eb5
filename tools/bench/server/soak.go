package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	mostMemory = 80 << 20 // bytes that the server may take under load
	mayGrow    = 8 << 20  // from the second tenth to the last: the first fills the caches
)

// mixed is what wrk sends besides fresh bundles: recipes that are kept, and one
// request in twenty that is hostile.
const mixed = `local fresh, body = request, wrk.body
local hostile = {
  function() return wrk.format('GET', '/v1/recipe?' .. string.rep('a', 9000), nil, '') end,
  function() return wrk.format('POST', '/v1/bundle', nil, string.rep('[', 5000)) end,
  function() return wrk.format('POST', '/v1/bundle', nil, body:sub(1, 9000)) end,
  function() return wrk.format('POST', '/v1/bundle', {['Content-Type'] = 'text/html'}, body) end,
  function() return wrk.format('DELETE', '/v1/bundle') end,
  function() return wrk.format('GET', '/../../etc/passwd', nil, '') end,
  function() return wrk.format('GET', '/v1/recipe?service=%zz%00', nil, '') end,
  function() return wrk.format('POST', '/v1/validate', nil, 'a: &a [*a]') end,
}
local k = 0
request = function()
  k = k + 1
  if k % 20 == 0 then return hostile[(k / 20) % #hostile + 1]() end
  if k % 3 == 0 then return wrk.format('GET', '/v1/recipe?` + criteria + `', nil, '') end
  return fresh()
end
`

// soak sends fresh bundles, and if hostile is set what else there is in mixed and
// on connections that break the protocol. It fails if the memory grows or is over
// its limit, if a request is lost, and if the server fails one.
func (b *bench) soak(d time.Duration, hostile bool) error {
	s, err := spawn(b.eidosd, "--address", eidosAddress, "--rate-limit", "10000000")
	if err != nil {
		return err
	}
	defer s.stop()
	requests, err := b.requests()
	if err != nil {
		return err
	}
	script, err := b.script(requests[2])
	if err != nil {
		return err
	}
	before, err := served()
	if err != nil {
		return err
	}
	broken := 0
	if hostile {
		text, err := os.ReadFile(script)
		if err == nil {
			err = os.WriteFile(script, append(text, mixed...), 0o644)
		}
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan int)
		go func() { done <- breakProtocol(ctx) }()
		defer func() { cancel(); fmt.Printf("%d connections broke the protocol\n", <-done) }()
		broken = int(d/pauseBetween) + len(attacks())
	}
	var sent, bad int
	var memory []int64
	for i := range 10 {
		cpu, err := s.cpu()
		if err != nil {
			return err
		}
		n, refused, err := b.load(d/10, script, requests[2].path)
		if err != nil {
			return err
		}
		rss, err := s.memory()
		if err != nil {
			return err
		}
		after, err := s.cpu()
		if err != nil {
			return err
		}
		sent, bad, memory = sent+n, bad+refused, append(memory, rss)
		fmt.Printf("%2d  %d requests, %d refused, %.0f/s, %.1f ms of processor time each, memory %.1f MiB\n", i+1, n, refused,
			float64(n)/(d/10).Seconds(), float64((after-cpu).Microseconds())/1000/float64(n), float64(rss)/(1<<20))
	}
	after, err := served()
	if err != nil {
		return err
	}
	// wrk leaves the requests that are in flight at the end of each tenth.
	total := after.all - before.all
	fmt.Printf("%d requests sent, %d answered, %d refused, %d failed\n", sent, total, bad, after.failed-before.failed)
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(total >= sent && total <= sent+10*b.connections+broken, "%d requests sent, %d answered", sent, total)
	check(after.failed == before.failed, "%d requests failed", after.failed-before.failed)
	check(hostile == (bad > 0) && bad <= sent/20+10*b.connections, "%d of %d requests were refused", bad, sent)
	last := memory[len(memory)-1]
	check(last <= mostMemory, "the server takes %d MiB", last>>20)
	check(last-memory[1] <= mayGrow, "its memory grew from %d to %d MiB", memory[1]>>20, last>>20)
	return errors.Join(errs...)
}

// load runs wrk and counts the requests that were answered, and those of them that
// were refused.
func (b *bench) load(d time.Duration, script, path string) (n, refused int, err error) {
	seconds := strconv.Itoa(max(1, int(d.Seconds())))
	out, err := exec.Command(b.wrk, "-t2", "-c"+strconv.Itoa(b.connections), "-d"+seconds+"s", "--timeout", "30s", "-s", script, "http://"+eidosAddress+path).CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if m := badLine.FindSubmatch(out); m != nil && len(m[2]) > 0 {
		return 0, 0, fmt.Errorf("requests were lost: %s", m[2])
	} else if m != nil {
		if refused, err = strconv.Atoi(string(m[1])); err != nil {
			return 0, 0, err
		}
	}
	m := countLine.FindSubmatch(out)
	if m == nil {
		return 0, 0, fmt.Errorf("wrk printed %s", out)
	}
	n, err = strconv.Atoi(string(m[1]))
	return n, refused, err
}

// counts are what the server reports of its requests.
type counts struct {
	all, failed int // failed: with a status of 500 or more
}

func served() (counts, error) {
	var c counts
	r, err := http.Get("http://" + eidosAddress + "/metrics")
	if err != nil {
		return c, err
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "eidos_http_requests_total{") {
			continue
		}
		labels, value, _ := strings.Cut(lines.Text(), "} ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return c, fmt.Errorf("reading metrics: %w", err)
		}
		c.all += int(n)
		if strings.Contains(labels, `status="5`) {
			c.failed += int(n)
		}
	}
	return c, lines.Err()
}

// pauseBetween is the time between two connections that break the protocol.
const pauseBetween = 100 * time.Millisecond

// attacks are what such a connection sends before it is left.
func attacks() []string {
	post := "POST /v1/bundle HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	return []string{
		post + "Content-Length: 100000\r\n\r\n{\"kind\":",
		post + "Content-Length: 99999999999\r\n\r\n{",
		post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{",
		post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
		"GET /v1/recipe HTTP/1.1\r\nHost: x\r\nX-Slow",
		"GET /v1/recipe HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00\x00\x04\x01\x04\x7f\xff\xff\xff", 100),
		"GET /v1/graph?service=eks HTTP/1.1\r\nHost: x\r\n\r\n", // the answer is not read
	}
}

// breakProtocol opens connections until ctx ends, and returns how many.
func breakProtocol(ctx context.Context) (n int) {
	for all := attacks(); ctx.Err() == nil; n++ {
		c, err := net.Dial("tcp", eidosAddress)
		if err != nil {
			return n
		}
		// What becomes of them is the server's: its other clients must not notice.
		_, _ = io.Copy(c, bytes.NewReader([]byte(all[n%len(all)])))
		if n%2 == 0 {
			_ = c.Close()
		} else {
			time.AfterFunc(10*time.Second, func() { _ = c.Close() })
		}
		select {
		case <-ctx.Done():
		case <-time.After(pauseBetween):
		}
	}
	return n
}
