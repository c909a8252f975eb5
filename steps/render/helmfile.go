package render

import (
	"fmt"
	"strings"
)

// https://helmfile.readthedocs.io/en/latest/#configuration
type helmfileSpec struct {
	Environments map[string]helmfileEnvironment `json:"environments,omitempty"`
	HelmDefaults helmfileDefaults               `json:"helmDefaults"`
	Repositories []helmfileRepository           `json:"repositories,omitempty"`
	Releases     []helmfileRelease              `json:"releases"`
}

type helmfileEnvironment struct {
	Values []string `json:"values"`
	// What is done if a file of Values is missing.
	Missing string `json:"missingFileHandler,omitempty"`
}

type helmfileHook struct {
	Events   []string `json:"events"`
	ShowLogs bool     `json:"showlogs"`
	Command  string   `json:"command"`
	Args     []string `json:"args"`
}

type helmfileDefaults struct {
	Wait            bool `json:"wait"`
	Timeout         int  `json:"timeout"` // seconds
	CreateNamespace bool `json:"createNamespace"`
}

type helmfileRepository struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	OCI  bool   `json:"oci,omitempty"`
}

type helmfileRelease struct {
	Name      string   `json:"name"`
	Namespace string   `json:"namespace"`
	Chart     string   `json:"chart"`
	Version   string   `json:"version,omitempty"`
	Needs     []string `json:"needs,omitempty"` // NAMESPACE/NAME
	Values    []string `json:"values,omitempty"`
	// The first time, all releases are compared with the cluster before one of them is
	// there: kinds that a chart brings are unknown then, also to the others that use them.
	NoValidation bool           `json:"disableValidationOnInstall"`
	WaitForJobs  bool           `json:"waitForJobs,omitempty"`
	Timeout      int            `json:"timeout,omitempty"` // seconds, over the default's
	Hooks        []helmfileHook `json:"hooks,omitempty"`
}

// helmfile writes one release a component, and one for its own manifests.
func helmfile(j *job, t *Tree) error {
	spec := helmfileSpec{HelmDefaults: helmfileDefaults{true, 900, true}}
	// Before a release is installed: a hook of the whole file, for the event prepare,
	// runs for every command, so that lint and template would change the cluster.
	var namespaces []helmfileHook
	if len(j.namespaces()) > 0 {
		namespaces = []helmfileHook{{[]string{"presync"}, true, "kubectl", []string{"apply", "--server-side", "--field-manager", "eidos", "-f", "namespaces.yaml"}}}
	}
	if err := j.addNamespaces(t); err != nil {
		return err
	}
	all := j.dynamics()
	required := missing(all, installFile+" beside the bundle, or --state-values-set")
	if len(all) > 0 {
		e := helmfileEnvironment{Values: []string{"../" + installFile}}
		if required == "" {
			e.Missing = "Info"
		}
		spec.Environments = map[string]helmfileEnvironment{"default": e}
	}
	last := map[string]string{} // component → its last release
	for _, c := range j.components {
		if err := j.addComponent(t, c); err != nil {
			return err
		}
		// Helmfile renders these with its own values, which are by component.
		chartValues, ownValues := c.dir()+"/install.yaml.gotmpl", c.dir()+"/install-manifests.yaml.gotmpl"
		if len(c.dynamic) > 0 {
			set := fmt.Sprintf("(index .Values %q | default dict)", c.Name)
			t.add(chartValues, []byte(required+"{{ toYaml "+set+" }}\n"))
			if len(c.own) > 0 {
				t.add(ownValues, fmt.Appendf([]byte(required), "{{ toYaml (dict %q %s) }}\n", c.Name, set))
			}
		}
		var needs []string
		for _, d := range c.DependencyRefs {
			needs = append(needs, last[d])
		}
		for i, r := range c.releases() {
			hr := helmfileRelease{Name: r.Name, Namespace: r.Namespace, Chart: "./" + r.Chart, Version: r.Version, Needs: needs}
			if i == 0 {
				hr.Hooks = namespaces
			}
			hr.NoValidation = true
			if r.Values != "" {
				hr.Values = []string{r.Values}
			}
			if r.Ready {
				hr.WaitForJobs, hr.Timeout = true, readyTimeout
			}
			switch {
			case r.Ready:
			case len(c.dynamic) > 0 && r.Values != "":
				hr.Values = append(hr.Values, chartValues)
			case len(c.dynamic) > 0:
				hr.Values = append(hr.Values, ownValues)
			}
			if r.Version != "" {
				url, oci := strings.CutPrefix(c.Source, "oci://")
				spec.Repositories = append(spec.Repositories, helmfileRepository{c.Name, strings.TrimSuffix(url, "/"), oci})
				hr.Chart = c.Name + "/" + c.Chart
			}
			spec.Releases = append(spec.Releases, hr)
			last[c.Name] = r.Namespace + "/" + r.Name
			needs = []string{last[c.Name]}
		}
	}
	if err := t.addYAML("helmfile.yaml", "", spec); err != nil {
		return err
	}
	return j.addPages(t, "helmfile")
}
