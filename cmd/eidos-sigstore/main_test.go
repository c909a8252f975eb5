package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// The test binary is eidos-sigstore where EIDOS_STARTED names a file, to which each
// process writes its number.
func TestMain(m *testing.M) {
	if file := os.Getenv("EIDOS_STARTED"); file != "" {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(f, os.Getpid())
		}
		if err != nil {
			panic(err)
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// program is eidos-sigstore, and the numbers of the processes that were started.
func program(t *testing.T) (certified.Program, func() []int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "started")
	t.Setenv("EIDOS_STARTED", file)
	return certified.Program{Path: exe}, func() (all []int) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for f := range strings.FieldsSeq(string(text)) {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
		}
		return all
	}
}

// broken is a request whose answer is an error.
func broken(text string) certified.Request {
	return certified.Request{Verify: &certified.Verify{Bundle: []byte(text), TrustedRoot: []byte("{}")}}
}

func refused(t *testing.T, err error) {
	t.Helper()
	if schema.CodeOf(err) != schema.Unsatisfied || !strings.Contains(err.Error(), "not a Sigstore bundle") {
		t.Errorf("%v", err)
	}
}

// Many requests, several at a time and with line breaks in them, are answered by one
// process; one that ends is replaced.
func TestKept(t *testing.T) {
	p, started := program(t)
	kept, end := certified.Keep(t.Context())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := p.Ask(kept, broken(fmt.Sprintf("[%d,\n\n %d]", i, i)))
			refused(t, err)
		})
	}
	wg.Wait()
	first := started()
	if len(first) != 1 {
		t.Fatalf("processes %v, want one", first)
	}
	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := p.Ask(kept, broken("[]"))
		refused(t, err)
	}
	all := started()
	if len(all) != 2 {
		t.Fatalf("processes %v, want two", all)
	}
	end()
	if err := syscall.Kill(all[1], 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process goes on: %v", err)
	}
}

// A request that is given up ends the process that works on it; the next one gets a
// new one.
func TestGivenUp(t *testing.T) {
	p, started := program(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	kept, end := certified.Keep(t.Context())
	defer end()
	ctx, cancel := context.WithCancel(kept)
	go func() {
		if c, err := silent.Accept(); err == nil { // it waits for an answer now
			defer c.Close()
		}
		cancel()
	}()
	r := certified.Request{Sign: &certified.Sign{SPIFFE: "tcp://" + silent.Addr().String(), SigningConfig: []byte(`{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}`)}}
	if _, err := p.Ask(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, err = p.Ask(kept, broken("[]"))
	refused(t, err)
	all := started()
	if len(all) != 2 {
		t.Fatalf("processes %v, want two", all)
	}
	if err := syscall.Kill(all[0], 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process goes on: %v", err)
	}
}

// A process for one request ends after it; what is not a request ends it at once.
func TestOne(t *testing.T) {
	p, started := program(t)
	_, err := p.Ask(t.Context(), broken("[]"))
	refused(t, err)
	if err := syscall.Kill(started()[0], 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process goes on: %v", err)
	}
	if err := serve(t.Context(), strings.NewReader("{}\n{\n"), io.Discard); err == nil || !strings.Contains(err.Error(), "reading a request: ") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	if err := serve(ctx, r, io.Discard); err != nil {
		t.Errorf("at its end: %v", err)
	}
}
