// Command server measures eidosd beside a bare net/http server that answers the
// same bytes, in one run on the same processors: requests a second, the 99th
// percentile, and processor time a request. Both are asked in turn, several
// times, and what is printed is the median, because other work on the machine
// comes and goes. See scripts/bench-server.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		fatal(bare(os.Args[2], os.Args[3], os.Args[4]))
		return
	}
	var b bench
	flag.StringVar(&b.eidosd, "eidosd", "bin/eidosd", "the server")
	flag.StringVar(&b.wrk, "wrk", "wrk", "the load generator")
	flag.StringVar(&b.snapshot, "snapshot", "testdata/snapshots/h100-eks.yaml", "the snapshot to check")
	flag.DurationVar(&b.duration, "d", 5*time.Second, "length of one measurement")
	flag.IntVar(&b.rounds, "rounds", 3, "measurements of each")
	flag.IntVar(&b.connections, "c", 16, "connections")
	soak := flag.Duration("soak", 0, "instead: mixed load for so long, one request in twenty hostile")
	bundles := flag.Duration("bundles", 0, "instead: fresh bundles for so long")
	flag.Parse()
	dir, err := os.MkdirTemp("", "bench-server-")
	fatal(err)
	b.dir = dir
	defer os.RemoveAll(dir)
	switch {
	case *soak > 0:
		err = b.soak(*soak, true)
	case *bundles > 0:
		err = b.soak(*bundles, false)
	default:
		err = b.run()
	}
	os.RemoveAll(dir)
	fatal(err)
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-server:", err)
		os.Exit(1)
	}
}

// bare is the least that answers: the same bytes and type, whatever is asked.
func bare(address, file, contentType string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body)
	}))
}

type bench struct {
	eidosd, wrk, snapshot string
	duration              time.Duration
	rounds, connections   int
	dir                   string // for files
}

// request is what is asked.
type request struct {
	name, path  string
	body        string // file, "" for GET
	contentType string
	fresh       bool // each with a value that no other has
}

const criteria = "service=eks&accelerator=gb200&os=ubuntu&intent=training"

func (b *bench) run() error {
	took, err := b.start()
	if err != nil {
		return err
	}
	s, err := spawn(b.eidosd, "--address", eidosAddress, "--rate-limit", "10000000")
	if err != nil {
		return err
	}
	defer s.stop()
	requests, err := b.requests()
	if err != nil {
		return err
	}
	fmt.Printf("%-16s %10s %10s %6s %10s %10s %6s %10s %10s %6s\n", "", "eidosd/s", "bare/s", "ratio", "p99", "bare p99", "ratio", "CPU µs", "bare µs", "ratio")
	for _, r := range requests {
		if err := b.compare(s, r); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	rss, err := s.memory()
	if err != nil {
		return err
	}
	fmt.Printf("memory afterwards: %d MiB\nstart to ready: %s\n", rss>>20, took.Round(100*time.Microsecond))
	return nil
}

const (
	eidosAddress = "127.0.0.1:18181"
	bareAddress  = "127.0.0.1:18182"
)

// requests makes the bodies that are sent.
func (b *bench) requests() ([]request, error) {
	recipe, err := fetch("GET", "/v1/recipe?"+criteria, "", "")
	if err != nil {
		return nil, err
	}
	recipeFile := filepath.Join(b.dir, "recipe.json")
	if err := os.WriteFile(recipeFile, recipe, 0o644); err != nil {
		return nil, err
	}
	snapshot, err := os.ReadFile(b.snapshot)
	if err != nil {
		return nil, err
	}
	indent := func(text []byte) string {
		return "  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ") + "\n"
	}
	both := "criteria: {service: eks, accelerator: h100, os: ubuntu, intent: training}\nsnapshot:\n" + indent(snapshot)
	bothFile := filepath.Join(b.dir, "both.yaml")
	if err := os.WriteFile(bothFile, []byte(both), 0o644); err != nil {
		return nil, err
	}
	return []request{
		{"recipe", "/v1/recipe?" + criteria, "", "", false},
		{"bundle", "/v1/bundle", recipeFile, "application/json", false},
		{"bundle, fresh", "/v1/bundle", recipeFile, "application/json", true},
		{"validate", "/v1/validate", bothFile, "application/yaml", false},
		{"validate, fresh", "/v1/validate", bothFile, "application/yaml", true},
	}, nil
}

// compare measures one request at both servers and prints a line.
func (b *bench) compare(s *server, r request) error {
	method := "GET"
	if r.body != "" {
		method = "POST"
	}
	answer, err := fetch(method, r.path, r.body, r.contentType)
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, "answer")
	if err := os.WriteFile(file, answer, 0o644); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	plain, err := spawn(self, "bare", bareAddress, file, "application/json")
	if err != nil {
		return err
	}
	defer plain.stop()
	script, err := b.script(r)
	if err != nil {
		return err
	}
	var ours, theirs []measured
	for range b.rounds {
		for _, x := range []struct {
			s       *server
			address string
			into    *[]measured
		}{{s, eidosAddress, &ours}, {plain, bareAddress, &theirs}} {
			m, err := b.measure(x.s, x.address, r, script)
			if err != nil {
				return err
			}
			*x.into = append(*x.into, m)
		}
	}
	o, t := median(ours), median(theirs)
	fmt.Printf("%-16s %10.0f %10.0f %6.2f %10s %10s %6.1f %10.0f %10.0f %6.2f\n", r.name, o.rate, t.rate, o.rate/t.rate,
		o.p99.Round(10*time.Microsecond), t.p99.Round(10*time.Microsecond), float64(o.p99)/float64(t.p99), o.cpu, t.cpu, o.cpu/t.cpu)
	return nil
}

// fetch sends one request to eidosd.
func fetch(method, path, file, contentType string) ([]byte, error) {
	var body []byte
	if file != "" {
		var err error
		if body, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequest(method, "http://"+eidosAddress+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, data)
	}
	return data, err
}

// start measures from the start of the process to the first answer of /ready.
func (b *bench) start() (time.Duration, error) {
	var all []time.Duration
	for range 2*b.rounds + 1 {
		begin := time.Now()
		s, err := spawn(b.eidosd, "--address", eidosAddress)
		if err != nil {
			return 0, err
		}
		all = append(all, time.Since(begin))
		s.stop()
	}
	return middle(all), nil
}

// script is for wrk: it sends the body, and what makes each request another one.
func (b *bench) script(r request) (string, error) {
	if r.body == "" {
		return "", nil
	}
	text := fmt.Sprintf("wrk.method = 'POST'\nwrk.headers['Content-Type'] = '%s'\nlocal f = io.open('%s', 'rb')\nwrk.body = f:read('*a')\nf:close()\n", r.contentType, r.body)
	if r.fresh {
		text += "local n, id = 0, tostring({}):sub(8)\n"
		if r.name == "validate, fresh" {
			text += "local body = wrk.body\nrequest = function()\n  n = n + 1\n  return wrk.format('POST', wrk.path, nil, body .. '# ' .. id .. n .. '\\n')\nend\n"
		} else {
			text += "request = function()\n  n = n + 1\n  return wrk.format('POST', wrk.path .. '?set=gpu-operator:driver.version=v' .. id .. n)\nend\n"
		}
	}
	name := filepath.Join(b.dir, "request.lua")
	return name, os.WriteFile(name, []byte(text), 0o644)
}
