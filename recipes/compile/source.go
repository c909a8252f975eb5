package compile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"cuelang.org/go/cue/ast"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// Limits of a directory of recipes.
const (
	maxFile  = 10 << 20 // bytes
	maxTotal = 64 << 20 // bytes
	maxFiles = 2000
)

// Source is what a catalogue is compiled from: the files of a release, the
// grammar's in catalog, the checks', and where those that were added came from.
type Source struct {
	release string
	files   Files
	added   map[string]string // path in files → the path that people know
	charts  fs.FS             // facts that win over all others; nil is none
}

// Shipped is the source of a release of the built-in catalogue, the newest if
// release is empty. Invalid if there is no such release.
func Shipped(release string) (Source, error) {
	release, err := recipes.ReleaseName(release)
	if err != nil {
		return Source{}, err
	}
	return From(recipes.Sources(), release)
}

// From takes the source of a release in a file system like the folder recipes.
func From(files fs.FS, release string) (Source, error) {
	s := Source{release: release, files: Files{}, added: map[string]string{}}
	for dir, to := range map[string]string{"catalog": "catalog", "checks": "checks", "releases/" + release: "."} {
		part, err := fs.Sub(files, dir)
		if err != nil {
			return s, err
		}
		if err := add(s.files, to, part); err != nil {
			return s, err
		}
	}
	return s, nil
}

// inModule is the path in the CUE module of a file of the source.
func (s Source) inModule(name string) string {
	if strings.HasPrefix(name, "catalog/") || name == "checks" || strings.HasPrefix(name, "checks/") {
		return "recipes/" + name
	}
	return path.Join("recipes/releases", s.release, name)
}

// mark is in the name of an added file, so that it never hides a shipped one.
const mark = "data__"

// With adds a user's directory: CUE files of package recipes, files in checks,
// components, mixins, overlays and words like the shipped ones, and manifests in
// components/NAME/manifests. All problems at once, Invalid: a link, a file
// that stands nowhere, another package, a file that is too long.
func (s Source) With(dir string) (Source, error) {
	root, err := userfile.OpenRoot(dir)
	if err != nil {
		return s, notThere(dir, err)
	}
	defer root.Close()
	return s.WithTree(userfile.Tree(root), dir)
}

// WithCharts takes facts of charts, NAME@VERSION.json, in place of those that
// there are of the same charts.
func (s Source) WithCharts(facts fs.FS) Source {
	s.charts = facts
	return s
}

// WithTree is With for the files of a directory called dir.
func (s Source) WithTree(tree fs.FS, dir string) (Source, error) {
	out := Source{release: s.release, files: Files{}, added: map[string]string{}, charts: s.charts}
	for k, v := range s.files {
		out.files[k] = v
	}
	for k, v := range s.added {
		out.added[k] = v
	}
	var errs []error
	fail := func(name, format string, args ...any) {
		errs = append(errs, schema.Errorf(schema.Invalid, format, args...).At(filepath.Join(dir, filepath.FromSlash(name)), ""))
	}
	var total int64
	count := 0
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			fail(name, "not a regular file; links are not followed")
			return nil
		}
		to, why := placeOf(name)
		if to == "" {
			if why != "" {
				fail(name, "%s", why)
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		if count++; count > maxFiles || total > maxTotal {
			return schema.Errorf(schema.Invalid, "%q holds more than %d files or %d MiB", dir, maxFiles, maxTotal>>20)
		}
		if info.Size() > maxFile {
			fail(name, "%d MiB is over the limit of %d MiB for a file", info.Size()>>20, maxFile>>20)
			return nil
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if _, taken := out.files[to]; taken {
			fail(name, "would replace the built-in manifest of that name; give it another one")
			return nil
		}
		if why, line := unfit(to, data); why != "" {
			fail(name+line, "%s", why)
			return nil
		}
		out.files[to] = data
		out.added[to] = path.Join(filepath.Base(dir), name)
		return nil
	})
	if err != nil {
		return s, notThere(dir, err)
	}
	if count == 0 && len(errs) == 0 {
		return s, schema.Errorf(schema.Invalid, "%q holds no CUE files", dir).
			WithHint("put files of package recipes there; docs/site.md has an example")
	}
	return out, schema.Join(errs)
}

func notThere(dir string, err error) error {
	if schema.CodeOf(err) == schema.Invalid {
		return err
	}
	fi, statErr := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return schema.Errorf(schema.NotFound, "no directory of recipes %q", dir).
			WithHint("eidos recipe scaffold --data %s writes a first file", dir)
	case statErr == nil && !fi.IsDir():
		return schema.Errorf(schema.Invalid, "%q is a file, and a directory of recipes is wanted", dir).
			WithHint("name the directory that it is in")
	}
	return schema.Errorf(schema.Failed, "reading the directory of recipes %q: %w", dir, err)
}

var authored = pattern.New(`^(checks/|components/|mixins/|overlays/|words/)?[A-Za-z0-9][A-Za-z0-9._-]*\.cue$`)

var factFile = pattern.New(`^charts/[A-Za-z0-9][A-Za-z0-9._-]*@v?[0-9][A-Za-z0-9.+-]*\.json$`)

var kindFile = pattern.New(`^crds/[a-z0-9][a-z0-9.-]*_[A-Za-z0-9]+_v[a-z0-9]+(@[A-Za-z0-9._-]+)?\.json$`)

// placeOf is where a user's file goes, or why it cannot; neither for what is
// of no interest (a README).
func placeOf(name string) (to, why string) {
	switch ext := path.Ext(name); {
	case ext == ".cue" && authored.MatchString(name):
		return path.Join(path.Dir(name), mark+path.Base(name)), ""
	case ext == ".cue":
		return "", "CUE files are in the directory itself, in checks, components, mixins, overlays or words"
	case (ext == ".yaml" || ext == ".yml") && recipes.IsManifest(name):
		return name, ""
	case ext == ".json" && (factFile.MatchString(name) || kindFile.MatchString(name)):
		return name, ""
	case ext == ".json" && strings.HasPrefix(name, "crds/"):
		return "", "fields of a kind are in crds/GROUP_KIND_VERSION.json"
	case ext == ".json" && strings.HasPrefix(name, "charts/"):
		return "", "facts of a chart are in charts/NAME@VERSION.json"
	case ext == ".yaml" || ext == ".yml":
		return "", "manifests are in components/NAME/manifests, files of a kustomization in components/NAME/kustomize, named FILE.yaml"
	}
	return "", ""
}

// unfit says why a CUE file cannot be unified where it is, and at which :LINE:COL.
func unfit(to string, data []byte) (why, at string) {
	if path.Ext(to) != ".cue" {
		return "", ""
	}
	line := func(p token.Pos) string {
		if !p.IsValid() {
			return ":1:1"
		}
		return fmt.Sprintf(":%d:%d", p.Line(), p.Column())
	}
	want := path.Dir(to)
	if want == "." {
		want = "recipes"
	}
	f, err := parser.ParseFile(to, data)
	if err != nil {
		first := cueerrors.Errors(err)[0]
		format, args := first.Msg()
		return "not CUE: " + fmt.Sprintf(format, args...), line(first.Position())
	}
	if got := f.PackageName(); got != want {
		pos := token.NoPos
		for _, d := range f.Decls {
			if p, ok := d.(*ast.Package); ok {
				pos = p.Name.Pos()
			}
		}
		return fmt.Sprintf("is of package %q; write package %s", got, want), line(pos)
	}
	if want != "recipes" {
		return "", ""
	}
	// CUE lets a package add fields of its own; here that is a misspelt word.
	known := []string{"components", "overlays", "mixins", "checks", "words"}
	for _, d := range f.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _, err := ast.LabelName(field.Label)
		if err == nil && !strings.HasPrefix(name, "_") && !slices.Contains(known, name) {
			return fmt.Sprintf("has an unknown field %q; %s", name, schema.Suggest(name, known)), line(field.Pos())
		}
	}
	return "", ""
}

// known is the path of a file in the source as people know it.
func (s Source) known(name string) string {
	name = strings.TrimPrefix(name, "/")
	for to, p := range s.added {
		if s.inModule(to) == name {
			return p
		}
	}
	return name
}

// place is the path of a file of the source as people know it.
func (s Source) place(name string) string {
	if p, ok := s.added[name]; ok {
		return p
	}
	return s.inModule(name)
}

// isAdded reports whether a place, FILE:LINE, is in a file that was added.
func (s Source) isAdded(at string) bool {
	for _, p := range s.added {
		if strings.HasPrefix(at, p+":") {
			return true
		}
	}
	return false
}

// Names lists the files that were added, as people know them, sorted.
func (s Source) Names() []string {
	var out []string
	for _, p := range s.added {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}
