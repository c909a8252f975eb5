package recipes_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
)

// No answer of any release has a password or a token as a value: what everybody
// can read is not secret.
func TestNoSecrets(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(password|passwd|token|apikey|privatekey)$`)
	seen := 0
	for _, release := range recipes.Releases() {
		cat, err := recipes.Release(release)
		if err != nil {
			t.Fatal(err)
		}
		all, err := cat.Answers()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			d, err := cat.Document(a)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range d.Components {
				charts.Leaves(c.Values, func(keys []string, value any) {
					seen++
					text, ok := value.(string)
					if ok && text != "" && secret.MatchString(strings.Join(keys, ".")) {
						t.Errorf("%s %s: %s.%s is %q", release, a.File, c.Name, strings.Join(keys, "."), text)
					}
				})
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d values", seen)
	}
}
