// Licences lists the licence of every module that eidos' programs are linked from,
// read in the files of the module itself by Google's licensecheck.
//
//	licences >tools/licences/licences.txt      the list
//	licences -texts FILE                       also every text, as releases carry them
//
// A module without a licence, with one that is not understood, or with one that is
// not in allowed is an error: somebody has to look at it.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	root := flag.String("root", ".", "`directory` of the repository")
	texts := flag.String("texts", "", "`file` for the texts of the licences")
	flag.Parse()
	if err := run(os.Stdout, *root, *texts); err != nil {
		fmt.Fprintf(os.Stderr, "licences: error: %v\n", err)
		os.Exit(1)
	}
}

func run(out io.Writer, root, texts string) error {
	modules, err := linked(root)
	if err != nil {
		return err
	}
	list, err := list(modules)
	if err != nil {
		return err
	}
	if texts != "" {
		var text bytes.Buffer
		if err := writeTexts(&text, modules); err != nil {
			return err
		}
		if err := os.WriteFile(texts, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, list)
	return err
}
