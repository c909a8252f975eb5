package render

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// rootValues are the values of the chart of Applications, under global.
type rootValues struct {
	RepoURL        string `json:"repoURL"`
	TargetRevision string `json:"targetRevision"`
	Project        string `json:"project"`
	// An https:// address, or the name of a cluster in Argo CD.
	Destination string `json:"destination"`
	// Before the names of the Applications.
	Prefix string `json:"prefix"`
}

// expression is a Helm expression as a value of a document: unquoted takes the
// quotes away that YAML needs around it.
func expression(e string) string { return "{{ " + e + " | toJson }}" }

func unquoted(text []byte) []byte {
	return []byte(strings.NewReplacer("'{{ ", "{{ ", " }}'", " }}").Replace(string(text)))
}

// argocdHelm writes the Applications as a chart, whose values are the cluster to
// deploy to and what is set at installation, and the Application over it; an
// ApplicationSet makes one for each cluster of a label.
func argocdHelm(j *job, t *Tree) error {
	if j.repo.revision == "" {
		j.repo.revision = "HEAD"
	}
	root := rootValues{RepoURL: j.repo.url, TargetRevision: j.repo.revision, Project: "default", Destination: inCluster}
	if j.argo.project != "" {
		root.Project = j.argo.project
	}
	if j.argo.destination != "" {
		root.Destination = j.argo.destination
	}
	if j.argo.appName != "" {
		root.Prefix = j.argo.appName + "-"
	}
	values := fallbacks(j.dynamics())
	values["global"] = root
	in := *j
	in.repo.url, in.repo.revision = expression(".Values.global.repoURL"), expression(".Values.global.targetRevision")
	in.argo = argoOptions{project: expression(".Values.global.project")}
	for _, c := range j.components {
		if c.Name == "global" {
			return schema.Errorf(schema.Invalid, "component %q: the chart of Applications has another use for values of that name", c.Name).WithHint("use the deployer argocd")
		}
		app, err := in.application(c)
		if err != nil {
			return err
		}
		app.Metadata.Name = expression(fmt.Sprintf("print .Values.global.prefix %q", c.Name))
		app.Spec.Destination.Server = expression(".Values.global.destination")
		for i := range app.Spec.Sources {
			h := app.Spec.Sources[i].Helm
			if h == nil || c.ready() != nil && h.ReleaseName == c.ready().release {
				continue
			}
			below := []string{c.Name} // the chart of its manifests
			if h.Values != "" {
				below = nil
				if c.archive != nil {
					below = []string{c.Chart}
				}
				t.add("applications/values/"+c.Name+".yaml", []byte(h.Values))
				h.Values = expression(fmt.Sprintf(".Files.Get %q", "values/"+c.Name+".yaml"))
			}
			h.Parameters = c.parameters(below)
		}
		text, err := schema.EncodeYAML(app)
		if err != nil {
			return err
		}
		// A cluster is named by its address or by its name.
		server := "server: " + app.Spec.Destination.Server
		t.add("applications/templates/"+c.Name+".yaml", []byte(strings.Replace(string(unquoted(text)), server,
			`{{ ternary "server" "name" (hasPrefix "https://" .Values.global.destination) }}: `+app.Spec.Destination.Server, 1)))
	}
	if len(j.dynamics()) > 0 {
		t.add("applications/templates/_parameter.tpl", []byte(parameterTemplate))
	}
	if text := missing(j.dynamics(), "the values of the Application "+j.rootApplication().Metadata.Name); text != "" {
		t.add("applications/templates/required.yaml", []byte(text))
	}
	if err := t.addYAML("applications/Chart.yaml", "", chartFile{
		APIVersion: "v2", Name: j.name, Description: "The Applications of " + j.title(), Type: "application", Version: j.version,
	}); err != nil {
		return err
	}
	if err := t.addYAML("applications/values.yaml", "global is for all Applications; what may be set at installation is under the name of its component.", values); err != nil {
		return err
	}
	if err := t.addYAML("applicationset.yaml", "Instead of app-of-apps.yaml: for each cluster in Argo CD that has the label.", j.applicationSet()); err != nil {
		return err
	}
	if err := j.addSources(t, true); err != nil {
		return err
	}
	return j.addPages(t, "argocd-helm")
}

// parameterTemplate writes a value as Argo CD's parameters have it: as text.
const parameterTemplate = `{{- define "parameter" }}
{{- if kindIs "string" . }}{{ toJson . }}{{ else }}{{ toJson . | toJson }}{{ end }}
{{- end }}
`

// parameters are the values of c that are set at installation, for a chart that
// has them below some keys.
func (c *component) parameters(below []string) []helmParameter {
	var out []helmParameter
	for _, d := range c.dynamic {
		out = append(out, helmParameter{
			Name:        helmPath(append(append([]string{}, below...), d.keys...)...),
			Value:       "{{ include \"parameter\" (" + d.inTemplate() + ") }}",
			ForceString: expression("kindIs \"string\" (" + d.inTemplate() + ")"),
		})
	}
	return out
}

// https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/
type applicationSet struct {
	APIVersion string             `json:"apiVersion"`
	Kind       string             `json:"kind"`
	Metadata   objectMeta         `json:"metadata"`
	Spec       applicationSetSpec `json:"spec"`
}

type applicationSetSpec struct {
	GoTemplate bool                `json:"goTemplate"`
	Options    []string            `json:"goTemplateOptions"`
	Generators []clusterGenerator  `json:"generators"`
	Template   applicationTemplate `json:"template"`
}

type clusterGenerator struct {
	Clusters struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
	} `json:"clusters"`
}

type applicationTemplate struct {
	Metadata objectMeta      `json:"metadata"`
	Spec     applicationSpec `json:"spec"`
}

const (
	clusterLabel  = "eidos.nvidia.com/bundle"
	clusterValues = "eidos.nvidia.com/install-values" // an annotation of a cluster
)

// applicationSet makes the Application over the others for each cluster that has
// the label. What is set at installation is in an annotation of the cluster.
func (j *job) applicationSet() applicationSet {
	root := j.rootApplication()
	s := applicationSet{APIVersion: "argoproj.io/v1alpha1", Kind: "ApplicationSet", Metadata: objectMeta{Name: root.Metadata.Name, Namespace: argoNamespace}}
	s.Spec.GoTemplate, s.Spec.Options = true, []string{"missingkey=error"}
	var g clusterGenerator
	g.Clusters.Selector.MatchLabels = map[string]string{clusterLabel: j.name}
	s.Spec.Generators = []clusterGenerator{g}
	s.Spec.Template = applicationTemplate{Metadata: objectMeta{Name: root.Metadata.Name + "-{{ .nameNormalized }}", Finalizers: root.Metadata.Finalizers}, Spec: root.Spec}
	prefix := "{{ .nameNormalized }}-"
	if j.argo.appName != "" {
		prefix = j.argo.appName + "-" + prefix
	}
	s.Spec.Template.Spec.Source.Helm = &helmSource{ReleaseName: root.Metadata.Name, Values: fmt.Sprintf(`global:
  destination: "{{ .server }}"
  prefix: "%s"
{{ if hasKey .metadata "annotations" }}{{ index .metadata.annotations %q }}{{ end }}
`, prefix, clusterValues)}
	return s
}
