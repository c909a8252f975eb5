// Vuln checks what govulncheck reports against the list of accepted findings.
//
//	vuln -accepted FILE [-toolchain go1.26.10] <govulncheck.json
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	list := flag.String("accepted", "", "`file` with the accepted findings")
	toolchain := flag.String("toolchain", "", "`version` of Go that releases are built with")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *list, *toolchain, time.Now()); err != nil {
		fmt.Fprintf(os.Stderr, "vuln: error: %v\n", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, list, toolchain string, now time.Time) error {
	f, err := os.Open(list)
	if err != nil {
		return fmt.Errorf("reading the accepted findings: %w", err)
	}
	defer f.Close()
	accepted, err := readAccepted(f, list)
	if err != nil {
		return err
	}
	report, err := readReport(in)
	if err != nil {
		return err
	}
	return check(out, report, accepted, toolchain, now)
}
