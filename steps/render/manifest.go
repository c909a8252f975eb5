package render

import (
	"path"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

var templateForm = pattern.New(`^[A-Za-z0-9_][A-Za-z0-9._-]*\.(yaml|yml|tpl)$`)

// load reads the component's own manifests, or the files of its kustomization,
// and checks their digests.
func (c *component) load(read func(schema.Manifest) ([]byte, error)) error {
	var err error
	if c.own, err = c.loadFiles(c.Manifests, read); err != nil || c.Kustomize == nil {
		return err
	}
	c.files, err = c.loadFiles(c.Kustomize.Files, read)
	return err
}

func (c *component) loadFiles(files []schema.Manifest, read func(schema.Manifest) ([]byte, error)) ([]manifest, error) {
	var out []manifest
	var errs []error
	seen := map[string]bool{}
	for _, m := range files {
		fail := func(format string, args ...any) {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: manifest %q "+format, append([]any{c.Name, m.Path}, args...)...))
		}
		name := path.Base(m.Path)
		if !templateForm.MatchString(name) {
			fail("has no good name for a manifest")
			continue
		}
		if seen[name] {
			fail("has the file name of another one")
			continue
		}
		seen[name] = true
		data := []byte(m.Content)
		if m.Content == "" {
			var err error
			if data, err = read(m); err != nil {
				fail("cannot be read: %w", err)
				continue
			}
		}
		if got := schema.DigestOf(data); got != m.Digest {
			fail("has the digest %s, the recipe says %s", got, m.Digest)
			continue
		}
		out = append(out, newManifest(name, data, schema.DefinesKinds(name)))
	}
	return out, schema.Join(errs)
}

// manifest is one of a component's own manifests.
type manifest struct {
	name string // file name
	data []byte
	crd  bool // shipped as it is
	// early is whether it goes before the component's chart: what is made of
	// built-in kinds may be needed by it (a quota, a ConfigMap), other kinds come
	// with it.
	early bool
}

func newManifest(name string, data []byte, crd bool) manifest {
	return manifest{name, data, crd, crd || builtinOnly(data)}
}

var (
	// As namespaceWide, of a text with a line before its first.
	apiVersionLine = pattern.New(`\napiVersion:[ \t]*["']?([^\s"'#]+)`)
	// Kinds that every cluster has.
	builtin = pattern.New(`^((apps|batch|autoscaling|policy|((rbac\.authorization|networking|storage|scheduling|apiextensions|admissionregistration|coordination|node)\.k8s\.io))/)?v[0-9][a-z0-9]*$`)
)

// builtinOnly reports whether all kinds in a manifest are built-in ones.
func builtinOnly(data []byte) bool {
	found := apiVersionLine.FindAllSubmatch(append([]byte("\n"), data...), -1)
	for _, f := range found {
		if !builtin.Match(f[1]) {
			return false
		}
	}
	return len(found) > 0
}

// local is a chart of a component's own manifests, released by itself.
type local struct {
	release string // its name
	dir     string // under the component's
	files   []manifest
	plain   bool // it reads no values
}

// before and after are the charts of manifests that go in before and after the
// component's own chart, if there are such. Without a chart all are "after".
func (c *component) before() *local {
	return c.local("before", c.Name+"-before", func(m manifest) bool { return c.chart() && m.early })
}

func (c *component) after() *local {
	if !c.chart() {
		return c.all()
	}
	return c.local("after", c.Name+"-after", func(m manifest) bool { return !m.early })
}

// all is the chart of all manifests, for deployers that order them by kind.
func (c *component) all() *local {
	name := c.Name
	if c.chart() {
		name += "-manifests"
	}
	return c.local("manifests", name, func(manifest) bool { return true })
}

func (c *component) local(dir, release string, pick func(manifest) bool) *local {
	l := &local{release: release, dir: path.Join("components", c.Name, dir)}
	for _, m := range c.own {
		if pick(m) {
			l.files = append(l.files, m)
		}
	}
	if len(l.files) == 0 {
		return nil
	}
	return l
}

func (l *local) description(c *component) string {
	if l.plain {
		return "Waits until " + c.Name + " is what its check expects."
	}
	return "Manifests for " + c.Name + " that no chart brings."
}

// addLocal writes the chart l, with the values its component is deployed with.
func (j *job) addLocal(t *Tree, c *component, l *local) error {
	if l == nil {
		return nil
	}
	chart := chartFile{
		APIVersion:  "v2",
		Name:        l.release,
		Description: l.description(c),
		Type:        "application",
		Version:     j.version,
	}
	if err := t.addYAML(l.dir+"/Chart.yaml", "", chart); err != nil {
		return err
	}
	if !l.plain {
		if err := t.addYAML(l.dir+"/values.yaml", "", map[string]any{c.Name: c.values}); err != nil {
			return err
		}
	}
	for _, m := range l.files {
		if m.crd {
			t.add(l.dir+"/crds/"+m.name, m.data)
		} else {
			t.add(l.dir+"/templates/"+m.name, m.data)
		}
	}
	return nil
}
