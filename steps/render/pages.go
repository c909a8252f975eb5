package render

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// pageFiles are the texts for people that a bundle carries, templates over page.
//
//go:embed pages
var pageFiles embed.FS

// page is what those texts are made from.
type page struct {
	Name, Version, Catalog, Title string
	Components                    []row
	Releases                      []release
	Notes                         []string
	Late                          bool // some component has manifests of kinds that a chart brings
	Vendored                      bool // the charts are in the bundle
	Namespaces                    []string
	Labelled                      bool         // namespaces.yaml is there
	Privileged                    bool         // some component needs privileged Pods
	Kubernetes                    string       // the oldest version that the recipe was proven with, "" if it states none
	Kustomized                    bool         // some component is a kustomization
	Readiness                     bool         // some component has a Job that waits until it is ready
	Dynamic                       []installRow // set at installation
	Required                      bool         // some of them have no default
	InstallFile, InstallDir       string       // where scripts look for them, and the chart that checks them
	InstallMap                    string       // where Flux does
	Project                       string       // of Argo CD, if the bundle has one
	ClusterLabel, ClusterValues   string       // of clusters in Argo CD
	App                           string       // the Application over the others
	Namespace                     string       // of the umbrella chart
	Moved                         bool         // its values name services in that namespace
	Umbrella                      bool         // all components are one release
	Repo                          repositoryView
}

type row struct{ Name, Chart, Version, Namespace, After string }

// release is one Helm release, in the order of installation. Without a version
// its chart is a path in the bundle; that of a kustomization is its directory.
type release struct {
	// Install is the file of values that are set at installation, "" if there are none.
	Install                                                  string
	Component, Name, Chart, Repo, Version, Namespace, Values string
	Kustomization                                            bool
	Ready                                                    bool     // it waits for the ones before it
	CRDs                                                     []string // that its chart brings: PLURAL.GROUP
	Unknown                                                  bool     // nothing is known of its chart
}

type repositoryView struct {
	URL, Revision, Dir string
	OCI                bool
}

// addPages adds README.md and, for helm, the scripts: pages/SET/*.
func (j *job) addPages(t *Tree, set string) error {
	p := page{
		Kustomized: j.hasKustomization(), Umbrella: set == "umbrella",
		Name: j.name, Version: j.version, Catalog: j.recipe.Metadata.Version, Title: j.title(), Notes: j.notes, Vendored: j.lock != nil,
		Repo: repositoryView{j.repo.url, j.repo.revision, j.repo.dir, j.repo.oci},
	}
	p.InstallFile, p.InstallDir, p.InstallMap, p.Project = installFile, installDir, j.installMap(), j.argo.project
	p.ClusterLabel, p.ClusterValues, p.App = clusterLabel, clusterValues, j.rootApplication().Metadata.Name
	for _, d := range j.dynamics() {
		p.Dynamic = append(p.Dynamic, d.row())
		p.Required = p.Required || d.fallback == nil
	}
	p.Namespace = umbrellaNamespace
	for _, c := range j.components {
		addresses(j.components, c.values, func(string, string, string) { p.Moved = true })
		for _, r := range c.Refs {
			p.Moved = p.Moved || slices.ContainsFunc(j.components, func(o *component) bool { return o.Name == r.Component })
		}
	}
	p.Kubernetes, p.Labelled = oldestKubernetes(j.recipe), len(j.namespaces()) > 0
	for _, c := range j.components {
		if !slices.Contains(p.Namespaces, c.Namespace) {
			p.Namespaces = append(p.Namespaces, c.Namespace)
		}
		p.Privileged = p.Privileged || c.privileged()
		p.Readiness = p.Readiness || c.ready() != nil
		p.Late = p.Late || slices.ContainsFunc(c.own, func(m manifest) bool { return !m.early })
		what, version := c.Chart, c.Version
		switch {
		case c.kustomization():
			what, version = "a kustomization", c.Kustomize.Ref
		case !c.chart():
			what = "manifests only"
		}
		p.Components = append(p.Components, row{c.Name, what, version, c.Namespace, strings.Join(c.DependencyRefs, ", ")})
		p.Releases = append(p.Releases, c.releases()...)
	}
	text := pageSets[set]()
	for _, name := range text.names {
		var buf bytes.Buffer
		if err := text.ExecuteTemplate(&buf, name, p); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		t.add(name, buf.Bytes())
	}
	return nil
}

// pageSets are the sets of pages, parsed when they are first used.
var pageSets = map[string]func() pageSet{
	"umbrella": parsed("umbrella"), "components": parsed("components"), "argocd": parsed("argocd"),
	"argocd-helm": parsed("argocd-helm"), "flux": parsed("flux"), "helmfile": parsed("helmfile"), splitLayout: parsed("split"),
}

// pageSet are the templates of a set, and the files that are made of them.
type pageSet struct {
	*template.Template
	names []string
}

func parsed(set string) func() pageSet {
	return sync.OnceValue(func() pageSet {
		dir := "pages/" + set
		entries, err := pageFiles.ReadDir(dir)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		patterns := []string{dir + "/*", "pages/*.md"}
		if len(entries) > 1 { // there are scripts
			patterns = append(patterns, "pages/*.sh")
		}
		text, err := template.New(set).Option("missingkey=error").Funcs(template.FuncMap{"sh": ShellQuote, "cell": cell, "reverse": reverse}).ParseFS(pageFiles, patterns...)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		out := pageSet{Template: text}
		for _, e := range entries {
			out.names = append(out.names, e.Name())
		}
		return out
	})
}

// releases are the Helm releases of a component, in order.
func (c *component) releases() []release {
	var out []release
	add := func(l *local) {
		if l != nil {
			r := release{Component: c.Name, Name: l.release, Chart: l.dir, Namespace: c.Namespace, Ready: l.plain}
			if len(c.dynamic) > 0 && !l.plain {
				r.Install = "all.yaml"
			}
			out = append(out, r)
		}
	}
	if c.kustomization() {
		return []release{{Component: c.Name, Name: c.Name, Chart: c.dir(), Namespace: c.Namespace, Kustomization: true}}
	}
	add(c.before())
	if c.chart() {
		r := release{Component: c.Name, CRDs: c.crds(), Unknown: !c.known, Name: c.Name, Chart: c.Chart, Repo: c.Source, Version: c.Version, Namespace: c.Namespace, Values: c.valuesFile()}
		if len(c.dynamic) > 0 {
			r.Install = c.Name + ".yaml"
		}
		switch {
		case c.archive != nil:
			r.Chart, r.Repo, r.Version = c.archive.Path, "", ""
		case strings.HasPrefix(c.Source, "oci://"):
			r.Chart, r.Repo = strings.TrimSuffix(c.Source, "/")+"/"+c.Chart, ""
		}
		out = append(out, r)
	}
	add(c.after())
	add(c.ready())
	return out
}

var plainWord = pattern.New(`^[A-Za-z0-9_./:@%+=,-]+$`)

// ShellQuote writes s as one word for sh.
func ShellQuote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// cell writes s into a Markdown table.
func cell(s string) string {
	if !strings.ContainsAny(s, "|\n\r") {
		return s
	}
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(s)
}

func reverse(in []release) []release {
	out := make([]release, 0, len(in))
	for i := len(in) - 1; i >= 0; i-- {
		out = append(out, in[i])
	}
	return out
}

// metadataFile holds the bundle's metadata, so that a directory can be read
// back as the bundle it is.
const metadataFile = "bundle.yaml"
