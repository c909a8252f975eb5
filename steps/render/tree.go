package render

import (
	"path"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// checksums is the file that lists all others.
const checksums = "checksums.txt"

// Tree is a bundle in memory.
type Tree struct {
	Metadata schema.BundleMetadata
	files    map[string]file
}

type file struct {
	data       []byte
	ref        *engine.Blob // instead of data: the bytes are in the content store
	executable bool
}

// script reports whether a file of that name is executable. checksums.txt has no
// modes, so that the name alone decides.
func script(name string) bool { return strings.HasSuffix(name, ".sh") }

// add puts a file into the tree; name is clean, relative and used once.
func (t *Tree) add(name string, data []byte) {
	if name != path.Clean(name) || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") {
		panic("BUG: not a clean path: " + name)
	}
	if _, twice := t.files[name]; twice {
		panic("BUG: file written twice: " + name)
	}
	if t.files == nil {
		t.files = map[string]file{}
	}
	t.files[name] = file{data: data, executable: script(name)}
}

// addBlob adds a file whose bytes are in the content store.
func (t *Tree) addBlob(name string, b engine.Blob) {
	t.add(name, nil)
	t.files[name] = file{ref: &b}
}

// addYAML adds v as YAML under a comment that says what the file is.
func (t *Tree) addYAML(name, comment string, docs ...any) error {
	var out []byte
	for _, line := range strings.Split(comment, "\n") {
		if line != "" {
			out = append(out, "# "+line+"\n"...)
		}
	}
	data, err := yamlDocuments(docs...)
	if err != nil {
		return err
	}
	t.add(name, append(out, data...))
	return nil
}

// yamlDocuments is docs as one YAML file.
func yamlDocuments(docs ...any) ([]byte, error) {
	var out []byte
	for i, v := range docs {
		data, err := schema.EncodeYAML(v)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, "---\n"...)
		}
		out = append(out, data...)
	}
	return out, nil
}

// short is the part of the digest of data that distinguishes names.
func short(data []byte) string {
	return strings.TrimPrefix(string(schema.DigestOf(data)), "sha256:")[:8]
}

// Paths lists the files, sorted.
func (t *Tree) Paths() []string {
	out := make([]string, 0, len(t.files))
	for p := range t.files {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}

// Data returns the bytes of a file, nil if there is none of that name or if they
// are in the content store. They must not be changed.
func (t *Tree) Data(name string) []byte { return t.files[name].data }

// Executable reports whether a file is a script.
func (t *Tree) Executable(name string) bool { return t.files[name].executable }

// seal adds checksums.txt, in the form `sha256sum -c` reads.
func (t *Tree) seal() {
	var b strings.Builder
	for _, p := range t.Paths() {
		f := t.files[p]
		var digest schema.Digest
		if f.ref != nil {
			digest = f.ref.Digest
		} else {
			digest = schema.DigestOf(f.data)
		}
		b.WriteString(strings.TrimPrefix(string(digest), "sha256:") + "  " + p + "\n")
	}
	t.add(checksums, []byte(b.String()))
}
