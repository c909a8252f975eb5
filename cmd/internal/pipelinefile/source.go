// Package pipelinefile finds the text of a pipeline and of those that it
// includes, wherever they are, and compiles them. A Source is one pipeline as it
// was read; a Reader knows the places to read from. Neither knows the command
// line.
package pipelinefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/watch"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/oci"
)

// Default is the file that is read when none is named.
const Default = "eidos.pipeline.yaml"

// Source is a pipeline as it was read.
type Source struct {
	Name string // as messages and attestations write it
	// File is the absolute path, the name of a built-in pipeline, its address, or
	// "" if it came from standard input.
	File string
	Dir  string // that the pipeline's paths are relative to
	Text []byte
	// Given are the values that its parameters were given.
	Given Given
	// Included are the blobs of pipelines in registries that it includes, known
	// once it is compiled.
	Included []schema.Digest
}

// BuiltIn reports whether eidos brings the pipeline, so that nobody has its text.
func (s *Source) BuiltIn() bool { return isName(s.File) }

// isName tells the name of a built-in pipeline from a path and an address.
func isName(s string) bool { return s != "" && !strings.ContainsAny(s, `./\`) }

// Reader reads pipelines. What it reads with may be nil where nothing is read so.
type Reader struct {
	In io.Reader // for "-"
	// Note reports what was chosen for the user.
	Note func(format string, args ...any)
	// Seen takes what every file held that was read; nil if nobody watches.
	Seen watch.Sight
	// Registries are where oci:// addresses are read.
	Registries oci.Options
	// Fetch reads a text over HTTP; the name is the address without secrets.
	Fetch func(ctx context.Context, uri string) (name string, text []byte, err error)
	// Keep opens the store that keeps what is read of registries.
	Keep func(do func(engine.Blobs) error) error
}

// Find reads the pipeline of arguments: a file, a built-in one, one in a registry
// or at a URL, "-", or without arguments the default.
func (r *Reader) Find(ctx context.Context, args []string) (*Source, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	if len(args) == 0 {
		args = []string{Default}
		if _, err := os.Stat(Default); err != nil {
			r.Note("no ./%s here: using the pipeline %q that comes with eidos (eidos run --write writes a copy)", Default, "eidos")
			args = []string{"eidos"}
		}
	}
	name := args[0]
	switch {
	case name == "-":
		text, err := ReadLimited(r.In, "<stdin>")
		return &Source{Name: "<stdin>", Dir: wd, Text: text}, err
	case strings.Contains(name, "://"):
		s := &Source{Dir: wd}
		s.Name, s.Text, err = r.remote(ctx, s, name)
		s.File = s.Name
		return s, err
	case isName(name):
		text, err := pipelines.Read(name)
		if _, here := os.Stat(name); err != nil && here == nil {
			err = schema.Errorf(schema.CodeOf(err), "%w", err).WithHint("write ./%s for what is here", name)
		}
		return &Source{Name: builtInFile(name), File: name, Dir: wd, Text: text}, err
	}
	return r.file(name)
}

// builtInFile is the file name under which messages show a built-in pipeline.
func builtInFile(name string) string { return name + ".pipeline.yaml" }

// file reads a pipeline from a file, or from a pipe as the shell makes one for <(…). A
// missing file is noted for --watch too: it may appear.
func (r *Reader) file(name string) (*Source, error) {
	file, err := userfile.OpenDocument(name)
	if err != nil {
		r.sees(name, nil)
		e := Unreadable("reading the pipeline", name, err)
		if e.Code == schema.NotFound {
			e = e.WithHint("eidos run --write writes one to start from")
		}
		return nil, e
	}
	defer file.Close()
	text, err := ReadLimited(file, name)
	if err != nil {
		return nil, err
	}
	r.sees(name, text)
	dir, err := filepath.Abs(filepath.Dir(name))
	return &Source{Name: name, File: filepath.Join(dir, filepath.Base(name)), Dir: dir, Text: text}, err
}

// remote reads a pipeline that is not a file of this machine. What it may do here
// is bounded by the engine, which goes by its name.
func (r *Reader) remote(ctx context.Context, s *Source, uri string) (name string, text []byte, err error) {
	scheme, _, _ := strings.Cut(uri, "://")
	switch strings.ToLower(scheme) {
	case "oci":
		return r.readIncluded(ctx, s, uri, "")
	case "http", "https":
		if strings.HasSuffix(uri, ".cue") {
			return "", nil, schema.Errorf(schema.Invalid, "running %q: a pipeline from a server is YAML or JSON, not CUE", uri).WithHint("save it to a file, read it, and run the file")
		}
		return r.Fetch(ctx, uri)
	}
	return "", nil, schema.Errorf(schema.Invalid, "running %q: a pipeline is a file, oci://…@sha256:…, https:// or http://", uri)
}

// Again finds the pipeline that a run was of, as it is now; kept is its text as it
// was run, for one that is not there any more.
func (r *Reader) Again(src *engine.Source, kept []byte) (*Source, error) {
	s := &Source{Name: src.File, File: src.File, Dir: src.Dir, Text: kept}
	switch {
	case strings.Contains(src.File, "://"):
		return s, nil // as it was run: its name bounds what it may do
	case src.File == "":
		s.Name = shortPath(filepath.Join(src.Dir, "<stdin>"))
		return s, nil
	case !filepath.IsAbs(src.File):
		var err error
		s.Name = builtInFile(src.File)
		s.Text, err = pipelines.Read(src.File)
		return s, err
	}
	s.Name = shortPath(src.File)
	f, err := userfile.Open(src.File)
	if errors.Is(err, os.ErrNotExist) {
		r.Note("%s is gone: using the pipeline as it was run", s.Name)
		return s, nil
	}
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "reading the pipeline: %w", err)
	}
	defer f.Close()
	s.Text, err = ReadLimited(f, s.Name)
	return s, err
}

// shortPath is path as one would type it here.
func shortPath(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// sees notes what a file held that a plan is compiled from; nil data is a file
// that is not there.
func (r *Reader) sees(path string, data []byte) {
	if r.Seen == nil {
		return
	}
	abs, err := filepath.Abs(path)
	switch {
	case err != nil:
	case data == nil:
		r.Seen[abs] = watch.Mark{}
	default:
		r.Seen[abs] = watch.Of(data)
	}
}

// ReadInput reads a document of a command: a file, or in for "-".
func ReadInput(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return ReadLimited(in, name)
	}
	f, err := userfile.OpenDocument(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no file %q", name)
	}
	if err != nil {
		return nil, Unreadable("reading", name, err)
	}
	defer f.Close()
	return ReadLimited(f, name)
}

// ReadLimited reads all of r, up to the limit that every document has.
func ReadLimited(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if len(data) > schema.MaxBytes {
		return nil, schema.Errorf(schema.Invalid, "reading %q: over the limit of %d MiB", name, schema.MaxBytes>>20)
	}
	return data, nil
}

// Unreadable is the error for a file of that name that could not be opened: what is
// not a file is not missing.
func Unreadable(doing, name string, err error) *schema.Error {
	if errors.Is(err, fs.ErrNotExist) {
		return schema.Errorf(schema.NotFound, "%s: no file %q", doing, name)
	}
	return schema.Errorf(schema.CodeOf(err), "%s: %w", doing, err)
}
