package compile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// cacheFormat is part of the name of cached catalogues: raise it when the same
// sources compile to something else.
const cacheFormat = "4"

// Releases opens what a server answers from: every release of the built-in
// catalogue, the one that is named first, or the only one that a directory makes
// with it, as Data does.
func Releases(ctx context.Context, cache, release, dir string) ([]*recipes.Catalog, error) {
	if dir == "" {
		return recipes.All(release)
	}
	cat, err := Data(cache)(ctx, release, dir)
	return []*recipes.Catalog{cat}, err
}

// Data returns what opens the catalogue that a directory makes together with a
// release of the built-in one, the newest if release is empty. Compiling costs
// a second or more, so the result is kept under cache by the digest of all
// sources; "" keeps nothing.
func Data(cache string) func(ctx context.Context, release, dir string) (*recipes.Catalog, error) {
	return func(_ context.Context, release, dir string) (*recipes.Catalog, error) {
		src, err := Shipped(release)
		if err != nil {
			return nil, err
		}
		if src, err = src.With(dir); err != nil {
			return nil, err
		}
		tree, err := src.tree()
		if err != nil {
			return nil, err
		}
		digest := digestTree(tree)
		kept := filepath.Join(cache, cacheFormat+"-"+strings.TrimPrefix(string(digest), "sha256:"))
		if cache != "" {
			if c, err := recipes.Open(os.DirFS(kept)); err == nil && c.Sources == digest {
				return c, nil
			}
		}
		files, err := Catalog(src)
		if err != nil {
			return nil, err
		}
		if cache != "" {
			if err := keep(kept, files); err != nil {
				return nil, err
			}
		}
		return recipes.Open(files.FS())
	}
}

// keep writes files to dir all at once, so that no other process sees half of
// them. Another process that was faster has written the same.
func keep(dir string, files Files) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("keeping the compiled catalogue: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		return fmt.Errorf("keeping the compiled catalogue: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := files.Write(tmp); err != nil {
		return fmt.Errorf("keeping the compiled catalogue: %w", err)
	}
	if os.Rename(tmp, dir) == nil {
		return nil
	}
	// What is there is damaged, or was just written by another process.
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	var idx recipes.Index
	if err == nil && json.Unmarshal(data, &idx) == nil {
		want := recipes.Index{}
		if json.Unmarshal(files["index.json"], &want) == nil && want.Sources == idx.Sources {
			return nil
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("replacing a damaged catalogue: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return schema.Errorf(schema.Failed, "keeping the compiled catalogue: %w", err)
	}
	return nil
}
