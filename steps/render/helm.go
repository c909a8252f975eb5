package render

import (
	"fmt"
	"path"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// chartFile is Chart.yaml: https://helm.sh/docs/topics/charts/#the-chartyaml-file
type chartFile struct {
	APIVersion   string            `json:"apiVersion"`
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Type         string            `json:"type"`
	Version      string            `json:"version"`
	Dependencies []chartDependency `json:"dependencies,omitempty"`
}

type chartDependency struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
	Alias      string `json:"alias,omitempty"`
	Condition  string `json:"condition,omitempty"`
}

// umbrella writes one chart that has every component as a sub-chart.
func umbrella(j *job, t *Tree) error {
	chart := chartFile{
		APIVersion:  "v2",
		Name:        j.name,
		Description: j.title(),
		Type:        "application",
		Version:     j.version,
	}
	values := map[string]any{}
	var errs []error
	for _, c := range j.components {
		if strings.Contains(c.Name, ".") {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: Helm takes no dot in the alias of a sub-chart", c.Name).WithHint("use %s components", schema.Parameter("layout")))
			continue
		}
		if c.Name == ownSwitch || c.Name == "global" {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q: the umbrella chart has another use for values of that name", c.Name).WithHint("use %s components", schema.Parameter("layout")))
			continue
		}
		if c.kustomization() {
			errs = append(errs, schema.Errorf(schema.Invalid, "component %q is a kustomization, which a chart cannot hold", c.Name).At("", "layout").WithHint("use %s components", schema.Parameter("layout")))
			continue
		}
		v := c.inOneNamespace(j.components)
		if len(c.leftOut) > 0 {
			v = copyMap(v) // mappings below are those of c
			errs = append(errs, c.confined(v))
		}
		v["enabled"] = true
		values[c.Name] = v
		if c.chart() {
			d := chartDependency{Name: c.Chart, Version: c.Version, Repository: c.Source, Alias: c.Name, Condition: c.Name + ".enabled"}
			if c.archive != nil {
				d.Repository = "" // in charts/
				errs = append(errs, t.addSubchart(c, ""))
			}
			chart.Dependencies = append(chart.Dependencies, d)
		}
		for _, m := range c.own {
			switch {
			case m.crd:
				t.add("crds/"+c.Name+"/"+m.name, m.data)
			case strings.HasSuffix(m.name, ".tpl"):
				t.add("templates/"+c.Name+"/"+m.name, m.data)
			default:
				t.add("templates/"+c.Name+"/"+m.name, guarded(c.Name, m))
			}
		}
	}
	if err := schema.Join(errs); err != nil {
		return err
	}
	values[ownSwitch] = map[string]any{"enabled": true}
	if err := t.addYAML("Chart.yaml", "", chart); err != nil {
		return err
	}
	if err := t.addYAML("values.yaml", "Values by component; each sub-chart gets what stands under its name.\n"+
		ownSwitch+" switches the manifests in templates/ whose kinds the sub-charts bring.", values); err != nil {
		return err
	}
	if text := missing(j.dynamics(), "the values"); text != "" {
		t.add("templates/install-values.yaml", []byte(text))
	}
	if err := j.addInstall(t); err != nil {
		return err
	}
	ignored := ""
	if len(j.dynamics()) > 0 {
		ignored = "/" + installDir + "/\n"
	}
	t.add(".helmignore", []byte(ignored+"/deploy.sh\n/undeploy.sh\n/"+checksums+"\n/recipe.yaml\n/"+metadataFile+"\n/"+lockFile+"\n"))
	return j.addPages(t, "umbrella")
}

// ownSwitch is the value of the umbrella chart that switches the manifests
// whose kinds the sub-charts bring: on the first installation these are not
// there yet.
const ownSwitch = "manifests"

// guarded puts a manifest under the switch of its component. Built-in kinds
// stay in from the first moment: without a quota Pods may not start.
func guarded(name string, m manifest) []byte {
	condition := fmt.Sprintf("(index .Values %q).enabled", name)
	if !m.early {
		condition = fmt.Sprintf("and %s (index .Values %q).enabled", condition, ownSwitch)
	}
	return fmt.Appendf(nil, "{{- if %s }}\n%s\n{{- end }}\n", condition, strings.TrimSuffix(string(m.data), "\n"))
}

// perComponent writes a directory a component, each a release of its own.
func perComponent(j *job, t *Tree) error {
	for _, c := range j.components {
		if err := j.addComponent(t, c); err != nil {
			return err
		}
	}
	if err := j.addNamespaces(t); err != nil {
		return err
	}
	if err := j.addInstall(t); err != nil {
		return err
	}
	return j.addPages(t, "components")
}

// addComponent writes components/NAME: the values of the chart, and the charts
// of the component's own manifests; or its kustomization.
func (j *job) addComponent(t *Tree, c *component) error {
	if c.kustomization() {
		return j.addKustomization(t, c)
	}
	if c.chart() {
		if err := t.addYAML(c.valuesFile(), fmt.Sprintf("Values of the chart %s %s.", c.Chart, c.Version), c.values); err != nil {
			return err
		}
		if c.archive != nil {
			t.addArchive(c, c.dir())
		}
	}
	for _, l := range []*local{c.before(), c.after(), c.ready()} {
		if err := j.addLocal(t, c, l); err != nil {
			return err
		}
	}
	return nil
}

func (c *component) dir() string { return path.Join("components", c.Name) }

func (c *component) valuesFile() string { return path.Join(c.dir(), "values.yaml") }

// title is one line for people.
func (j *job) title() string {
	return fmt.Sprintf("GPU cluster configuration %s, from recipe catalogue %s.", j.name, j.recipe.Metadata.Version)
}
