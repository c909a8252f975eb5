package main

import (
	"context"

	"github.com/NVIDIA/eidos/schema"
)

// printReference prints a pushed digest, and keeps it in a file if asked to. The file is
// written first: who reads the line may go on to use the file. The push is done by then:
// a file that cannot be written fails the command, and the digest is not printed.
func (a *app) printReference(ctx context.Context, r *schema.Reference, format, file string) error {
	if file != "" {
		if err := a.deliver(ctx, []byte(r.Reference+"\n"), file); err != nil {
			return err
		}
	}
	return a.Document(r, format, r.Reference)
}
