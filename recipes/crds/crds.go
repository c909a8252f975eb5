// Package crds checks custom resources against the fields of their kinds: what
// an API server with the definition would refuse, or silently drop. The facts of
// a kind and version are a file, GROUP_KIND_VERSION.json, of the release that
// recipes name first; GROUP_KIND_VERSION@RELEASE.json where another release
// differs. core.json has the types of Kubernetes that definitions copy; Live says
// what api.json and status.json are for.
//
// Objects are checked as YAML, so that what is wrong has a line. Of a Helm
// template, the fields that its text names are checked, and not what is only
// known when it is rendered. Rules written in CEL are not evaluated.
package crds

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes/internal/archive"
	"github.com/NVIDIA/eidos/schema"
)

// packed is an archive of the JSON files of this folder. Made by go generate ./recipes.
//
//go:embed kinds.zip.zst
var packed string

func builtin() fs.FS { return archive.New(packed) }

// coreFile has no kind, but what kinds have in common.
const coreFile = "core.json"

// Kind is what is known of one version of a kind.
type Kind struct {
	schema.KindFacts
	root *node
	core *core
}

type core struct {
	Types map[string]struct {
		Fields   map[string]string
		Required []string
	}
	Enums map[string][]string
}

// node is one path with what is below it.
type node struct {
	schema.KindField
	sub    map[string]*node
	items  *node
	values *node
}

func (n *node) at(part string) *node {
	name := strings.TrimRight(part, "[]{}")
	if n.sub == nil {
		n.sub = map[string]*node{}
	}
	if n.sub[name] == nil {
		n.sub[name] = &node{}
	}
	n = n.sub[name]
	for rest := part[len(name):]; len(rest) >= 2; rest = rest[2:] {
		to := &n.items
		if rest[0] == '{' {
			to = &n.values
		}
		if *to == nil {
			*to = &node{}
		}
		n = *to
	}
	return n
}

func (k *Kind) find(path string) *node {
	n := k.root
	for _, part := range strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".") {
		n = n.at(strings.ReplaceAll(part, "\x00", "."))
	}
	return n
}

// New indexes facts. Invalid if a field is the same as one that is not there, or
// a copy of a type that Kubernetes does not have.
func New(f *schema.KindFacts) (*Kind, error) {
	k := &Kind{KindFacts: *f, root: &node{}, core: &core{}}
	if err := read(builtin(), coreFile, k.core); err != nil {
		return nil, err
	}
	var errs []error
	for _, path := range sorted(k.Fields) {
		field := k.Fields[path]
		if _, ok := k.Fields[field.Same]; field.Same != "" && !ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is the same as %q, which is not there", path, field.Same).At("", "fields"))
		}
		if _, ok := k.core.Types[strings.TrimPrefix(strings.TrimPrefix(field.Core, "[]"), "{}")]; field.Core != "" && !ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is a copy of %q, which is not a known type of Kubernetes", path, field.Core).At("", "fields"))
		}
		k.find(path).KindField = field
	}
	return k, schema.Join(errs)
}

// FileName is the name of the file with the facts of a kind.
func FileName(f *schema.KindFacts) string { return f.Group + "_" + f.Kind + "_" + f.Version + ".json" }

// Library finds the fields of kinds in one or more folders of fact files.
// It is not changed and may be used concurrently.
type Library struct{ folders []fs.FS }

// Builtin has the facts that are part of the program.
func Builtin() Library { return Library{[]fs.FS{builtin()}} }

// With adds a folder whose files win over those that are there.
func (l Library) With(folder fs.FS) Library {
	return Library{append([]fs.FS{folder}, l.folders...)}
}

// Find returns the fields of a kind: of the first of releases, each CHART
// VERSION, that has facts of its own, else those of the primary release.
// NotFound if there are none.
func (l Library) Find(apiVersion, kind string, releases ...string) (*Kind, error) {
	all, err := l.All(apiVersion, kind)
	if err != nil {
		return nil, err
	}
	return Pick(all, releases), nil
}

// Pick returns the one of the facts of a kind that Find would.
func Pick(all []*Kind, releases []string) *Kind {
	for _, k := range all {
		if slices.Contains(releases, k.Release) {
			return k
		}
	}
	for _, k := range all {
		if k.Primary {
			return k
		}
	}
	return all[0]
}

// All returns the facts of every release of a kind, those of folders that were
// added first. NotFound if there are none.
func (l Library) All(apiVersion, kind string) ([]*Kind, error) {
	group, version, _ := strings.Cut(apiVersion, "/")
	var out []*Kind
	for _, folder := range l.folders {
		entries, err := fs.ReadDir(folder, ".")
		if err != nil {
			return nil, fmt.Errorf("listing the fields of kinds: %w", err)
		}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".json")
			if name, _, _ = strings.Cut(name, "@"); name != group+"_"+kind+"_"+version {
				continue
			}
			var f schema.KindFacts
			if err := read(folder, e.Name(), &f); err != nil {
				return nil, err
			}
			k, err := New(&f)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	if out == nil {
		return nil, unknownKind(apiVersion, kind)
	}
	return out, nil
}

func unknownKind(apiVersion, kind string) error {
	return schema.Errorf(schema.NotFound, "the fields of %s of %s are not known", kind, apiVersion).
		WithHint("eidos crd inspect writes them from the definition")
}

func read(folder fs.FS, name string, to any) error {
	data, err := fs.ReadFile(folder, name)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		return fmt.Errorf("reading the fields of %s: %w", name, err)
	}
	return nil
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
