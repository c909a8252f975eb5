// Package recipes is the catalogue: what is known to work, as data. The CUE
// files are the source; compiled holds what they resolve to, each variant of a
// component once, so that a recipe costs reading an index and a few small files.
//
// The catalogue has releases. Each is a folder of sources that is not changed
// once a newer one is there, so that what was asked of it gets the same answer.
package recipes

import (
	"embed"
	"io/fs"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

//go:generate go run ./gen

// sources are the CUE files and the manifests.
//
//go:embed catalog checks releases
var sources embed.FS

//go:embed compiled
var compiled embed.FS

// Sources returns the files that the built-in catalogue is made of: the grammar
// in catalog, the checks, and each release in a folder of releases.
func Sources() fs.FS { return sources }

// Releases names the releases of the built-in catalogue, the newest last.
func Releases() []string { return releasesIn(sources) }

func releasesIn(files fs.FS) []string {
	dirs, err := fs.ReadDir(files, "releases") // sorted by name
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range dirs {
		if d.IsDir() {
			out = append(out, d.Name())
		}
	}
	return out
}

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
	name, err := ReleaseName(name)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(compiled, "compiled/"+name)
	if err != nil {
		return nil, err
	}
	return Open(files)
}

// Manifest returns the text of a built-in manifest of the catalogue's release by
// path, components/NAME/manifests/FILE.yaml.
func (c *Catalog) Manifest(path string) ([]byte, error) {
	data, err := sources.ReadFile("releases/" + c.Release + "/" + path)
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
	for _, release := range slices.Backward(Releases()) {
		data, err := sources.ReadFile("releases/" + release + "/" + m.Path)
		if err == nil && IsManifest(m.Path) && (m.Digest == "" || m.Digest == schema.DigestOf(data)) {
			return data, nil
		}
	}
	return nil, schema.Errorf(schema.NotFound, "no release of the catalogue has the manifest %q with the digest of the recipe", m.Path).
		WithHint("the recipe was made by another version of eidos or with --data; make it again")
}
