package recipes

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A check of a component that is manifests of ours looks for what these have: objects
// of the names, and no labels that nobody puts on them.
func TestChecksFindOurManifests(t *testing.T) {
	sources := Sources()
	for _, release := range Releases() {
		cat, err := Release(release)
		if err != nil {
			t.Fatal(err)
		}
		checks, err := cat.Checks()
		if err != nil {
			t.Fatal(err)
		}
		looked := 0
		for name, check := range checks {
			component, err := fs.ReadFile(sources, "releases/"+release+"/components/"+name+".cue")
			if err != nil || strings.Contains(string(component), "\n\tchart:") {
				continue // not a component, or its chart has the workloads too
			}
			text := ""
			files, err := fs.Glob(sources, "releases/"+release+"/components/"+name+"/manifests/*.yaml")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				data, err := fs.ReadFile(sources, f)
				if err != nil {
					t.Fatal(err)
				}
				text += string(data) + "\n"
			}
			if !regexp.MustCompile(`(?m)^kind: (DaemonSet|Deployment|StatefulSet)$`).MatchString(text) {
				continue // an operator makes the workloads
			}
			for _, e := range check.Expect {
				if !slices.Contains([]string{"DaemonSet", "Deployment", "StatefulSet"}, e.Kind) {
					continue
				}
				looked++
				if !regexp.MustCompile(`(?m)^kind: ` + e.Kind + `\nmetadata:\n  name: ` + regexp.QuoteMeta(e.Name) + `$`).MatchString(text) {
					t.Errorf("%s: the check of %s looks for %s %q, which its manifests do not have", release, name, e.Kind, e.Name)
				}
				for k, v := range e.Labels {
					if !regexp.MustCompile(`(?m)^    ` + regexp.QuoteMeta(k+": "+v) + `$`).MatchString(text) {
						t.Errorf("%s: the check of %s looks for the label %s: %s, which its manifests do not have", release, name, k, v)
					}
				}
			}
		}
		if looked == 0 {
			t.Errorf("%s: no check of manifests", release)
		}
	}
}
