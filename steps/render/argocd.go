package render

import (
	"path"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
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
	Server    string `json:"server"`
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
		if c.kustomization() {
			if err := j.addKustomization(t, c); err != nil {
				return err
			}
		}
		if err := j.addWrapper(t, c); err != nil {
			return err
		}
		if err := j.addLocal(t, c, c.all()); err != nil {
			return err
		}
	}
	name := j.name
	if j.appName != "" {
		name = j.appName
	}
	root := newApplication(name, "argocd")
	root.Spec.Source = &source{RepoURL: j.repo.url, Path: j.repo.path("applications"), TargetRevision: j.repo.revision}
	if err := t.addYAML("app-of-apps.yaml", "", root); err != nil {
		return err
	}
	return j.addPages(t, "argocd")
}

func newApplication(name, namespace string) application {
	return application{
		APIVersion: "argoproj.io/v1alpha1",
		Kind:       "Application",
		Metadata: objectMeta{
			Name:      name,
			Namespace: "argocd",
			// Deleting the Application deletes what it deployed.
			Finalizers: []string{"resources-finalizer.argocd.argoproj.io"},
		},
		Spec: applicationSpec{
			Project:     "default",
			Destination: destination{"https://kubernetes.default.svc", namespace},
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
	if j.appName != "" {
		name = j.appName + "-" + c.Name
	}
	app := newApplication(name, c.Namespace)
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
			// A chart's registry is written without oci://, which would mean the bundle's kind of source.
			RepoURL:        strings.TrimSuffix(strings.TrimPrefix(c.Source, "oci://"), "/"),
			Chart:          c.Chart,
			TargetRevision: c.Version,
			Helm:           &helmSource{ReleaseName: c.Name, Values: string(values)},
		})
	}
	if c.kustomization() {
		app.Spec.Sources = append(app.Spec.Sources, source{RepoURL: j.repo.url, Path: j.repo.path(c.dir()), TargetRevision: j.repo.revision})
	}
	if l := c.all(); l != nil {
		app.Spec.Sources = append(app.Spec.Sources, source{
			RepoURL:        j.repo.url,
			Path:           j.repo.path(l.dir),
			TargetRevision: j.repo.revision,
			Helm:           &helmSource{ReleaseName: l.release},
		})
	}
	return app, nil
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
