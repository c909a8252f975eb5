package render

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// component is one component on its way into a bundle: the recipe's, with the
// values that are really deployed.
type component struct {
	schema.ComponentRef
	values  map[string]any
	out     bool // left out: enabled=false
	set     []assigned
	owned   []ownedValue // what profiles decide
	order   int          // place in the deployment order, from 0
	own     []manifest
	read    func(schema.Manifest) ([]byte, error) // manifests of the catalogue
	library charts.Library
	facts   *charts.Chart // see chartFacts
	asked   bool          // for facts
	files   []manifest    // of its kustomization
	// archive is the packaged chart that goes into the bundle, or nil.
	archive *schema.LockedChart
	brief   charts.Brief // what is known of its chart
	known   bool         // something is
	leftOut []limit      // of one release of all components
	waits   []manifest   // the Job that waits until it is ready
	dynamic []dynamic    // sorted by path
}

// chart reports whether the component has a chart; else it has manifests only,
// or is a kustomization.
func (c *component) chart() bool { return c.Type == "Helm" }

func (c *component) kustomization() bool { return c.Type == "Kustomize" }

// What may stand in a component: it ends up in scripts and documents of others.
var (
	namespaceForm = form{pattern.New(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`), "lower-case letters, digits and dashes, at most 63"}
	sourceForm    = form{pattern.New(`^(https?|oci)://[A-Za-z0-9._~:/%+-]+$`), "an address, https://… or oci://…"}
	chartForm     = form{pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]*$`), "letters, digits, dots, dashes and _, the first a letter or a digit"}
	versionForm   = form{pattern.New(`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`), "a semantic version, like v1.2.3"}
)

// form is what a text may look like, also in words.
type form struct {
	*pattern.Pattern
	words string
}

// check reports what no deployer could work with.
func (c *component) check() []error {
	var errs []error
	has := func(what, value string, f form) {
		if !f.MatchString(value) {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q has the %s %q", c.Name, what, value).WithHint("it is %s", f.words))
		}
	}
	if len(c.Needs) > 0 {
		return append(errs, schema.Errorf(schema.Invalid, "component %q needs %s, which the recipe refers to and does not hold", c.Name, strings.Join(c.Needs, ", ")).
			WithHint("--values-from DIR names the recipes directory, or the --data directory, that the recipe was made from"))
	}
	has("namespace", c.Namespace, namespaceForm)
	if c.kustomization() {
		return append(errs, c.checkKustomize()...)
	}
	if c.chart() {
		has("source", c.Source, sourceForm)
		has("chart", c.Chart, chartForm)
		has("version", c.Version, versionForm)
	} else if len(c.Manifests) == 0 {
		errs = append(errs, schema.Errorf(schema.Invalid, "component %q has neither a chart nor manifests", c.Name))
	}
	return errs
}

// components copies the recipe's components, in deployment order.
func components(r *schema.RecipeResult) ([]*component, error) {
	byName := map[string]*component{}
	var errs []error
	for i := range r.ComponentRefs {
		ref := r.ComponentRefs[i]
		if byName[ref.Name] != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q is in the recipe twice", ref.Name))
			continue
		}
		c := &component{ComponentRef: ref, values: copyMap(ref.Values)}
		errs = append(errs, c.check()...)
		byName[ref.Name] = c
	}
	var out []*component
	placed := map[string]bool{}
	for _, name := range r.DeploymentOrder {
		c := byName[name]
		if c == nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "deploymentOrder names %q, which is not a component of the recipe", name))
			continue
		}
		delete(byName, name)
		for _, d := range c.DependencyRefs {
			if !placed[d] {
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q depends on %q, which does not come before it in deploymentOrder", name, d))
			}
		}
		placed[name] = true
		c.order = len(out)
		out = append(out, c)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		errs = append(errs, schema.Errorf(schema.Invalid, "component %q is missing in deploymentOrder", name))
	}
	return out, schema.Join(errs)
}

// find returns the component of that name or other name, an error with the
// nearest one if there is none.
func find(cs []*component, name string) (*component, error) {
	var known []string
	for _, c := range cs {
		if c.Name == name {
			return c, nil
		}
		known = append(known, c.Name)
	}
	for _, c := range cs {
		for _, k := range c.ValueOverrideKeys {
			if k == name {
				return c, nil
			}
			known = append(known, k)
		}
	}
	err := schema.Errorf(schema.Invalid, "no component %q in the recipe", name)
	if n := schema.Nearest(name, known); n != "" {
		return nil, err.WithHint("did you mean %s?", n)
	}
	names := known[:len(cs)]
	sort.Strings(names)
	return nil, err.WithHint("its components are %s", list(names))
}

// enabled returns the components that are not left out, numbered anew. It
// refuses to leave out what others depend on.
func enabled(cs []*component) ([]*component, error) {
	var in []*component
	var errs []error
	off := map[string]bool{}
	for _, c := range cs {
		if c.out {
			off[c.Name] = true
		}
	}
	needed := map[string][]string{}
	for _, c := range cs {
		if c.out {
			continue
		}
		c.order = len(in)
		in = append(in, c)
		for _, d := range c.DependencyRefs {
			if off[d] {
				needed[d] = append(needed[d], c.Name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		errs = append(errs, schema.Errorf(schema.Invalid, "%s:enabled=false, but %s %s on it", name, list(needed[name]), verb(len(needed[name]), "depends", "depend")).
			WithHint("leave %s out as well, or keep %s", verb(len(needed[name]), "that", "those"), name))
	}
	return in, schema.Join(errs)
}

// maxRelease is the longest name that Helm takes for a release.
const maxRelease = 53

// checkReleases reports names of releases that Helm would refuse, or confuse.
func checkReleases(cs []*component) []error {
	var errs []error
	owner := map[string]string{}
	for _, c := range cs {
		for _, r := range c.releases() {
			if len(r.Name) > maxRelease {
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q: the release %q is longer than the %d letters that Helm takes", c.Name, r.Name, maxRelease))
			}
			if first := owner[r.Name]; first != "" {
				errs = append(errs, schema.Errorf(schema.Invalid, "components %q and %q both make a release %q", first, c.Name, r.Name))
			}
			owner[r.Name] = c.Name
		}
	}
	return errs
}
