package render

import (
	"io/fs"
	"path"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// lockFile names the charts that a bundle holds.
const lockFile = "bundle.lock"

// vendor gives each component its packaged chart and returns a copy of the
// lock, in which deployers note where they put the archives.
func vendor(cs []*component, lock *schema.BundleLock) (*schema.BundleLock, error) {
	if lock == nil {
		return nil, nil
	}
	out := *lock
	out.Charts = append([]schema.LockedChart{}, lock.Charts...)
	byName := map[string]*schema.LockedChart{}
	for i := range out.Charts {
		out.Charts[i].Path = ""
		byName[out.Charts[i].Component] = &out.Charts[i]
	}
	var errs []error
	for _, c := range cs {
		if !c.chart() {
			continue
		}
		l := byName[c.Name]
		switch {
		case l == nil:
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: the lock does not pin its chart", c.Name))
		case l.Repository != c.Source || l.Chart != c.Chart || l.Version != c.Version:
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: the lock pins %s %s of %s, and the recipe asks for %s %s of %s",
				c.Name, l.Chart, l.Version, l.Repository, c.Chart, c.Version, c.Source))
		default:
			c.archive = l
		}
	}
	return &out, schema.Join(errs)
}

// addArchive puts the packaged chart of c into dir.
func (t *Tree) addArchive(c *component, dir string) {
	c.archive.Path = path.Join(dir, c.Chart+"-"+c.Version+".tgz")
	if _, there := t.files[c.archive.Path]; !there { // two components may be of one chart
		t.addBlob(c.archive.Path, engine.Blob{Digest: c.archive.Digest, Size: c.archive.Size})
	}
}

// maxSubchart is the longest file that Helm takes inside of a chart.
const maxSubchart = 5 << 20 // bytes

// addSubchart puts the packaged chart of c into charts/ of the chart in dir.
func (t *Tree) addSubchart(c *component, dir string) error {
	t.addArchive(c, path.Join(dir, "charts"))
	if f := t.files[c.archive.Path]; f.ref.Digest != c.archive.Digest {
		return schema.Errorf(schema.Invalid, "component %q: another component has the chart %s %s too, from another repository and with another digest", c.Name, c.Chart, c.Version).
			WithHint("use %s components", schema.Parameter("layout"))
	}
	if c.archive.Size > maxSubchart {
		return schema.Errorf(schema.Invalid, "component %q: its chart has %d bytes, and Helm takes at most %d inside of another chart", c.Name, c.archive.Size, maxSubchart).
			WithHint("use %s components, or leave the charts in their repositories", schema.Parameter("layout"))
	}
	return nil
}

// Lock returns the lock of a bundle with its charts, nil if it has none.
func Lock(tree fs.FS) (*schema.BundleLock, error) {
	data, err := readFile(tree, lockFile, maxFile)
	if schema.CodeOf(err) == schema.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var l schema.BundleLock
	return &l, schema.Decode(lockFile, data, &l)
}
