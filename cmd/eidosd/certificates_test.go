package main

import (
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/NVIDIA/eidos/cmd/internal/certtest"
)

// certificatesCommand writes an authority, ca.pem, and of it server.pem and
// server.key, and client.pem with its key: certificates NAME.
func certificatesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certificates NAME")
	}
	write := func(name string, data []byte) { ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600)) }
	ca, err := certtest.New(args[0])
	ts.Check(err)
	write("ca.pem", ca.PEM())
	cert, key, err := ca.Issue("server", "127.0.0.1")
	ts.Check(err)
	write("server.pem", cert)
	write("server.key", key)
	cert, key, err = ca.Issue("client")
	ts.Check(err)
	write("client.pem", slices.Concat(cert, key))
}
