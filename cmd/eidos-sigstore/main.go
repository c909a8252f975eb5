// eidos-sigstore signs with certificates of Fulcio and verifies what is signed
// with them, for eidos: see package certified. Nobody calls it by hand.
package main

import (
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
	if err := answer(ctx, os.Stdin, out); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", certified.Name, err)
		os.Exit(1)
	}
}

// answer reads one request and writes one answer, which has the error if the
// request could not be fulfilled.
func answer(ctx context.Context, in io.Reader, out io.Writer) error {
	var r certified.Request
	data, err := io.ReadAll(io.LimitReader(in, certified.MaxBytes))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	a, err := keyless.Answer(ctx, r)
	if err != nil {
		a = certified.Failed(err)
	}
	return json.NewEncoder(out).Encode(a)
}
