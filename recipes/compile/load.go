package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cueload "cuelang.org/go/cue/load"

	"github.com/NVIDIA/eidos/schema"
)

// module is cue.mod/module.cue of the repository; a test holds them equal.
const module = "module: \"github.com/nvidia/eidos@v0\"\nlanguage: version: \"v0.17.0\"\n"

// tree is the source as a CUE module.
func (s Source) tree() (Files, error) {
	tree := Files{"cue.mod/module.cue": []byte(module)}
	if err := add(tree, "schema", schema.CUE()); err != nil {
		return nil, err
	}
	for name, f := range s.files {
		tree[s.inModule(name)] = f
	}
	return tree, nil
}

// Module is the source as a CUE module that stock cue checks: cue vet ./...
// By path; the files that were added are beside the built-in ones. With it come the
// kinds that the source knows, for manifests: package recipes/kinds.
func (s Source) Module() (map[string][]byte, error) {
	tree, err := s.tree()
	if err != nil {
		return nil, err
	}
	kinds, err := s.Kinds()
	if err != nil {
		return nil, err
	}
	for name, text := range kinds {
		tree["recipes/kinds/"+name] = text
	}
	return tree, nil
}

// load evaluates the catalogue in src and checks it, all problems at once.
func load(src Source) (*loaded, error) {
	tree, err := src.tree()
	if err != nil {
		return nil, err
	}
	return loadTree(tree, src)
}

// loadTree evaluates the module in tree, which src is part of.
func loadTree(tree Files, src Source) (*loaded, error) {
	var err error
	// A file system of its own and a context of its own: nothing that was
	// evaluated before shows through, and all of it can be freed.
	inst := cueload.Instances([]string{"./" + src.inModule("")}, &cueload.Config{FS: tree.FS(), Dir: "/"})[0]
	l := &loaded{src: src, digest: digestTree(tree), manifests: map[string]schema.Manifest{}}
	if inst.Err != nil {
		return nil, l.errors(inst.Err)
	}
	if err := l.checkFacts(); err != nil {
		return nil, err
	}
	if l.layers, err = layersOf(inst, src); err != nil {
		return nil, err
	}
	l.written = written{inst, src}
	l.wordAt, l.checkAt = linesOf(inst, src, "words", 2), linesOf(inst, src, "checks", 1)
	root := cuecontext.New().BuildInstance(inst)
	// All that is wrong: Err alone has what is wrong first.
	err = root.Validate(cue.Concrete(true))
	if err == nil {
		err = root.Err()
	}
	if err != nil {
		return nil, l.errors(err)
	}
	l.root = root.LookupPath(cue.MakePath(cue.Str("catalog")))
	l.said = map[string][]layer{}
	for _, s := range l.layers {
		if s.Overlay && !s.Maybe {
			l.said[s.Name] = append(l.said[s.Name], s)
		}
	}
	return l, nil
}

// add copies the files that matter of src to dir of tree.
func add(tree Files, dir string, src fs.FS) error {
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
		tree[path.Join(dir, name)] = data
		return nil
	})
}

// digestTree is the digest of the path and content of every file that answers
// depend on.
func digestTree(tree Files) schema.Digest {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if !strings.HasPrefix(name, "recipes/") {
			continue
		}
		sum := sha256.Sum256(tree[name])
		fmt.Fprintf(h, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	return schema.DigestOfSum(h.Sum(nil))
}
