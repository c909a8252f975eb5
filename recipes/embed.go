// Package recipes is the catalogue: what is known to work, as data. The CUE
// files are the source; compiled holds what they resolve to, each variant of a
// component once, so that a recipe costs reading an index and a few small files.
package recipes

import (
	"embed"
	"io/fs"

	"github.com/NVIDIA/eidos/schema"
)

//go:generate go run ./gen

// sources are the CUE files and the manifests.
//
//go:embed *.cue catalog checks components overlays words
var sources embed.FS

//go:embed compiled
var compiled embed.FS

// Sources returns the files that the shipped catalogue is made of, as they lie
// in the folder recipes.
func Sources() fs.FS { return sources }

// Shipped opens the catalogue that is part of the program.
func Shipped() (*Catalog, error) {
	files, err := fs.Sub(compiled, "compiled")
	if err != nil {
		return nil, err
	}
	return Open(files)
}

// Manifest returns the text of a shipped manifest by its path in a recipe,
// components/NAME/manifests/FILE.yaml. NotFound if the shipped catalogue has
// none there: a recipe made with --data carries the text itself.
func Manifest(path string) ([]byte, error) {
	data, err := sources.ReadFile(path)
	if err != nil || !IsManifest(path) {
		return nil, schema.Errorf(schema.NotFound, "the catalogue has no manifest %q", path).
			WithHint("the recipe was made by another version of eidos or with --data; make it again")
	}
	return data, nil
}
