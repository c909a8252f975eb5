package render

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
)

// Source reads what recipes and parameters name.
type Source struct {
	// Manifest returns a file of the built-in catalogue.
	Manifest func(schema.Manifest) ([]byte, error)
	// File returns a file that a parameter names. NotFound if there is none.
	// Without it, as on a server, parameters cannot name files.
	File func(name string) ([]byte, error)
	// Facts are what is known of charts; nil is what comes with the program, decoded
	// anew.
	Facts *charts.Library
	// Charts are the packaged charts to put into the bundle, which are in the
	// content store; nil leaves the charts in their repositories.
	Charts *schema.BundleLock
}

// deployer writes the files of one deployer.
type deployer struct {
	name   schema.Deployer
	layout string // of helm
	write  func(*job, *Tree) error
}

// deployers is the list of what bundles can be made for.
func deployers() []deployer {
	return []deployer{
		{"helm", "umbrella", umbrella},
		{"helm", "components", perComponent},
		{"argocd", "", argocd},
		{"argocd-helm", "", argocdHelm},
		{"flux", "", flux},
		{"helmfile", "", helmfile},
	}
}

// job is everything a deployer works from. It reads, and changes nothing.
type job struct {
	name       string // of the bundle
	version    string // SemVer
	recipe     *schema.RecipeResult
	components []*component // in deployment order, those left out are not in it
	repo       repository
	argo       argoOptions
	notes      []string
	lock       *schema.BundleLock // a copy, or nil: charts stay where they are
	// others are components that are bundles beside this one.
	others []string
}

// Render makes the bundle of a recipe. Invalid, with every problem of the
// recipe and the parameters, if it cannot. It changes none of its arguments.
func Render(r *schema.RecipeResult, p schema.RenderParams, src Source) (*Tree, error) {
	if src.File == nil {
		src.File = noFiles
	}
	d, repo, perr := target(p)
	place, sErr := parsePlacement(p, r.Criteria)
	cs, cErr := components(r)
	if cErr != nil {
		return nil, schema.Join([]error{perr, sErr, cErr})
	}
	own(cs, r.Profiles)
	library := charts.Builtin()
	if src.Facts != nil {
		library = *src.Facts
	}
	for _, c := range cs {
		c.read, c.library = src.Manifest, library
	}
	if err := schema.Join([]error{perr, sErr, layer(cs, p, src.File)}); err != nil {
		return nil, err
	}
	cs, err := enabled(cs)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, c := range cs {
		errs = append(errs, c.place(place), c.load(src.Manifest), c.know())
	}
	waits, err := readiness(cs, r, p, place)
	errs = append(errs, err)
	classes, err := storage(cs, p)
	errs = append(errs, err, declare(cs, p.Dynamic))
	lock, err := vendor(cs, src.Charts)
	errs = append(errs, err)
	errs = append(errs, checkReleases(cs)...)
	ruled, err := ruled(r, cs)
	errs = append(errs, err)
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	j := &job{name: Name(r.Criteria), version: bundleVersion(r.Metadata.Version), recipe: r, components: cs, repo: repo, argo: argoOptions{p.AppName, p.Project, p.Destination}, lock: lock}
	j.notes = slices.Concat(notes(r, cs, place), ruled, classes, waits)
	if d.layout == "umbrella" {
		limits, err := alone(cs)
		if err != nil {
			return nil, err
		}
		one := append(limits, oneRelease(cs)...)
		slices.Sort(one)
		j.notes = append(j.notes, one...)
	}
	if p.Split {
		return j.bundle(deployer{name: d.name, write: func(j *job, t *Tree) error { return j.split(d, t) }}, splitLayout)
	}
	return j.bundle(d, d.layout)
}

// bundle makes the tree that a deployer writes whole.
func (j *job) bundle(d deployer, layout string) (*Tree, error) {
	canonical, err := schema.Encode(j.recipe)
	if err != nil {
		return nil, err
	}
	t := &Tree{files: map[string]file{}, Metadata: schema.BundleMetadata{
		Name:     j.name,
		Version:  j.version,
		Deployer: d.name,
		Layout:   layout,
		Recipe:   schema.DigestOf(canonical),
		Notes:    j.notes,
	}}
	if err := d.write(j, t); err != nil {
		return nil, err
	}
	if j.lock != nil && layout != splitLayout { // each bundle in it has its own
		if err := t.addYAML(lockFile, "The charts in this bundle, by digest.", j.lock); err != nil {
			return nil, err
		}
	}
	text, err := schema.YAML(canonical)
	if err != nil {
		return nil, err
	}
	t.add("recipe.yaml", append([]byte("# The recipe this bundle was made from.\n"), text...))
	if err := t.addYAML(metadataFile, "What this bundle is.", t.Metadata); err != nil {
		return nil, err
	}
	t.seal()
	return t, nil
}

func noFiles(name string) ([]byte, error) {
	return nil, schema.Errorf(schema.Invalid, "file %q: files cannot be named here", name)
}

// target picks the deployer and checks the parameters that only some take.
func target(p schema.RenderParams) (deployer, repository, error) {
	name, layout := p.Deployer, p.Layout
	if name == "" {
		name = "helm"
	}
	var errs []error
	bad := func(param, format string, args ...any) *schema.Error {
		return schema.Errorf(schema.Invalid, format, args...).At("", param)
	}
	if layout != "" && name != "helm" {
		errs = append(errs, bad("layout", "%s bundles have one layout only", name))
		layout = ""
	}
	if layout == "" && name == "helm" {
		layout = "umbrella"
		if p.Split {
			layout = "components"
		}
	}
	if p.Split {
		errs = append(errs, checkSplit(p))
	}
	var found deployer
	var names []string
	for _, d := range deployers() {
		if d.name == name && (d.layout == layout || layout == "") {
			found = d
		}
		names = append(names, string(d.name))
	}
	if found.write == nil {
		errs = append(errs, bad("deployer", "no deployer %q", name).WithHint("%s", schema.Suggest(string(name), names)))
	}
	argo := name == "argocd" || name == "argocd-helm"
	for _, f := range []struct{ param, value string }{{"appName", p.AppName}, {"project", p.Project}, {"destination", p.Destination}} {
		if f.value != "" && !argo {
			errs = append(errs, bad(f.param, "%s bundles have no Applications", name).WithHint("leave it out, or use the deployer argocd"))
		}
	}
	if p.Destination != "" && !destinationForm.MatchString(p.Destination) {
		errs = append(errs, bad("destination", "%q is neither an address nor the name of a cluster", p.Destination).WithHint("write https://HOST:PORT, or its name in Argo CD"))
	}
	if name == "argocd" && len(p.Dynamic) > 0 {
		errs = append(errs, bad("dynamic", "Applications in files have no values that are set at installation").
			WithHint("use the deployer argocd-helm, whose Applications are a chart"))
	}
	if p.Readiness != "" {
		if layout == "umbrella" {
			errs = append(errs, bad("readiness", "one release of all components has nothing between them").WithHint("use %s components", schema.Parameter("layout")))
		}
		if !imageForm.MatchString(p.Readiness) {
			errs = append(errs, bad("readiness", "%q is not the name of an image", p.Readiness).WithHint("one that has kubectl, as registry.k8s.io/kubectl:v1.35.0"))
		}
	}
	gitops := argo || name == "flux"
	var repo repository
	switch {
	case gitops && p.Repo == "":
		errs = append(errs, bad("repo", "%s needs the repository that the bundle is deployed from", name).
			WithHint("add %s https://… for Git, or oci://REGISTRY/REPOSITORY:TAG for a pushed bundle", schema.Parameter("repo")))
	case gitops:
		var err error
		if repo, err = parseRepository(p.Repo, p.Revision, p.RepoPath); err != nil {
			errs = append(errs, err)
		}
	default:
		for _, f := range []struct{ param, value string }{{"repo", p.Repo}, {"revision", p.Revision}, {"repoPath", p.RepoPath}} {
			if f.value != "" {
				errs = append(errs, bad(f.param, "%s bundles are not deployed from a repository", name).WithHint("leave it out, or use the deployer argocd or flux"))
			}
		}
	}
	return found, repo, schema.Join(errs)
}

// Name is the name of a bundle, made of the criteria: gb200-eks-ubuntu-training.
func Name(c schema.Criteria) string {
	var parts []string
	for _, s := range []string{c.Accelerator, c.Service, c.OS, c.Intent, c.Platform} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return "generic"
	}
	return strings.Join(parts, "-")
}

// bundleVersion is the catalogue's version as Helm takes it: SemVer without v.
func bundleVersion(v string) string {
	if versionForm.MatchString(v) {
		return strings.TrimPrefix(v, "v")
	}
	return "0.0.0"
}
