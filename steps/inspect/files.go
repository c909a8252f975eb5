package inspect

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/klauspost/compress/gzip"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
)

// Limits of a chart; Helm has the same or lower ones.
const (
	maxUnpacked = 256 << 20 // bytes
	maxFile     = 16 << 20  // bytes
	maxFiles    = 10000
	maxDepth    = 8 // subcharts in subcharts
)

// chart is one chart by its files, with its subcharts.
type chart struct {
	meta   meta
	key    string // name or alias, the key of its values in the parent's
	files  map[string][]byte
	values map[string]any
	subs   []*chart
	dep    dependency // that the parent declares for it
	depth  int
}

type meta struct {
	Name         string       `yaml:"name"`
	Version      string       `yaml:"version"`
	AppVersion   string       `yaml:"appVersion"`
	KubeVersion  string       `yaml:"kubeVersion"`
	Type         string       `yaml:"type"`
	Dependencies []dependency `yaml:"dependencies"`
}

type dependency struct {
	Name      string `yaml:"name"`
	Version   string `yaml:"version"`
	Alias     string `yaml:"alias"`
	Condition string `yaml:"condition"`
}

// fromFS reads the files of a chart's directory.
func fromFS(tree fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	total := 0
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !e.Type().IsRegular() {
			return schema.Errorf(schema.Invalid, "%q is not a regular file", name)
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		total += len(data)
		return take(files, name, data, total)
	})
	return files, err
}

func take(files map[string][]byte, name string, data []byte, total int) error {
	if len(files) >= maxFiles || total > maxUnpacked || len(data) > maxFile {
		return schema.Errorf(schema.Invalid, "a chart has at most %d files, %d MiB in all and %d MiB each", maxFiles, maxUnpacked>>20, maxFile>>20)
	}
	files[name] = data
	return nil
}

// fromArchive reads the files of a packaged chart, without its folder.
func fromArchive(archive []byte) (map[string][]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "not a packaged chart: %w", broken(err))
	}
	files := map[string][]byte{}
	tr := tar.NewReader(io.LimitReader(zr, maxUnpacked+1))
	total := 0
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "not a packaged chart: %w", broken(err))
		}
		name := path.Clean(h.Name)
		_, inner, deeper := strings.Cut(name, "/")
		if h.Typeflag != tar.TypeReg || !deeper {
			continue
		}
		if !fs.ValidPath(name) {
			return nil, schema.Errorf(schema.Invalid, "not a packaged chart: it has a file %q", h.Name)
		}
		data, err := io.ReadAll(io.LimitReader(tr, maxFile+1))
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "not a packaged chart: %w", broken(err))
		}
		total += len(data)
		if err := take(files, inner, data, total); err != nil {
			return nil, err
		}
	}
}

// broken is why an archive cannot be read, in words.
func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	return err
}

// load makes a chart of its files.
func load(files map[string][]byte, depth int) (*chart, error) {
	c := &chart{files: map[string][]byte{}, values: map[string]any{}, depth: depth}
	if depth > maxDepth {
		return nil, schema.Errorf(schema.Invalid, "charts in charts are more than %d deep", maxDepth)
	}
	if files["Chart.yaml"] == nil {
		return nil, schema.Errorf(schema.Invalid, "it has no Chart.yaml")
	}
	if err := yaml.Unmarshal(files["Chart.yaml"], &c.meta); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading Chart.yaml: %w", err)
	}
	if c.meta.Name == "" || c.meta.Version == "" {
		return nil, schema.Errorf(schema.Invalid, "its Chart.yaml has no name or no version")
	}
	if old := files["requirements.yaml"]; old != nil && c.meta.Dependencies == nil {
		if err := yaml.Unmarshal(old, &c.meta); err != nil {
			return nil, schema.Errorf(schema.Invalid, "reading requirements.yaml: %w", err)
		}
	}
	c.key = c.meta.Name
	var err error
	if c.values, err = readValues(files["values.yaml"]); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading values.yaml of %s: %s", c.meta.Name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if p, found := infinite(c.values); found {
		return nil, schema.Errorf(schema.Invalid, "reading values.yaml of %s: %s is not a number that Helm can read", c.meta.Name, p)
	}
	if c.values == nil {
		c.values = map[string]any{}
	}
	inner := map[string]map[string][]byte{} // by folder of charts
	for name, data := range files {
		rest, isSub := strings.CutPrefix(name, "charts/")
		if !isSub {
			c.files[name] = data
			continue
		}
		dir, file, deeper := strings.Cut(rest, "/")
		switch {
		case deeper && !strings.HasPrefix(dir, "_") && !strings.HasPrefix(dir, "."):
			if inner[dir] == nil {
				inner[dir] = map[string][]byte{}
			}
			inner[dir][file] = data
		case !deeper && strings.HasSuffix(rest, ".tgz"):
			sub, err := fromArchive(data)
			if err != nil {
				return nil, err
			}
			inner[rest] = sub
		}
	}
	return c, c.subcharts(inner)
}

// subcharts loads them and gives each the key that the dependencies name.
func (c *chart) subcharts(inner map[string]map[string][]byte) error {
	folders := make([]string, 0, len(inner))
	for f := range inner {
		folders = append(folders, f)
	}
	sort.Strings(folders)
	for _, f := range folders {
		if inner[f]["Chart.yaml"] == nil {
			continue
		}
		declared := 0
		name := ""
		for _, d := range append(c.meta.Dependencies, dependency{}) {
			if d.Name == "" && declared > 0 {
				break // only one that nothing declares is taken as it is
			}
			sub, err := load(inner[f], c.depth+1)
			if err != nil {
				return err
			}
			name = sub.meta.Name
			if d.Name != "" && d.Name != name {
				continue
			}
			if d.Name != "" {
				declared++
			}
			sub.dep = d
			if d.Alias != "" {
				sub.key = d.Alias
			}
			c.subs = append(c.subs, sub)
		}
	}
	return nil
}

// coalesce lays the parent's values for a subchart over the subchart's own.
func coalesce(own, over map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range own {
		out[k] = v
	}
	for k, v := range over {
		a, isMap := out[k].(map[string]any)
		b, both := v.(map[string]any)
		switch {
		case isMap && both:
			out[k] = coalesce(a, b)
		case v == nil && out[k] != nil:
			delete(out, k) // null takes a default away
		default:
			out[k] = v
		}
	}
	return out
}

// all returns the values of the chart with those of its subcharts under their keys.
func (c *chart) all() map[string]any {
	out := coalesce(nil, c.values)
	for _, s := range c.subs {
		over, _ := out[s.key].(map[string]any)
		out[s.key] = coalesce(s.all(), over)
	}
	return out
}
