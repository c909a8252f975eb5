package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The same binaries give the same bytes, whatever the time, the umask and the
// directory; and the files are what they say.
func TestRelease(t *testing.T) {
	first := t.TempDir()
	binary := filepath.Join(first, "eidos")
	if out, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "github.com/NVIDIA/eidos/tools/vuln").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	make := func(umask int, when time.Time) map[string]string {
		t.Helper()
		defer syscall.Umask(syscall.Umask(umask))
		bin, more, out := filepath.Join(t.TempDir(), "b"), t.TempDir(), filepath.Join(t.TempDir(), "dist")
		if err := errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, "eidos"), data, 0o755),
			os.WriteFile(filepath.Join(more, "LICENSE"), []byte("text"), 0o644), os.Chtimes(filepath.Join(bin, "eidos"), when, when)); err != nil {
			t.Fatal(err)
		}
		if err := run([]string{"-version", "v1.2.3", "-commit", "abc", "-epoch", "1700000000", "-with", more, "-o", out, "linux/amd64=" + bin}); err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		entries, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(out, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			files[e.Name()] = string(text)
		}
		return files
	}
	a, b := make(0o022, time.Now()), make(0o077, time.Unix(0, 0))
	if len(a) != 6 {
		t.Fatalf("%d files", len(a))
	}
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s is not the same the second time", name)
		}
		if name != "checksums.txt" && !strings.Contains(a["checksums.txt"], "  "+name+"\n") {
			t.Errorf("checksums.txt has no %s", name)
		}
	}
	zip, err := gzip.NewReader(strings.NewReader(a["eidos_1.2.3_linux_amd64.tar.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[h.Name] = h.Mode
	}
	if modes["eidos_1.2.3_linux_amd64/eidos"] != 0o755 || modes["eidos_1.2.3_linux_amd64/LICENSE"] != 0o644 || len(modes) != 2 {
		t.Errorf("the archive has %v", modes)
	}
	for name, wants := range map[string][]string{
		"eidos_1.2.3_linux_amd64.cdx.json":  {`"specVersion": "1.6"`, `"2023-11-14T22:13:20Z"`, `"SHA-256"`},
		"eidos_1.2.3_linux_amd64.spdx.json": {`"SPDX-2.3"`, `"DESCRIBES"`, `"SHA256"`},
		"eidos.rb":                          {`version "1.2.3"`, `eidos_1.2.3_linux_amd64.tar.gz"`, "sha256 \""},
		"provenance.json":                   {`"eidos_1.2.3_linux_amd64.tar.gz"`, `"gitCommit": "abc"`},
	} {
		if filepath.Ext(name) == ".json" && !json.Valid([]byte(a[name])) {
			t.Errorf("%s is not JSON", name)
		}
		for _, w := range wants {
			if !strings.Contains(a[name], w) {
				t.Errorf("%s has no %s", name, w)
			}
		}
	}
	if !strings.Contains(a["provenance.json"], `"eidos_1.2.3_linux_amd64/eidos"`) {
		t.Error("the provenance does not name the binary")
	}
	// An image's bills, and the list again: what was said of the binary is kept.
	dist := t.TempDir()
	args := []string{"-version", "v1.2.3", "-commit", "abc", "-epoch", "1700000000", "-o", dist}
	bin := filepath.Dir(binary)
	for _, more := range [][]string{
		{"linux/amd64=" + bin}, {"-bill", "image", "-packages", "pkg:deb/debian/libc6@2.36-9", "-digest", "sha256:abcd", binary}, {"-sums"},
	} {
		if err := run(append(args[:len(args):len(args)], more...)); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{
		"image.cdx.json": `"purl": "pkg:deb/debian/libc6@2.36-9"`, "image.spdx.json": `"pkg:deb/debian/libc6@2.36-9"`,
		"provenance.json": `"eidos_1.2.3_linux_amd64/eidos"`, "checksums.txt": "  image.spdx.json\n", "image.provenance.json": `"sha256": "abcd"`,
	} {
		if text, err := os.ReadFile(filepath.Join(dist, file)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s has no %s: %v", file, want, err)
		}
	}
	if err := run(append(args[:len(args):len(args)], "-bill", "x", "-packages", "libc6", binary)); err == nil {
		t.Error("a package without a URL")
	}
	if err := run([]string{"-version", "v1"}); err == nil {
		t.Error("a release of nothing")
	}
}
