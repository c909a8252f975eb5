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

// The bills are valid by the schemas that CycloneDX and SPDX publish, in tools of
// others: see tools/sbom and tools/sbom-utility.
func published(t *testing.T, files ...string) {
	t.Helper()
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set: make test runs it")
	}
	script := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(filepath.Join("..", "..", "scripts", args[0]), args[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	dir, utility := script("npm", "sbom"), script("tool", "sbom-utility")
	valid := func(file string) ([]byte, error) {
		if strings.HasSuffix(file, ".spdx.json") {
			return exec.Command(utility, "validate", "--quiet", "-i", file).CombinedOutput()
		}
		return exec.Command("node", filepath.Join(dir, "check.mjs"), file).CombinedOutput()
	}
	for _, file := range files {
		if out, err := valid(file); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// A check that cannot fail proves nothing.
		broken := filepath.Join(t.TempDir(), filepath.Base(file))
		text = []byte(strings.NewReplacer(`"SPDX-2.3"`, `2.3`, `"library"`, `"librarian"`).Replace(string(text)))
		if err := os.WriteFile(broken, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := valid(broken); err == nil {
			t.Errorf("%s is valid too when it is broken", file)
		}
	}
}

// The same binaries give the same bytes, whatever the time, the umask and the
// directory; and the files are what they say.
func TestRelease(t *testing.T) {
	first := t.TempDir()
	binary := filepath.Join(first, "eidos")
	if out, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "github.com/NVIDIA/eidos/tools/image").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join("..", "licences", "licences.txt")
	make := func(umask int, when time.Time) map[string]string {
		t.Helper()
		defer syscall.Umask(syscall.Umask(umask))
		bin, more, out := filepath.Join(t.TempDir(), "b"), t.TempDir(), filepath.Join(t.TempDir(), "dist")
		if err := errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, "eidos"), data, 0o755),
			os.WriteFile(filepath.Join(more, "LICENSE"), []byte("text"), 0o644), os.Chtimes(filepath.Join(bin, "eidos"), when, when)); err != nil {
			t.Fatal(err)
		}
		if err := run([]string{"-version", "v1.2.3", "-commit", "abc", "-epoch", "1700000000", "-licences", list, "-with", more, "-o", out, "linux/amd64=" + bin}); err != nil {
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
		"eidos_1.2.3_linux_amd64.cdx.json":  {`"specVersion": "1.6"`, `"expression": "Apache-2.0"`, `"2023-11-14T22:13:20Z"`, `"SHA-256"`},
		"eidos_1.2.3_linux_amd64.spdx.json": {`"SPDX-2.3"`, `"licenseDeclared": "MIT"`, `"DESCRIBES"`, `"SHA256"`},
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
	args := []string{"-version", "v1.2.3", "-commit", "abc", "-epoch", "1700000000", "-licences", list, "-o", dist}
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
	// Nothing is released that nobody has looked at.
	none := filepath.Join(t.TempDir(), "licences.txt")
	if err := os.WriteFile(none, []byte("std BSD-3-Clause\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(append(args[:len(args):len(args)], "-licences", none, "-bill", "x", binary)); err == nil || !strings.Contains(err.Error(), "is not listed") {
		t.Errorf("a module without a licence: %v", err)
	}
	if err := run([]string{"-version", "v1"}); err == nil {
		t.Error("a release of nothing")
	}
	t.Run("published schemas", func(t *testing.T) {
		platform := filepath.Join(dist, "eidos_1.2.3_linux_amd64")
		published(t, platform+".cdx.json", platform+".spdx.json", filepath.Join(dist, "image.cdx.json"), filepath.Join(dist, "image.spdx.json"))
	})
}
