package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// loaded are libraries that nothing names before it runs: NVIDIA's driver
// library, which the container runtime puts into the Pod, needs them.
var loaded = []string{"libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"}

// libDirs is where a distribution keeps the libraries of an architecture, and
// where the image has them: the folder that Debian's loader looks in first.
var libDirs = map[string][]string{
	"amd64": {"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib"},
	"arm64": {"lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib64", "usr/lib64", "lib"},
}

// systemOf is where this machine keeps the C library of an architecture: beside its
// own, Debian's cross compilers bring that of the others.
func systemOf(arch string) string {
	if arch == runtime.GOARCH {
		return "/"
	}
	return map[string]string{"amd64": "/usr/x86_64-linux-gnu", "arm64": "/usr/aarch64-linux-gnu"}[arch]
}

// libraries returns what a dynamically linked program needs to run, by its path
// in the image: the loader it names and the C library, from the system under
// root. A static program needs nothing.
func libraries(program []byte, arch, root string) (map[string][]byte, error) {
	loader, need, err := needs(program)
	if err != nil || loader == "" {
		return nil, err
	}
	out := map[string][]byte{}
	data, err := os.ReadFile(filepath.Join(root, loader))
	if err != nil {
		return nil, fmt.Errorf("reading the loader it names: %w", err)
	}
	out[strings.TrimPrefix(loader, "/")] = data
	for need = append(need, loaded...); len(need) > 0; need = need[1:] {
		name := need[0]
		at := path.Join(libDirs[arch][0], name)
		if _, done := out[at]; done || name == path.Base(loader) {
			continue
		}
		data, err := library(root, arch, name)
		if err != nil {
			return nil, err
		}
		out[at] = data
		_, more, err := needs(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		need = append(need, more...)
	}
	return out, nil
}

func library(root, arch, name string) ([]byte, error) {
	for _, dir := range libDirs[arch] {
		data, err := os.ReadFile(filepath.Join(root, dir, name))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, fmt.Errorf("no %s for %s under %s", name, arch, root)
}

// needs reads the loader and the libraries that an ELF file names.
func needs(data []byte) (loader string, libs []string, err error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		text, err := io.ReadAll(p.Open())
		if err != nil {
			return "", nil, fmt.Errorf("reading the name of its loader: %w", err)
		}
		if loader = strings.TrimRight(string(text), "\x00"); !path.IsAbs(loader) || path.Clean(loader) != loader {
			return "", nil, fmt.Errorf("its loader is %q", loader)
		}
	}
	libs, err = f.ImportedLibraries()
	return loader, libs, err
}

// sorted are the files of an image in the order they stand in its layer.
func sorted(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
