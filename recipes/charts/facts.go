// Package charts knows what the charts of the catalogue accept and render. The
// facts of each are a file, NAME@VERSION.json, that `eidos chart inspect` wrote
// or could have written; a file is read when something is asked of its chart.
package charts

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/recipes/internal/archive"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/version"
)

// files are the facts of charts that the newest release of the catalogue names.
//
//go:embed *.json
var files embed.FS

// older is an archive of the folder of that name: facts of charts that only older
// releases and sites name. Made by go generate ./recipes.
//
//go:embed older.zip.zst
var older string

// Library finds the facts of charts in one or more folders of fact files. It may
// be used concurrently.
type Library struct {
	folders []fs.FS
	kept    *kept // nil: a file is decoded whenever it is asked for
}

// kept is what a library has decoded, by the name of the file.
type kept struct {
	mu     sync.Mutex
	charts map[string]*Chart
	briefs map[string]Brief
	names  map[string][]string // all of them, under ""
}

// Builtin has the facts that are part of the program.
func Builtin() Library {
	return Library{folders: []fs.FS{files, archive.New(older)}}
}

// With adds a folder whose files win over those that are there.
func (l Library) With(folder fs.FS) Library {
	return Library{folders: append([]fs.FS{folder}, l.folders...)}
}

// Keep returns a library that decodes every file once, for programs that live
// long. Those of the program take 10 MiB.
func (l Library) Keep() Library {
	l.kept = &kept{charts: map[string]*Chart{}, briefs: map[string]Brief{}, names: map[string][]string{}}
	return l
}

// once returns what is kept under name, or decodes it and keeps it. Two that ask
// at the same time may both decode it.
func once[T any](k *kept, in func(*kept) map[string]T, name string, decode func() (T, error)) (T, error) {
	if k == nil {
		return decode()
	}
	k.mu.Lock()
	v, ok := in(k)[name]
	k.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := decode()
	if err == nil {
		k.mu.Lock()
		in(k)[name] = v
		k.mu.Unlock()
	}
	return v, err
}

// FileName is the name of the file with the facts of a chart.
func FileName(chart, version string) string { return path.Base(chart) + "@" + version + ".json" }

// Names lists the charts that there are facts of, as NAME@VERSION, sorted.
func (l Library) Names() ([]string, error) {
	seen := map[string]bool{}
	for _, f := range l.folders {
		entries, err := fs.ReadDir(f, ".")
		if err != nil {
			return nil, fmt.Errorf("listing chart facts: %w", err)
		}
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && strings.Contains(name, "@") {
				seen[name] = true
			}
		}
	}
	out := make([]string, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	sort.Strings(out)
	return out, nil
}

// Find returns what is known of a chart. If there are no facts of that very
// version, those of one that differs in the patch number only are used, and
// chart.Version is another one than was asked for. NotFound without either.
func (l Library) Find(chart, version string) (*Chart, error) {
	folder, name, err := l.file(chart, version)
	if err != nil {
		return nil, err
	}
	return once(l.kept, func(k *kept) map[string]*Chart { return k.charts }, name, func() (*Chart, error) {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("reading chart facts %q: %w", name, err)
		}
		return read(name, data)
	})
}

// file returns the folder and the name of the fact file that Find reads.
func (l Library) file(chart, version string) (fs.FS, string, error) {
	chart = path.Base(chart) // a repository's name may be before it
	name := FileName(chart, version)
	for _, f := range l.folders {
		if _, err := fs.Stat(f, name); err == nil {
			return f, name, nil
		}
	}
	names, err := once(l.kept, func(k *kept) map[string][]string { return k.names }, "", l.Names)
	if err != nil {
		return nil, "", err
	}
	near := ""
	for _, n := range names {
		name, v, _ := strings.Cut(n, "@")
		if name == chart && patchOf(v, version) && (near == "" || newer(v, near)) {
			near = v
		}
	}
	if near == "" {
		return nil, "", schema.Errorf(schema.NotFound, "there are no facts of chart %s %s", chart, version).
			WithHint("eidos chart inspect writes them from the chart")
	}
	return l.file(chart, near)
}

// patchOf reports whether two versions differ in their third number at most.
func patchOf(a, b string) bool {
	x, errX := version.Parse(a)
	y, errY := version.Parse(b)
	if errX != nil || errY != nil || len(x.Parts) < 3 || len(y.Parts) < 3 || x.Pre != "" || y.Pre != "" {
		return false
	}
	return version.CompareParts(x.Parts[:2], y.Parts[:2]) == 0
}

func newer(a, b string) bool {
	x, errX := version.Parse(a)
	y, errY := version.Parse(b)
	return errX == nil && errY == nil && version.Compare(x, y) > 0
}

func read(name string, data []byte) (*Chart, error) {
	var f schema.ChartFacts
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading chart facts %q: %w", name, err)
	}
	return New(&f)
}

// Encode writes facts the one way that fact files are written.
func Encode(f *schema.ChartFacts) ([]byte, error) { return schema.EncodeLines(f) }
