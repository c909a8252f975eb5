package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// binaries builds a program for two platforms and returns PLATFORM=BINARY.
func binaries(t *testing.T, env ...string) []string {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() { println(\"ran\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, arch := range []string{"amd64", "arm64"} {
		bin := filepath.Join(dir, arch, "eidos")
		cmd := exec.Command("go", "build", "-o", bin, src)
		cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch), env...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		out = append(out, "linux/"+arch+"="+bin)
	}
	return out
}

// A registry takes the image, both platforms are whole, and building it again
// elsewhere gives the same digest.
func TestImage(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	args := binaries(t)
	ref := strings.TrimPrefix(server.URL, "http://") + "/eidos:test"
	var pushed, laid bytes.Buffer
	if err := run(append([]string{"-push", ref}, args...), &pushed); err != nil {
		t.Fatal(err)
	}
	if err := run(append([]string{"-o", filepath.Join(t.TempDir(), "layout")}, args...), &laid); err != nil {
		t.Fatal(err)
	}
	if pushed.String() != laid.String() || !strings.HasPrefix(pushed.String(), "sha256:") {
		t.Errorf("digests %q and %q", pushed.String(), laid.String())
	}
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := remote.Image(r, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
		cf, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if cf.Architecture != arch || cf.Config.User != "65532:65532" || cf.Config.Entrypoint[0] != "/eidos" || !cf.Created.IsZero() {
			t.Errorf("config %+v", cf)
		}
	}
}

func TestRefused(t *testing.T) {
	args := binaries(t)
	text := filepath.Join(t.TempDir(), "eidos")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, amd64, _ := strings.Cut(args[0], "=")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", t.TempDir() + "/x"}, "no PLATFORM=BINARY"},
		{[]string{"-o", t.TempDir() + "/x", "linux/amd64=" + text}, "not a Linux binary"},
		{[]string{"-o", t.TempDir() + "/x", "linux/arm64=" + amd64}, "built for EM_X86_64, not arm64"},
		{[]string{"-o", t.TempDir() + "/x", "plan9/amd64=" + amd64}, "is not linux/ARCH=BINARY"},
		{[]string{"-o", t.TempDir(), args[0]}, "is there already"},
		{append([]string{"-tar", t.TempDir() + "/x", "-t", "eidos:x"}, args...), "one platform"},
		{args, "says where to"},
	} {
		if err := run(c.args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}
