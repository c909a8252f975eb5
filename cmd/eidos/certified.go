package main

import (
	"context"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// certified asks the program that knows certificates.
func (a *app) certified(ctx context.Context, r certified.Request, log func(string)) (*certified.Answer, error) {
	path, _ := a.Env("EIDOS_SIGSTORE")
	return certified.Program{Path: path, Log: log}.Ask(ctx, r)
}

// attended reports whether somebody sits at a terminal, reads what is printed and
// can answer.
func (a *app) attended() bool {
	for _, stream := range []any{a.In, a.Err} {
		f, ok := stream.(*os.File)
		if !ok || f == nil || !term.IsTerminal(int(f.Fd())) {
			return false
		}
	}
	return true
}

// product is the name that the machine's vendor gave it; "" if that is not known.
func product() string {
	name, _ := os.ReadFile("/sys/class/dmi/id/product_name")
	return strings.TrimSpace(string(name))
}
