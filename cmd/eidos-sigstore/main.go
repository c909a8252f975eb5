// eidos-sigstore signs with certificates of Fulcio and verifies what is signed
// with them, for eidos: see package certified. Nobody calls it by hand.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/NVIDIA/eidos/steps/sign/certified"
	"github.com/NVIDIA/eidos/steps/sign/keyless"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Some libraries print to standard output what people must read.
	out := os.Stdout
	os.Stdout = os.Stderr
	if err := serve(ctx, os.Stdin, out); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", certified.Name, err)
		os.Exit(1)
	}
}

// serve answers each line of in with a line of out, until in or ctx ends. An answer
// has the error if the request could not be fulfilled.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := make(chan []byte)
	var readErr error // read when lines is closed
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(nil, certified.MaxBytes)
		for s.Scan() {
			select {
			case lines <- bytes.Clone(s.Bytes()):
			case <-ctx.Done():
				return
			}
		}
		readErr = s.Err()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				if readErr != nil {
					return fmt.Errorf("reading a request: %w", readErr)
				}
				return nil
			}
			if err := answer(ctx, line, out); err != nil {
				return err
			}
		}
	}
}

func answer(ctx context.Context, line []byte, out io.Writer) error {
	var r certified.Request
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("reading a request: %w", err)
	}
	a, err := keyless.Answer(ctx, r)
	if err != nil {
		a = certified.Failed(err)
	}
	return json.NewEncoder(out).Encode(a)
}
