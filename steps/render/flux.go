package render

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// fluxNamespace is where Flux's objects live.
const fluxNamespace = "flux-system"

// fluxObject is any of Flux's objects, and a ConfigMap.
type fluxObject struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   objectMeta        `json:"metadata"`
	Spec       any               `json:"spec,omitempty"`
	Data       map[string]string `json:"data,omitempty"`
}

// https://fluxcd.io/flux/components/source/
type fluxRepository struct {
	Interval      string         `json:"interval"`
	URL           string         `json:"url"`
	Ref           *fluxRef       `json:"ref,omitempty"`
	LayerSelector *layerSelector `json:"layerSelector,omitempty"`
}

type fluxRef struct {
	Branch string `json:"branch,omitempty"`
	Commit string `json:"commit,omitempty"`
	Name   string `json:"name,omitempty"`
	Tag    string `json:"tag,omitempty"`
	Digest string `json:"digest,omitempty"`
}

type layerSelector struct {
	MediaType string `json:"mediaType"`
	Operation string `json:"operation"`
}

type fluxReference struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// https://fluxcd.io/flux/components/kustomize/kustomizations/
type kustomization struct {
	Interval      string        `json:"interval"`
	RetryInterval string        `json:"retryInterval"`
	SourceRef     fluxReference `json:"sourceRef"`
	Path          string        `json:"path"`
	Prune         bool          `json:"prune"`
	DependsOn     []nameOnly    `json:"dependsOn,omitempty"`
	Wait          bool          `json:"wait,omitempty"`
	Timeout       string        `json:"timeout,omitempty"`
}

// https://fluxcd.io/flux/components/helm/helmreleases/
type helmRelease struct {
	Interval        string         `json:"interval"`
	Timeout         string         `json:"timeout"`
	ReleaseName     string         `json:"releaseName"`
	TargetNamespace string         `json:"targetNamespace"`
	DependsOn       []nameOnly     `json:"dependsOn,omitempty"`
	Chart           *helmChart     `json:"chart,omitempty"`
	ChartRef        *fluxReference `json:"chartRef,omitempty"`
	Install         helmInstall    `json:"install"`
	Upgrade         helmUpgrade    `json:"upgrade"`
	ValuesFrom      []valuesFrom   `json:"valuesFrom,omitempty"`
}

type nameOnly struct {
	Name string `json:"name"`
}

type helmChart struct {
	Spec helmChartSpec `json:"spec"`
}

type helmChartSpec struct {
	Chart             string        `json:"chart"`
	Version           string        `json:"version,omitempty"`
	SourceRef         fluxReference `json:"sourceRef"`
	ReconcileStrategy string        `json:"reconcileStrategy,omitempty"`
}

type helmInstall struct {
	CreateNamespace bool        `json:"createNamespace"`
	CRDs            string      `json:"crds"`
	Remediation     remediation `json:"remediation"`
}

type helmUpgrade struct {
	CRDs        string      `json:"crds"`
	Remediation remediation `json:"remediation"`
}

type remediation struct {
	Retries int `json:"retries"`
}

type valuesFrom struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	ValuesKey string `json:"valuesKey"`
	// A single value, where it goes; else all values.
	TargetPath string `json:"targetPath,omitempty"`
	Optional   bool   `json:"optional,omitempty"`
}

// Flux: api/v2, ValuesReference.
var targetForm = pattern.New(`^[A-Za-z0-9_.\\/-]{1,250}$`)

// fluxKey is the key of a value in the ConfigMap of those that are set at
// installation.
func (d dynamic) fluxKey() string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, d.component+"."+strings.Join(d.keys, "."))
}

// installMap is the name of that ConfigMap.
func (j *job) installMap() string { return j.name + "-install" }

// installValues reads them for a chart that has them below some keys. Flux
// refuses a release, naming the key, where one that is needed is missing.
func (j *job) installValues(c *component, below ...string) ([]valuesFrom, error) {
	var out []valuesFrom
	keys := map[string]bool{}
	for _, d := range c.dynamic {
		v := valuesFrom{"ConfigMap", j.installMap(), d.fluxKey(), helmPath(append(below[:len(below):len(below)], d.keys...)...), d.fallback != nil}
		if keys[v.ValuesKey] || !targetForm.MatchString(v.TargetPath) {
			return nil, schema.Errorf(schema.Invalid, "Flux cannot set %s by itself at installation", d).At("", "dynamic").WithHint("use another deployer, or %s for each cluster", schema.Parameter("set"))
		}
		keys[v.ValuesKey] = true
		out = append(out, v)
	}
	return out, nil
}

// flux writes HelmReleases that depend on each other as the components do, and
// the Kustomization that applies them.
func flux(j *job, t *Tree) error {
	if err := j.checkFluxSource(); err != nil {
		return err
	}
	// Applied once, beside Flux: what is in a namespace outlives the bundle.
	stages := fluxStages{job: j, source: j.fluxSource(), namespaces: j.namespaces()}
	last := map[string]string{} // component → its last release
	for _, c := range j.components {
		if c.kustomization() {
			stages.kustomization(c)
			if err := j.addKustomization(t, c); err != nil {
				return err
			}
			continue
		}
		if c.archive != nil {
			t.addArchive(c, c.dir())
		}
		var after []string
		for _, d := range c.DependencyRefs {
			if last[d] != "" { // a kustomization is a stage before
				after = append(after, last[d])
			}
		}
		objects, err := j.fluxObjects(c, after)
		if err != nil {
			return err
		}
		if err := t.addYAML(stages.releases()+"/"+c.Name+".yaml", "", objects...); err != nil {
			return err
		}
		for _, l := range []*local{c.before(), c.after(), c.ready()} {
			if err := j.addLocal(t, c, l); err != nil {
				return err
			}
		}
		releases := c.releases()
		last[c.Name] = releases[len(releases)-1].Name
	}
	if err := t.addYAML("flux.yaml", "Apply this once; Flux does the rest.", stages.objects()...); err != nil {
		return err
	}
	return j.addPages(t, "flux")
}

// checkFluxSource refuses what Flux cannot read: it takes a chart that is a
// directory from Git, not from an OCI artefact.
func (j *job) checkFluxSource() error {
	var own []string
	waits := false
	for _, c := range j.components {
		waits = waits || c.ready() != nil
		if len(c.own) > 0 {
			own = append(own, c.Name)
		}
	}
	if j.repo.oci && j.lock != nil {
		return schema.Errorf(schema.Invalid, "Flux reads charts in a directory from Git only, so that a bundle in a registry cannot bring them").
			At("", "repo").WithHint("give a Git repository, https://…, or leave the charts in a registry: eidos mirror copies them to yours")
	}
	if j.repo.oci && waits {
		return schema.Errorf(schema.Invalid, "Flux reads charts in a directory from Git only, and the Jobs between components are such").
			At("", "readiness").WithHint("give a Git repository, https://…, or leave it out")
	}
	if j.repo.oci && len(own) > 0 {
		return schema.Errorf(schema.Invalid, "Flux reads charts in a directory from Git only, and %s %s manifests of their own", list(own), verb(len(own), "has", "have")).
			At("", "repo").WithHint("give a Git repository, https://…")
	}
	return nil
}

func newFlux(apiVersion, kind, name string, spec any) fluxObject {
	return fluxObject{APIVersion: apiVersion, Kind: kind, Metadata: objectMeta{Name: name, Namespace: fluxNamespace}, Spec: spec}
}

var commitForm = pattern.New(`^[0-9a-f]{40}$`)

// fluxSource is the repository of the bundle.
func (j *job) fluxSource() fluxObject {
	const api = "source.toolkit.fluxcd.io/v1"
	r := fluxRepository{Interval: "5m", URL: j.repo.url}
	switch {
	case j.repo.oci && strings.HasPrefix(j.repo.revision, "sha256:"):
		r.Ref = &fluxRef{Digest: j.repo.revision}
	case j.repo.oci:
		r.Ref = &fluxRef{Tag: j.repo.revision}
	case j.repo.revision == "":
		r.Ref = &fluxRef{Branch: "main"}
	case commitForm.MatchString(j.repo.revision):
		r.Ref = &fluxRef{Commit: j.repo.revision}
	case strings.HasPrefix(j.repo.revision, "refs/"):
		r.Ref = &fluxRef{Name: j.repo.revision}
	default:
		r.Ref = &fluxRef{Branch: j.repo.revision}
	}
	if j.repo.oci {
		return newFlux(api, "OCIRepository", j.name, r)
	}
	return newFlux(api, "GitRepository", j.name, r)
}

// fluxObjects are the objects of one component: its values, where its chart
// comes from, its releases.
func (j *job) fluxObjects(c *component, after []string) ([]any, error) {
	var out []any
	for _, r := range c.releases() {
		spec := helmRelease{
			Interval: "30m", Timeout: "15m", ReleaseName: r.Name, TargetNamespace: r.Namespace,
			Install: helmInstall{true, "CreateReplace", remediation{3}},
			Upgrade: helmUpgrade{"CreateReplace", remediation{3}},
		}
		for _, a := range after {
			spec.DependsOn = append(spec.DependsOn, nameOnly{a})
		}
		if r.Values != "" {
			values, err := fluxValues(c)
			if err != nil {
				return nil, err
			}
			spec.ValuesFrom = []valuesFrom{{Kind: "ConfigMap", Name: values.Metadata.Name, ValuesKey: "values.yaml"}}
			out = append(out, values)
		}
		if r.Ready {
			spec.Timeout = fmt.Sprintf("%dm", readyTimeout/60)
		}
		var below []string
		if r.Values == "" {
			below = []string{c.Name} // the chart of its manifests
		}
		if !r.Ready {
			set, err := j.installValues(c, below...)
			if err != nil {
				return nil, err
			}
			spec.ValuesFrom = append(spec.ValuesFrom, set...)
		}
		if r.Version == "" {
			spec.Chart = &helmChart{helmChartSpec{Chart: "./" + j.repo.path(r.Chart), SourceRef: fluxReference{"GitRepository", j.name}, ReconcileStrategy: "Revision"}}
		} else {
			source := newFlux("source.toolkit.fluxcd.io/v1", "HelmRepository", c.Name, fluxRepository{Interval: "1h", URL: r.Repo})
			if r.Repo == "" {
				source = newFlux("source.toolkit.fluxcd.io/v1", "OCIRepository", c.Name, fluxRepository{
					Interval: "1h", URL: r.Chart, Ref: &fluxRef{Tag: r.Version},
					LayerSelector: &layerSelector{"application/vnd.cncf.helm.chart.content.v1.tar+gzip", "copy"},
				})
				spec.ChartRef = &fluxReference{"OCIRepository", c.Name}
			} else {
				spec.Chart = &helmChart{helmChartSpec{Chart: r.Chart, Version: r.Version, SourceRef: fluxReference{"HelmRepository", c.Name}}}
			}
			out = append(out, source)
		}
		out = append(out, newFlux("helm.toolkit.fluxcd.io/v2", "HelmRelease", r.Name, spec))
		after = []string{r.Name}
	}
	return out, nil
}

// fluxValues holds the values as text: in the HelmRelease itself a null, which
// takes away a default of the chart, may be lost on its way. The name follows
// the content, so that a change is a change of the HelmRelease.
func fluxValues(c *component) (fluxObject, error) {
	values, err := schema.EncodeYAML(c.values)
	if err != nil {
		return fluxObject{}, err
	}
	o := newFlux("v1", "ConfigMap", c.Name+"-values-"+short(values), nil)
	o.Data = map[string]string{"values.yaml": string(values)}
	return o, nil
}
