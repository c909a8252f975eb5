package render

import (
	"slices"
	"strings"
)

// appProject is an AppProject of Argo CD, as far as we write one:
// https://argo-cd.readthedocs.io/en/stable/operator-manual/project-specification/
type appProject struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   objectMeta     `json:"metadata"`
	Spec       appProjectSpec `json:"spec"`
}

type appProjectSpec struct {
	Description  string        `json:"description"`
	SourceRepos  []string      `json:"sourceRepos"`
	Destinations []destination `json:"destinations"`
	// Charts bring CRDs, roles and webhooks, of kinds that only they know.
	ClusterResources []groupKind `json:"clusterResourceWhitelist"`
}

type groupKind struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
}

// appProject permits the repositories and namespaces that the bundle has, and no
// others. many is for several clusters.
func (j *job) appProject(many bool) appProject {
	out := appProject{APIVersion: "argoproj.io/v1alpha1", Kind: "AppProject", Metadata: objectMeta{Name: j.argo.project, Namespace: argoNamespace}}
	out.Spec = appProjectSpec{Description: j.title(), SourceRepos: []string{j.repo.url}, ClusterResources: []groupKind{{"*", "*"}}}
	to := destination{Server: "*"}
	switch d := j.argo.destination; {
	case many:
	case d == "":
		to.Server = inCluster
	case strings.HasPrefix(d, "https://"):
		to.Server = d
	default:
		to = destination{Name: d}
	}
	namespaces := []string{}
	for _, c := range j.components {
		if c.chart() && c.archive == nil && !slices.Contains(out.Spec.SourceRepos, c.argoSource()) {
			out.Spec.SourceRepos = append(out.Spec.SourceRepos, c.argoSource())
		}
		if !slices.Contains(namespaces, c.Namespace) {
			namespaces = append(namespaces, c.Namespace)
		}
	}
	// Where some charts write roles beside their own namespace.
	if !slices.Contains(namespaces, "kube-system") {
		namespaces = append(namespaces, "kube-system")
	}
	slices.Sort(namespaces)
	slices.Sort(out.Spec.SourceRepos)
	// The Applications themselves.
	out.Spec.Destinations = []destination{{Server: inCluster, Namespace: argoNamespace}}
	for _, n := range namespaces {
		to.Namespace = n
		out.Spec.Destinations = append(out.Spec.Destinations, to)
	}
	return out
}
