package oci

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// writeTar writes files as an archive that depends on nothing but their paths,
// bytes and executable bits: sorted, directories before what is in them, PAX
// only where a name needs it, time 0, no owner, modes 0755 and 0644.
func writeTar(ctx context.Context, w io.Writer, files []schema.File, blobs engine.Blobs, done func(bytes int64)) error {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b schema.File) int { return strings.Compare(a.Path, b.Path) })
	tw := tar.NewWriter(w)
	dirs := map[string]bool{".": true}
	for _, f := range files {
		if err := writeDirs(tw, path.Dir(f.Path), dirs); err != nil {
			return err
		}
		if err := writeFile(ctx, tw, f, blobs); err != nil {
			return err
		}
		done(f.Size)
	}
	return tw.Close()
}

// TreeDigest is the digest of a bundle's files as one archive, not compressed:
// what TreeAnnotation says of the layer they are packed into.
func TreeDigest(ctx context.Context, b *schema.Bundle, blobs engine.Blobs) (schema.Digest, error) {
	h := sha256.New()
	if err := writeTar(ctx, h, b.Files, blobs, func(int64) {}); err != nil {
		return "", err
	}
	return schema.Digest(sum(h).String()), nil
}

func writeDirs(tw *tar.Writer, dir string, done map[string]bool) error {
	if done[dir] {
		return nil
	}
	done[dir] = true
	if err := writeDirs(tw, path.Dir(dir), done); err != nil {
		return err
	}
	return tw.WriteHeader(header(tar.TypeDir, dir+"/", 0o755, 0))
}

func writeFile(ctx context.Context, tw *tar.Writer, f schema.File, blobs engine.Blobs) error {
	mode := int64(0o644)
	if f.Executable {
		mode = 0o755
	}
	if err := tw.WriteHeader(header(tar.TypeReg, f.Path, mode, f.Size)); err != nil {
		return err
	}
	rc, err := blobs.Open(ctx, f.Digest)
	if err != nil {
		return fmt.Errorf("packing %q: %w", f.Path, err)
	}
	n, err := io.Copy(tw, readerContext{ctx, rc})
	if errors.Is(err, tar.ErrWriteTooLong) || (err == nil && n != f.Size) {
		err = fmt.Errorf("the document says %d bytes, the store has another number", f.Size)
	}
	if err := errors.Join(err, rc.Close()); err != nil {
		return fmt.Errorf("packing %q: %w", f.Path, err)
	}
	return nil
}

func header(kind byte, name string, mode, size int64) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: name, Mode: mode, Size: size, ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatPAX}
}
