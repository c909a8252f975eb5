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
