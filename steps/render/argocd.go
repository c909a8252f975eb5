package render

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// An Argo CD Application, as far as we write one:
// https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/
type application struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   objectMeta      `json:"metadata"`
	Spec       applicationSpec `json:"spec"`
}

type objectMeta struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Finalizers  []string          `json:"finalizers,omitempty"`
}

type applicationSpec struct {
	Project     string            `json:"project"`
	Destination destination       `json:"destination"`
	Source      *source           `json:"source,omitempty"`
	Sources     []source          `json:"sources,omitempty"`
	SyncPolicy  applicationPolicy `json:"syncPolicy"`
}

type destination struct {
	Server    string `json:"server,omitempty"`
	Name      string `json:"name,omitempty"` // in Argo CD, instead of Server
	Namespace string `json:"namespace"`
}

type source struct {
	RepoURL        string      `json:"repoURL"`
	Chart          string      `json:"chart,omitempty"`
	Path           string      `json:"path,omitempty"`
	TargetRevision string      `json:"targetRevision"`
	Helm           *helmSource `json:"helm,omitempty"`
}

type helmSource struct {
	ReleaseName string `json:"releaseName"`
	// Values is YAML as text. valuesObject would lose a null, which is how a
	// value of the chart is dropped, when the Application is patched; and
	// values in a file of a second source work from Git only, not from OCI.
	Values string `json:"values,omitempty"`
	// Parameters are laid over Values.
	Parameters []helmParameter `json:"parameters,omitempty"`
}

type helmParameter struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	ForceString string `json:"forceString"` // a bool, made by a template
}

type applicationPolicy struct {
	Automated   automated `json:"automated"`
	SyncOptions []string  `json:"syncOptions,omitempty"`
	Retry       syncRetry `json:"retry"`
	// Labels of the namespace that CreateNamespace makes.
	Namespace *namespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

type namespaceMetadata struct {
	Labels map[string]string `json:"labels"`
}

type automated struct {
	Prune    bool `json:"prune"`
	SelfHeal bool `json:"selfHeal"`
}

type syncRetry struct {
	Limit   int         `json:"limit"`
	Backoff syncBackoff `json:"backoff"`
}

type syncBackoff struct {
	Duration    string `json:"duration"`
	Factor      int    `json:"factor"`
	MaxDuration string `json:"maxDuration"`
}

// argoOptions are the parameters that are Argo CD's own.
type argoOptions struct{ appName, project, destination string }

var destinationForm = pattern.New(`^(https://[A-Za-z0-9.:/_%-]+|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$`)

// inCluster is the cluster that Argo CD runs in.
const inCluster = "https://kubernetes.default.svc"

// argocd writes an Application a component and one over them.
func argocd(j *job, t *Tree) error {
	if j.repo.revision == "" {
		j.repo.revision = "HEAD"
	}
	for _, c := range j.components {
		app, err := j.application(c)
		if err != nil {
			return err
		}
		if err := t.addYAML("applications/"+c.Name+".yaml", "", app); err != nil {
			return err
		}
	}
	if err := j.addSources(t, false); err != nil {
		return err
	}
	return j.addPages(t, "argocd")
}

// addSources writes what the Applications deploy from the bundle's own
// repository, the Application over them and their project; many is for several
// clusters.
func (j *job) addSources(t *Tree, many bool) error {
	for _, c := range j.components {
		if c.kustomization() {
			if err := j.addKustomization(t, c); err != nil {
				return err
			}
		}
		if err := j.addWrapper(t, c); err != nil {
			return err
		}
		for _, l := range []*local{c.all(), c.ready()} {
			if err := j.addLocal(t, c, l); err != nil {
				return err
			}
		}
	}
	if err := t.addYAML("app-of-apps.yaml", "", j.rootApplication()); err != nil {
		return err
	}
	if j.argo.project == "" {
		return nil
	}
	return t.addYAML("project.yaml", "What the Applications may deploy, from where to where.", j.appProject(many))
}

func (j *job) rootApplication() application {
	root := newApplication(cmp.Or(j.argo.appName, j.name), destination{Server: inCluster, Namespace: argoNamespace})
	root.Spec.Project = cmp.Or(j.argo.project, root.Spec.Project)
	root.Spec.Source = &source{RepoURL: j.repo.url, Path: j.repo.path("applications"), TargetRevision: j.repo.revision}
	return root
}

const argoNamespace = "argocd"

func newApplication(name string, to destination) application {
	return application{
		APIVersion: "argoproj.io/v1alpha1",
		Kind:       "Application",
		Metadata: objectMeta{
			Name:      name,
			Namespace: argoNamespace,
			// Deleting the Application deletes what it deployed.
			Finalizers: []string{"resources-finalizer.argocd.argoproj.io"},
		},
		Spec: applicationSpec{
			Project:     "default",
			Destination: to,
			SyncPolicy: applicationPolicy{
				Automated: automated{Prune: true, SelfHeal: true},
				Retry:     syncRetry{Limit: 10, Backoff: syncBackoff{"15s", 2, "5m"}},
			},
		},
	}
}

// application is the Application of one component: its chart, and its own
// manifests as a second source.
func (j *job) application(c *component) (application, error) {
	name := c.Name
	if j.argo.appName != "" {
		name = j.argo.appName + "-" + c.Name
	}
	to := destination{Server: inCluster, Namespace: c.Namespace}
	switch d := j.argo.destination; {
	case strings.HasPrefix(d, "https://"):
		to.Server = d
	case d != "":
		to.Server, to.Name = "", d
	}
	app := newApplication(name, to)
	app.Spec.Project = cmp.Or(j.argo.project, app.Spec.Project)
	app.Metadata.Labels = map[string]string{"app.kubernetes.io/part-of": j.name}
	app.Metadata.Annotations = map[string]string{"argocd.argoproj.io/sync-wave": strconv.Itoa(c.order)}
	app.Spec.SyncPolicy.SyncOptions = []string{
		"CreateNamespace=true",
		"ServerSideApply=true",             // CRDs too long for the annotation of a client-side apply
		"SkipDryRunOnMissingResource=true", // kinds that the same Application brings
	}
	if c.privileged() && !ownedByCluster(c.Namespace) {
		app.Spec.SyncPolicy.Namespace = &namespaceMetadata{podSecurity()}
	}
	if c.archive != nil {
		values, err := schema.EncodeYAML(map[string]any{c.Chart: c.values})
		if err != nil {
			return application{}, err
		}
		app.Spec.Sources = append(app.Spec.Sources, source{
			RepoURL: j.repo.url, Path: j.repo.path(c.wrapper()), TargetRevision: j.repo.revision,
			Helm: &helmSource{ReleaseName: c.Name, Values: string(values)},
		})
	} else if c.chart() {
		values, err := schema.EncodeYAML(c.values)
		if err != nil {
			return application{}, err
		}
		app.Spec.Sources = append(app.Spec.Sources, source{
			RepoURL:        c.argoSource(),
			Chart:          c.Chart,
			TargetRevision: c.Version,
			Helm:           &helmSource{ReleaseName: c.Name, Values: string(values)},
		})
	}
	if c.kustomization() {
		app.Spec.Sources = append(app.Spec.Sources, source{RepoURL: j.repo.url, Path: j.repo.path(c.dir()), TargetRevision: j.repo.revision})
	}
	for _, l := range []*local{c.all(), c.ready()} {
		if l == nil {
			continue
		}
		app.Spec.Sources = append(app.Spec.Sources, source{
			RepoURL:        j.repo.url,
			Path:           j.repo.path(l.dir),
			TargetRevision: j.repo.revision,
			Helm:           &helmSource{ReleaseName: l.release},
		})
	}
	return app, nil
}

// argoSource is where Argo CD takes the component's chart from. A chart's registry
// is written without oci://, which would mean the bundle's kind of source.
func (c *component) argoSource() string {
	return strings.TrimSuffix(strings.TrimPrefix(c.Source, "oci://"), "/")
}

// wrapper is where the chart around a component's packaged chart is.
func (c *component) wrapper() string { return path.Join(c.dir(), "chart") }

// addWrapper writes a chart around the packaged one: Argo CD takes a chart that
// is a directory, and that may have others packed in charts/.
func (j *job) addWrapper(t *Tree, c *component) error {
	if c.archive == nil {
		return nil
	}
	if err := t.addSubchart(c, c.wrapper()); err != nil {
		return err
	}
	return t.addYAML(c.wrapper()+"/Chart.yaml", "", chartFile{
		APIVersion: "v2", Name: c.Name, Description: "The chart " + c.Chart + " " + c.Version + ", packed in charts/.", Type: "application", Version: j.version,
		Dependencies: []chartDependency{{Name: c.Chart, Version: c.Version}},
	})
}
