package main

import (
	"os"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// ociTarget reports whether the output of a bundle is a repository, and which: in the
// forms that push takes, with oci:// where it could be a directory's name. Without oci://
// registry.example.com/gpu is a directory here, as -o names directories; the argument of
// push is always a registry.
func ociTarget(out string) (string, bool) {
	if strings.HasPrefix(out, oci.Embedded+"/") || strings.HasPrefix(out, "oci-layout:") {
		return out, true
	}
	return strings.CutPrefix(out, "oci://")
}

// bundleOutput refuses what a bundle cannot be written to, before anything is rendered.
func bundleOutput(out string) error {
	scheme, _, ok := strings.Cut(out, "://")
	switch {
	case out == "-":
		return schema.Errorf(schema.Invalid, "--output: a bundle is a directory, which standard output cannot hold").WithHint("name a new directory, or oci://registry/repository[:tag]")
	case ok && scheme != "oci" && scheme != "file":
		return schema.Errorf(schema.Invalid, "--output: a bundle cannot be written to %s://", scheme).WithHint("name a new directory, or oci://registry/repository[:tag]")
	}
	return nil
}

// isImage refuses what can only be meant as a directory or a file that is not
// there. A registry's name has a dot or a port, or is localhost, as in every tool for
// images; so `eidos sign bundel` does not ask a registry called bundel.
func isImage(arg string) error {
	host, _, _ := strings.Cut(arg, "/")
	switch {
	case strings.HasPrefix(arg, "oci://"), strings.HasPrefix(arg, "oci-layout:"), host == oci.Embedded && host != arg:
		return nil
	case strings.HasPrefix(arg, "."), strings.HasPrefix(arg, "/"), !strings.ContainsAny(host, ".:") && host != "localhost", host == arg && !strings.Contains(arg, ":"):
		return schema.Errorf(schema.NotFound, "no directory or file %q", arg).WithHint("an image is written registry/repository[:tag], or embedded/repository[:tag]")
	}
	return nil
}

// exists reports whether anything is at path. What may not be looked at counts as not
// there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// trimOCI drops the scheme that people write before image names.
func trimOCI(ref string) string { return strings.TrimPrefix(ref, "oci://") }

// isFile reports whether a regular file is at path, following links.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isDirectory reports whether a directory is at path, following links.
func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
