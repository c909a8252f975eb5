// Package recipes is the catalogue: what is known to work, as data. The CUE
// files are the source; compiled holds what they resolve to, each variant of a
// component once, so that a recipe costs reading an index and a few small files.
//
// The catalogue has releases. Each is a folder of sources that is not changed
// once a newer one is there, so that what was asked of it gets the same answer.
package recipes

import (
	"embed"
	"errors"
	"io/fs"
	"slices"

	"github.com/NVIDIA/eidos/recipes/internal/archive"
	"github.com/NVIDIA/eidos/schema"
)

//go:generate go run ./gen/pack
//go:generate go run ./gen

// releases are those of the built-in catalogue, the newest last.
var releases = [...]string{"2026-03", "2026-11"}

// sources are the CUE files and the manifests; of the releases, only the newest. They
// are not packed: two changes of recipes would always be in conflict in an archive.
//
//go:embed catalog checks releases/2026-11
var sources embed.FS

// compiled is the newest release but its layers, which only those read who explain
// a recipe.
//
//go:embed compiled/2026-11/answers compiled/2026-11/components
//go:embed compiled/2026-11/answers.json compiled/2026-11/checks.json compiled/2026-11/index.json compiled/2026-11/rules.json
//go:embed compiled/2026-11/upgrades.json compiled/2026-11/warnings.json compiled/2026-11/words.json
var compiled embed.FS

// older is an archive of the folders releases and compiled of the older releases,
// and of the layers of the newest: few need them, and as they are they would be a
// twentieth of every program.
//
//go:embed older.zip.zst
var older string

// layers opens a file, or a folder, in the first file system that has it.
type layers []fs.FS

func (l layers) Open(name string) (fs.File, error) {
	for _, files := range l {
		f, err := files.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Sources returns the files that the releases of the built-in catalogue are made of:
// the grammar in catalog, the checks, and each release in its folder of releases.
// Folders that hold more than one release cannot be listed.
func Sources() fs.FS { return layers{sources, archive.New(older)} }

// Releases names the releases of the built-in catalogue, the newest last.
func Releases() []string { return slices.Clone(releases[:]) }

// ReleaseName returns the release that is meant by name: the newest if it is
// empty. Invalid if there is no such release.
func ReleaseName(name string) (string, error) {
	all := Releases()
	if name == "" {
		return all[len(all)-1], nil
	}
	if !slices.Contains(all, name) {
		return "", schema.Errorf(schema.Invalid, "the catalogue has no release %q", name).At("", "catalogue").
			WithHint("%s", schema.Suggest(name, all))
	}
	return name, nil
}

// Shipped opens the newest release of the built-in catalogue.
func Shipped() (*Catalog, error) { return Release("") }

// Release opens a release of the built-in catalogue, the newest if name is
// empty. Invalid if there is no such release.
func Release(name string) (*Catalog, error) {
	files, err := compiledFiles(name)
	if err != nil {
		return nil, err
	}
	return Open(files)
}

// ShippedEdition is which catalogue the newest release of the built-in one is.
func ShippedEdition() (*Edition, error) {
	files, err := compiledFiles("")
	if err != nil {
		return nil, err
	}
	return ReadEdition(files)
}

// compiledFiles are those of a release, for Release.
func compiledFiles(name string) (fs.FS, error) {
	name, err := ReleaseName(name)
	if err != nil {
		return nil, err
	}
	return fs.Sub(layers{compiled, archive.New(older)}, "compiled/"+name)
}

// All opens every release of the built-in catalogue: the one that name means, as
// for Release, then the others, the newest first.
func All(name string) ([]*Catalog, error) {
	first, err := ReleaseName(name)
	if err != nil {
		return nil, err
	}
	var out []*Catalog
	for _, r := range slices.Backward(Releases()) {
		c, err := Release(r)
		if err != nil {
			return nil, err
		}
		if r == first {
			out = slices.Insert(out, 0, c)
		} else {
			out = append(out, c)
		}
	}
	return out, nil
}

// Manifest returns the text of a built-in manifest of the catalogue's release by
// path, components/NAME/manifests/FILE.yaml.
func (c *Catalog) Manifest(path string) ([]byte, error) {
	data, err := fs.ReadFile(Sources(), "releases/"+c.Release+"/"+path)
	if err != nil || !IsManifest(path) {
		return nil, schema.Errorf(schema.NotFound, "release %s of the catalogue has no manifest %q", c.Release, path)
	}
	return data, nil
}

// Manifest returns the text of a built-in manifest that a recipe names by path,
// components/NAME/manifests/FILE.yaml, and digest; without a digest, the newest
// of that path. NotFound if no release has it: a recipe made with --data carries
// the text itself.
func Manifest(m schema.Manifest) ([]byte, error) {
	files := Sources()
	for _, release := range slices.Backward(Releases()) {
		data, err := fs.ReadFile(files, "releases/"+release+"/"+m.Path)
		if err == nil && IsManifest(m.Path) && (m.Digest == "" || m.Digest == schema.DigestOf(data)) {
			return data, nil
		}
	}
	return nil, schema.Errorf(schema.NotFound, "no release of the catalogue has the manifest %q with the digest of the recipe", m.Path).
		WithHint("the recipe was made by another version of eidos or with --data; make it again")
}
