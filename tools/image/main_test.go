package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// binaries writes what looks like a static program for two platforms and
// returns PLATFORM=BINARY.
func binaries(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, p := range []struct {
		arch    string
		machine elf.Machine
	}{{"amd64", elf.EM_X86_64}, {"arm64", elf.EM_AARCH64}} {
		out = append(out, "linux/"+p.arch+"="+program(t, p.machine))
	}
	return out
}

// program writes an ELF file without code: its header and the given segments.
func program(t *testing.T, m elf.Machine, segments ...elf.ProgType) string {
	t.Helper()
	var b bytes.Buffer
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(m), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(segments)),
	}
	copy(h.Ident[:], "\x7fELF")
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	parts := []any{h}
	for _, s := range segments {
		parts = append(parts, elf.Prog64{Type: uint32(s)})
	}
	for _, p := range parts {
		if err := binary.Write(&b, binary.LittleEndian, p); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "eidos")
	if err := os.WriteFile(file, b.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// An image is labelled with the name of the program in it, not of the project.
func TestTitle(t *testing.T) {
	server := filepath.Join(t.TempDir(), "eidosd")
	if err := os.Rename(program(t, elf.EM_AARCH64), server); err != nil {
		t.Fatal(err)
	}
	images, err := build([]string{"linux/arm64=" + server}, "", map[string]string{"version": "v1"})
	if err != nil {
		t.Fatal(err)
	}
	cf, err := images[0].image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"version": "v1", "org.opencontainers.image.title": "eidosd"}; !maps.Equal(cf.Config.Labels, want) {
		t.Errorf("labels %v, want %v", cf.Config.Labels, want)
	}
}

// A registry takes the image, both platforms are whole, and building it again
// elsewhere gives the same digest.
func TestImage(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
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

// What is attached is listed by the registry as a referrer of the index, and is in
// the layout too; the image's digest is the same with and without.
func TestAttached(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	defer server.Close()
	args := binaries(t)
	bill := filepath.Join(t.TempDir(), "bill.json")
	if err := os.WriteFile(bill, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	attach := []string{"-attach", "application/spdx+json=" + bill, "-attach", "application/vnd.cyclonedx+json=" + bill}
	ref := strings.TrimPrefix(server.URL, "http://") + "/eidos:test"
	dir := filepath.Join(t.TempDir(), "layout")
	var with, without bytes.Buffer
	for _, c := range []struct {
		out  *bytes.Buffer
		args []string
	}{{&with, append([]string{"-push", ref}, attach...)}, {&without, []string{"-push", ref}}, {&bytes.Buffer{}, append([]string{"-o", dir}, attach...)}} {
		if err := run(append(c.args, args...), c.out); err != nil {
			t.Fatal(err)
		}
	}
	if with.String() != without.String() {
		t.Errorf("digests %q and %q", with.String(), without.String())
	}
	d, err := name.NewDigest(strings.TrimSuffix(ref, ":test") + "@" + strings.TrimSpace(with.String()))
	if err != nil {
		t.Fatal(err)
	}
	referrers, err := remote.Referrers(d)
	if err != nil {
		t.Fatal(err)
	}
	list, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, m := range list.Manifests {
		kinds[m.ArtifactType] = true
	}
	if len(list.Manifests) != 2 || !kinds["application/spdx+json"] || !kinds["application/vnd.cyclonedx+json"] {
		t.Errorf("referrers %+v", list.Manifests)
	}
	// The layout is the same image with the same attachments.
	var again bytes.Buffer
	other := strings.TrimSuffix(ref, "/eidos:test") + "/other"
	if err := run([]string{"-push", other + ":test", "-from", dir}, &again); err != nil {
		t.Fatal(err)
	}
	if again.String() != with.String() {
		t.Errorf("digests %q and %q", again.String(), with.String())
	}
	if d, err = name.NewDigest(other + "@" + strings.TrimSpace(again.String())); err != nil {
		t.Fatal(err)
	}
	if referrers, err = remote.Referrers(d); err != nil {
		t.Fatal(err)
	}
	moved, err := referrers.IndexManifest()
	if err != nil || len(moved.Manifests) != 2 {
		t.Errorf("referrers %+v, %v", moved, err)
	}
	for _, args := range [][]string{{"-from", dir}, append([]string{"-push", other + ":x", "-from", dir}, args...), {"-push", other + ":x", "-from", t.TempDir()}, {"-push", other + ":x", "-from", dir, "-tar", t.TempDir() + "/x"}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || strings.Count(string(index), `"digest"`) != 3 {
		t.Errorf("the layout's index: %v\n%s", err, index)
	}
	if err := run(append([]string{"-o", t.TempDir() + "/x", "-attach", "nothing"}, args...), &bytes.Buffer{}); err == nil {
		t.Error("an attachment without a file")
	}
}

// A layer is a whole archive: GNU tar refuses one without its end, two empty blocks.
func TestLayerEnds(t *testing.T) {
	content, err := pack(map[string][]byte{"eidos": []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(content, make([]byte, 1024)) {
		t.Error("the archive has no end")
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
		{[]string{"-o", t.TempDir() + "/x", "linux/amd64=" + program(t, elf.EM_X86_64, elf.PT_LOAD, elf.PT_INTERP)}, "its loader is"},
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

// This test is itself dynamically linked where cgo is on; with what the image
// takes along, and nothing else of this machine, it runs.
func TestDynamicBinaryBringsItsLibraries(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skipf("not on Linux: %v", err)
	}
	loader, _, err := needs(self)
	if err != nil {
		t.Fatal(err)
	}
	if loader == "" {
		t.Skip("part of the tests with cgo")
	}
	files, err := libraries(self, runtime.GOARCH, "/")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files["self"] = self
	for name, data := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() != 0 {
		return // the rest needs chroot
	}
	cmd := exec.Command("/self", "-test.list=^TestImage$")
	cmd.Env = nil
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil || string(out) != "TestImage\n" {
		t.Errorf("%v: %s", err, out)
	}
}
