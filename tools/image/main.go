// Command image makes the container image of eidos, without Docker: one layer
// with the binary, for each platform, the same bytes from the same binaries. A
// dynamically linked binary, which NVML needs, brings the C library it was built
// with along; there is nothing else in the image.
//
//	image -o DIR  linux/amd64=bin/amd64/eidos linux/arm64=bin/arm64/eidos   an OCI layout
//	image -tar FILE -t NAME:TAG linux/amd64=bin/eidos                       for containerd's import
//	image -push REGISTRY/NAME:TAG linux/amd64=… linux/arm64=…              prints the digest
//	image -push REGISTRY/NAME:TAG -from DIR                                what -o has written
package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	dir := flags.String("o", "", "write an OCI layout to this folder, which must not be there yet")
	file := flags.String("tar", "", "write an archive for `ctr images import`; one platform only")
	push := flags.String("push", "", "push to this registry and tag")
	from := flags.String("from", "", "with -push: folder of the OCI layout that is pushed, with what is attached in it")
	tag := flags.String("t", "", "name and tag in the archive")
	source := flags.String("source", "https://github.com/NVIDIA/eidos", "where the source lives, for the image's label")
	version := flags.String("version", "", "version, for the image's label")
	root := flags.String("root", "", "system to take the C library from, for dynamically linked binaries (default: this one, and for other architectures what their cross compiler brings)")
	var attached []string
	flags.Func("attach", "TYPE=FILE that is attached to the image, with -o and -push (may be repeated)", func(s string) error {
		attached = append(attached, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *from != "" {
		if *dir+*file+*tag != "" {
			return errors.New("-from goes with -push alone")
		}
		return pushLayout(*push, *from, flags.NArg() > 0, stdout)
	}
	images, err := build(flags.Args(), *root, map[string]string{
		"org.opencontainers.image.source": *source, "org.opencontainers.image.version": *version,
	})
	if err != nil {
		return err
	}
	index, err := indexOf(images)
	if err != nil {
		return err
	}
	more, err := attachments(index, attached)
	if err != nil {
		return err
	}
	switch {
	case *dir != "":
		err = writeLayout(*dir, index, more)
	case *file != "":
		err = writeArchive(*file, *tag, images)
	case *push != "":
		err = pushIndex(*push, index, more)
	default:
		err = errors.New("one of -o, -tar and -push says where to")
	}
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, digest)
	return err
}

// image is the image of one platform.
type image struct {
	platform v1.Platform
	image    v1.Image
}

// build makes an image of every PLATFORM=BINARY, in the order given.
func build(args []string, root string, labels map[string]string) ([]image, error) {
	if len(args) == 0 {
		return nil, errors.New("no PLATFORM=BINARY")
	}
	var out []image
	for _, a := range args {
		p, binary, ok := strings.Cut(a, "=")
		os, arch, ok2 := strings.Cut(p, "/")
		if !ok || !ok2 || os != "linux" {
			return nil, fmt.Errorf("%q is not linux/ARCH=BINARY", a)
		}
		img, err := one(v1.Platform{OS: os, Architecture: arch}, binary, root, labels)
		if err != nil {
			return nil, fmt.Errorf("making the image of %s: %w", p, err)
		}
		out = append(out, image{v1.Platform{OS: os, Architecture: arch}, img})
	}
	return out, nil
}

// one is an image of one binary, run as a user without rights, without a time.
func one(p v1.Platform, binary, root string, labels map[string]string) (v1.Image, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	if err := builtFor(p, data); err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	if root == "" {
		root = systemOf(p.Architecture)
	}
	files, err := libraries(data, p.Architecture, root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	if files == nil {
		files = map[string][]byte{}
	}
	exe := "/" + path.Base(binary)
	files[path.Base(binary)] = data
	content, err := pack(files)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return nil, err
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture = p.OS, p.Architecture
	labels = maps.Clone(labels)
	labels["org.opencontainers.image.title"] = path.Base(binary)
	cf.Config = v1.Config{Entrypoint: []string{exe}, User: "65532:65532", Env: []string{"PATH=/"}, Labels: labels}
	return mutate.ConfigFile(img, cf)
}

// builtFor refuses a binary of another architecture.
func builtFor(p v1.Platform, data []byte) error {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("not a Linux binary: %w", err)
	}
	defer f.Close()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[p.Architecture]
	if f.Machine != machine {
		return fmt.Errorf("built for %s, not %s", f.Machine, p.Architecture)
	}
	return nil
}

// pack is the layer: the files, and the folders that a container runtime, or
// what runs, writes to.
func pack(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	write := func(h tar.Header, data []byte) error {
		h.ModTime, h.Format, h.Size = time.Unix(0, 0), tar.FormatPAX, int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	}
	for _, d := range []tar.Header{{Name: "etc/", Mode: 0o755}, {Name: "tmp/", Mode: 0o1777}} {
		d.Typeflag = tar.TypeDir
		if err := write(d, nil); err != nil {
			return nil, err
		}
	}
	for _, name := range sorted(files) {
		if err := write(tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg}, files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close() // writes the end of the archive
	return out.Bytes(), err
}

func indexOf(images []image) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, i := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: i.image, Descriptor: v1.Descriptor{Platform: &i.platform}})
	}
	return index, nil
}

func writeLayout(dir string, index v1.ImageIndex, attached []v1.Image) error {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s is there already", dir)
	}
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := p.AppendIndex(index); err != nil {
		return err
	}
	for _, a := range attached {
		if err := p.AppendImage(a); err != nil {
			return err
		}
	}
	return nil
}

func writeArchive(file, tag string, images []image) error {
	if len(images) != 1 {
		return errors.New("-tar takes one platform")
	}
	t, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(file, t, images[0].image)
}

// pushLayout pushes what writeLayout wrote: an index, and images that are attached to it.
func pushLayout(to, dir string, more bool, stdout io.Writer) error {
	if to == "" || more {
		return errors.New("-from takes -push and nothing else")
	}
	all, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return err
	}
	list, err := all.IndexManifest()
	if err != nil {
		return err
	}
	if len(list.Manifests) == 0 || !list.Manifests[0].MediaType.IsIndex() {
		return fmt.Errorf("%s does not begin with an index", dir)
	}
	index, err := all.ImageIndex(list.Manifests[0].Digest)
	if err != nil {
		return err
	}
	var attached []v1.Image
	for _, m := range list.Manifests[1:] {
		a, err := all.Image(m.Digest)
		if err != nil {
			return err
		}
		attached = append(attached, a)
	}
	if err := pushIndex(to, index, attached); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, list.Manifests[0].Digest)
	return err
}

func pushIndex(to string, index v1.ImageIndex, attached []v1.Image) error {
	ref, err := name.ParseReference(to)
	if err != nil {
		return err
	}
	auth := remote.WithAuthFromKeychain(authn.DefaultKeychain)
	if err := remote.WriteIndex(ref, index, auth); err != nil {
		return err
	}
	for _, a := range attached {
		d, err := a.Digest()
		if err != nil {
			return err
		}
		if err := remote.Write(ref.Context().Digest(d.String()), a, auth); err != nil {
			return err
		}
	}
	return nil
}
