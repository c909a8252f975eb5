package render

import (
	"io/fs"
	"path"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// splitLayout is the layout of a bundle that has a bundle a component:
//
//	NAME/        a bundle of the component NAME alone
//	README.md    the order of the components
//	recipe.yaml, bundle.yaml, checksums.txt as in any bundle
const splitLayout = "split"

// checkSplit refuses what a bundle of bundles cannot have.
func checkSplit(p schema.RenderParams) error {
	if p.Layout == "umbrella" {
		return schema.Errorf(schema.Invalid, "one chart of all components cannot be split").At("", "layout").WithHint("leave it out")
	}
	return nil
}

// split writes a bundle for each component, made as the deployer makes one.
func (j *job) split(d deployer, t *Tree) error {
	for _, c := range j.components {
		one, err := j.only(c).bundle(d, d.layout)
		if err != nil {
			return err
		}
		for name, f := range one.files {
			t.files[path.Join(c.Name, name)] = f
		}
	}
	return j.addPages(t, splitLayout)
}

// only is the job of one component, whose bundle does not know the others.
func (j *job) only(c *component) *job {
	one, in, recipe := *c, *j, *j.recipe
	one.DependencyRefs = nil
	in.name += "-" + c.Name
	in.components = []*component{&one}
	in.others = nil
	for _, other := range j.components {
		if other != c {
			in.others = append(in.others, other.Name)
		}
	}
	in.repo.dir = j.repo.path(c.Name)
	if in.argo.appName != "" {
		in.argo.appName += "-" + c.Name
	}
	in.notes = nil
	for _, n := range j.notes {
		if strings.HasPrefix(n, c.Name+": ") {
			in.notes = append(in.notes, n)
		}
	}
	in.lock = nil
	if c.archive != nil {
		lock := *j.lock
		lock.Charts = []schema.LockedChart{*c.archive}
		in.lock, one.archive = &lock, &lock.Charts[0]
	}
	recipe.DeploymentOrder = []string{c.Name}
	recipe.ComponentRefs, recipe.Warnings = nil, nil
	for _, ref := range j.recipe.ComponentRefs {
		if ref.Name == c.Name {
			ref.DependencyRefs = nil
			recipe.ComponentRefs = []schema.ComponentRef{ref}
		}
	}
	for _, w := range j.recipe.Warnings {
		if w.Component == c.Name {
			recipe.Warnings = append(recipe.Warnings, w)
		}
	}
	in.recipe = &recipe
	return &in
}

// splitValues are the values of a component in a bundle of bundles.
func splitValues(tree fs.FS, c *schema.ComponentRef) (map[string]any, error) {
	one, err := fs.Sub(tree, c.Name)
	if err != nil {
		return nil, err
	}
	m, err := ReadBundle(one)
	if err != nil {
		return nil, err
	}
	return deployedValues(one, m, c)
}
