package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	cueload "cuelang.org/go/cue/load"

	"github.com/NVIDIA/eidos/schema"
)

// module is cue.mod/module.cue of the repository; a test holds them equal.
const module = "module: \"github.com/nvidia/eidos@v0\"\nlanguage: version: \"v0.17.0\"\n"

// load evaluates the catalogue in sources and checks it, all problems at once.
func load(sources fs.FS) (*loaded, error) {
	tree := fstest.MapFS{"cue.mod/module.cue": &fstest.MapFile{Data: []byte(module), Mode: 0o644}}
	if err := add(tree, "schema", schema.CUE()); err != nil {
		return nil, err
	}
	if err := add(tree, "recipes", sources); err != nil {
		return nil, err
	}
	// A file system of its own and a context of its own: nothing that was
	// evaluated before shows through, and all of it can be freed.
	inst := cueload.Instances([]string{"./recipes"}, &cueload.Config{FS: tree, Dir: "/"})[0]
	l := &loaded{sources: sources, digest: digestTree(tree), manifests: map[string]schema.Manifest{}}
	if inst.Err != nil {
		return nil, l.errors(inst.Err)
	}
	root := cuecontext.New().BuildInstance(inst)
	if err := root.Err(); err != nil {
		return nil, l.errors(err)
	}
	if err := root.Validate(cue.Concrete(true)); err != nil {
		return nil, l.errors(err)
	}
	l.root = root
	var err error
	if l.layers, err = layersOf(inst); err != nil {
		return nil, err
	}
	l.said = map[string][]layer{}
	for _, s := range l.layers {
		if s.Overlay {
			l.said[s.Name] = append(l.said[s.Name], s)
		}
	}
	return l, nil
}

// add copies the files that matter of src to dir of tree.
func add(tree fstest.MapFS, dir string, src fs.FS) error {
	return fs.WalkDir(src, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if ext := path.Ext(name); ext != ".cue" && ext != ".yaml" {
			return nil
		}
		data, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		tree[path.Join(dir, name)] = &fstest.MapFile{Data: data, Mode: 0o644}
		return nil
	})
}

// digestTree is the digest of the path and content of every file that answers
// depend on. Of the documents those are the words of the criteria.
func digestTree(tree fstest.MapFS) schema.Digest {
	h := sha256.New()
	for _, name := range sortedKeys(tree) {
		if !strings.HasPrefix(name, "recipes/") && name != "schema/criteria.cue" {
			continue
		}
		sum := sha256.Sum256(tree[name].Data)
		fmt.Fprintf(h, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	return schema.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// errors turns CUE's errors into ours: one a problem, the first position in a
// component or overlay as its place and the others named beside it.
func (l *loaded) errors(err error) error {
	var out []error
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		p := &schema.Error{Code: schema.Invalid, Msg: fmt.Sprintf(format, args...), Path: strings.Join(e.Path(), "."), Err: e}
		places := places(e)
		if len(places) > 0 {
			p.Pos = places[0]
		}
		if len(places) > 1 {
			p.Msg += "; see also " + strings.Join(places[1:], ", ")
		}
		out = append(out, p)
	}
	return schema.Join(out)
}

// places lists where an error comes from, authors' files only when there are
// any: the grammar's own lines tell them nothing.
func places(e errors.Error) []string {
	var own, grammar []string
	seen := map[string]bool{}
	for _, pos := range errors.Positions(e) {
		if !pos.IsValid() {
			continue
		}
		at := fmt.Sprintf("%s:%d:%d", strings.TrimPrefix(pos.Filename(), "/"), pos.Line(), pos.Column())
		if seen[at] {
			continue
		}
		seen[at] = true
		if strings.HasPrefix(at, "recipes/catalog/") || strings.HasPrefix(at, "recipes/recipes.cue") || strings.HasPrefix(at, "schema/") {
			grammar = append(grammar, at)
		} else {
			own = append(own, at)
		}
	}
	sort.Strings(own)
	if own == nil && grammar != nil {
		return grammar[:1]
	}
	return own
}
