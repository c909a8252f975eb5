package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// uri makes an argument what the engine takes for an address and never for
// the name of a step: a bare file name gets its "./".
func uri(arg string) string {
	if arg == "-" || strings.Contains(arg, "://") || filepath.IsAbs(arg) || strings.HasPrefix(arg, ".") {
		return arg
	}
	return "./" + arg
}

// ociTarget says whether an output is an OCI registry, and which repository.
func ociTarget(out string) (string, bool) { return strings.CutPrefix(out, "oci://") }

// trimOCI drops the scheme that people write before image names.
func trimOCI(ref string) string { return strings.TrimPrefix(ref, "oci://") }

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readLimited reads all of r, up to the limit that every document has.
func readLimited(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if len(data) > schema.MaxBytes {
		return nil, schema.Errorf(schema.Invalid, "reading %q: over the limit of %d MiB", name, schema.MaxBytes>>20)
	}
	return data, nil
}

// openInput opens a file, or standard input for "-".
func openInput(in io.Reader, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "reading: %w", err)
	}
	return f, nil
}
