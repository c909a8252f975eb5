package sign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/intoto"
	"github.com/NVIDIA/eidos/steps/oci"
)

// maxFiles is the most files that a directory which is signed may have.
const maxFiles = 100_000

// artefact is what is signed or verified.
type artefact struct {
	name        string // for messages and statements
	digest      schema.Digest
	subjects    []subject
	annotations map[string]string // what it states of itself, as the manifest of a pushed bundle does
}

// localArtefact is a bundle, or what is at a path: a file by its SHA-256, a
// directory by the SHA-256 of each file in it.
func localArtefact(ctx context.Context, env engine.Env, path string, b *schema.Bundle) (*artefact, error) {
	if b != nil {
		a := &artefact{name: "bundle " + b.Metadata.Name, annotations: map[string]string{oci.RecipeAnnotation: string(b.Metadata.Recipe)}}
		meta, err := json.Marshal(b.Metadata)
		if err != nil {
			return nil, err
		}
		a.annotations[oci.MetadataAnnotation] = string(meta)
		for _, f := range b.Files {
			a.subjects = append(a.subjects, subject{Name: f.Path, Digest: intoto.DigestSet(f.Digest)})
		}
		a.digest = listDigest(a.subjects)
		return a, nil
	}
	abs := inDir(env.Dir, path)
	info, err := os.Stat(abs)
	if err != nil {
		return nil, schema.Errorf(schema.NotFound, "reading %q: %w", path, err)
	}
	a := &artefact{name: path}
	if info.IsDir() {
		if a.subjects, err = listTree(ctx, abs, path); err != nil {
			return nil, err
		}
		a.digest = listDigest(a.subjects)
		return a, nil
	}
	f, err := userfile.Open(abs)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hex, err := sumOf(f)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	a.digest = schema.Digest("sha256:" + hex)
	a.subjects = ofDigest(a.digest)
	return a, nil
}

// listTree returns the files below a directory, sorted by path. Links and what
// is not a file are refused: nothing would be known of what they lead to.
func listTree(ctx context.Context, dir, name string) ([]subject, error) {
	root, err := userfile.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var out []subject
	err = fs.WalkDir(userfile.Tree(root), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("reading %q: %w", filepath.Join(name, p), err)
		}
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			return schema.Errorf(schema.Invalid, "%q is %s, not a regular file", filepath.Join(name, p), userfile.Kind(d.Type()))
		}
		if len(out) == maxFiles {
			return schema.Errorf(schema.Invalid, "%q has more than %d files", name, maxFiles)
		}
		f, err := userfile.OpenIn(root, p)
		if err != nil {
			return err
		}
		defer f.Close()
		hex, err := sumOf(f)
		if err != nil {
			return fmt.Errorf("reading %q: %w", filepath.Join(name, p), err)
		}
		out = append(out, subject{Name: p, Digest: map[string]string{"sha256": hex}})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, schema.Errorf(schema.Invalid, "%q has no files", name)
	}
	slices.SortFunc(out, func(a, b subject) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func sumOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// listDigest is the SHA-256 of the list of files as sha256sum prints it.
func listDigest(files []subject) schema.Digest {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s  %s\n", f.Digest["sha256"], f.Name)
	}
	return schema.DigestOfSum(h.Sum(nil))
}
