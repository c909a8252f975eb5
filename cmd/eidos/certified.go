package main

import (
	"context"

	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// certified asks the program that knows certificates.
func (a *app) certified(ctx context.Context, r certified.Request, log func(string)) (*certified.Answer, error) {
	path, _ := a.lookupEnv("EIDOS_SIGSTORE")
	return certified.Program{Path: path, Log: log}.Ask(ctx, r)
}
