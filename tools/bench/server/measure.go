package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a process that serves.
type server struct {
	cmd *exec.Cmd
	url string
}

// spawn starts a program and waits until it answers /ready.
func spawn(program string, args ...string) (*server, error) {
	s := &server{cmd: exec.Command(program, args...)}
	for i, a := range args {
		if a == eidosAddress || a == bareAddress {
			s.url = "http://" + args[i] + "/ready"
		}
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(500 * time.Microsecond) {
		resp, err := http.Get(s.url)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", program)
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// cpu is the processor time that the process has taken.
func (s *server) cpu() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime, see proc(5)
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memory is the resident set, in bytes.
func (s *server) memory() (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// measured is one measurement.
type measured struct {
	rate float64 // requests a second
	p99  time.Duration
	cpu  float64 // microseconds of the server's processor time, a request
}

var (
	rateLine  = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	p99Line   = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
	countLine = regexp.MustCompile(`([0-9]+) requests in`)
	badLine   = regexp.MustCompile(`Non-2xx or 3xx responses: ([0-9]+)|Socket errors: (.*)`)
)

func (b *bench) measure(s *server, address string, r request, script string) (measured, error) {
	args := []string{"-t2", "-c" + strconv.Itoa(b.connections), "-d" + strconv.Itoa(int(b.duration.Seconds())) + "s", "--timeout", "30s", "--latency"}
	if script != "" {
		args = append(args, "-s", script)
	}
	before, err := s.cpu()
	if err != nil {
		return measured{}, err
	}
	out, err := exec.Command(b.wrk, append(args, "http://"+address+r.path)...).CombinedOutput()
	if err != nil {
		return measured{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := s.cpu()
	if err != nil {
		return measured{}, err
	}
	if m := badLine.FindSubmatch(out); m != nil {
		return measured{}, fmt.Errorf("requests failed: %s", m[0])
	}
	rate, p99, count := rateLine.FindSubmatch(out), p99Line.FindSubmatch(out), countLine.FindSubmatch(out)
	if rate == nil || p99 == nil || count == nil {
		return measured{}, fmt.Errorf("wrk printed %s", out)
	}
	var m measured
	if m.rate, err = strconv.ParseFloat(string(rate[1]), 64); err != nil {
		return m, err
	}
	if m.p99, err = time.ParseDuration(string(p99[1]) + string(p99[2])); err != nil {
		return m, err
	}
	n, err := strconv.ParseFloat(string(count[1]), 64)
	m.cpu = float64((after - before).Microseconds()) / n
	return m, err
}

// median takes the middle of each figure.
func median(all []measured) measured {
	var rates, cpus []float64
	var p99s []time.Duration
	for _, m := range all {
		rates, cpus, p99s = append(rates, m.rate), append(cpus, m.cpu), append(p99s, m.p99)
	}
	return measured{middle(rates), middle(p99s), middle(cpus)}
}

func middle[T float64 | time.Duration](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}

// soak sends fresh bundles, one in twenty of them hostile, and prints the memory.
func (b *bench) soak(d time.Duration) error {
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
	f, err := os.OpenFile(script, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(`local fresh, body, bad, lost = request, wrk.body, 0, 0
local hostile = {
  function() return wrk.format('GET', '/v1/recipe?' .. string.rep('a', 9000), nil, '') end,
  function() return wrk.format('POST', '/v1/bundle', nil, string.rep('[', 5000)) end,
  function() return wrk.format('POST', '/v1/bundle', nil, body:sub(1, 9000)) end,
  function() return wrk.format('DELETE', '/v1/bundle') end,
  function() return wrk.format('GET', '/../../etc/passwd', nil, '') end,
  function() return wrk.format('POST', '/v1/validate', nil, 'a: &a [*a]') end,
}
local k = 0
request = function()
  k = k + 1
  if k % 20 == 0 then return hostile[(k / 20) % #hostile + 1]() end
  if k % 3 == 0 then return wrk.format('GET', '/v1/recipe?` + criteria + `', nil, '') end
  return fresh()
end
`)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	for i := range 10 {
		seconds := strconv.Itoa(max(1, int((d / 10).Seconds())))
		out, err := exec.Command(b.wrk, "-t2", "-c16", "-d"+seconds+"s", "--timeout", "30s", "-s", script, "http://"+eidosAddress+requests[2].path).CombinedOutput()
		if err != nil {
			return fmt.Errorf("wrk: %w: %s", err, out)
		}
		rss, err := s.memory()
		if err != nil {
			return err
		}
		bad := regexp.MustCompile(`Non-2xx or 3xx responses: ([0-9]+)`).FindSubmatch(out)
		refused := "0"
		if bad != nil {
			refused = string(bad[1])
		}
		if lost := regexp.MustCompile(`Socket errors: .*`).Find(out); lost != nil {
			return fmt.Errorf("%s", lost)
		}
		fmt.Printf("%2d  %s requests, %s refused, %s/s, memory %d MiB\n", i+1, countLine.FindSubmatch(out)[1], refused, rateLine.FindSubmatch(out)[1], rss>>20)
	}
	return nil
}
