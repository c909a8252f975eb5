package compile

import (
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/recipes"
)

func TestRecord(t *testing.T) {
	for name, c := range map[string]struct {
		r    recipes.Upgrade
		want string // "" is accepted
	}{
		"good":               {recipes.Upgrade{From: "< 1.2.0", To: ">= 1.2.0, < 1.4", Verdict: "safe"}, ""},
		"both":               {recipes.Upgrade{From: "<= 1.2.0", To: "1.2.0", Verdict: "safe"}, "a version satisfies both"},
		"none":               {recipes.Upgrade{From: "< 1.0.0, > 2.0.0", To: "3.0.0", Verdict: "safe"}, "no version satisfies it"},
		"nothing to do":      {recipes.Upgrade{From: "< 1.0.0", To: "3.0.0", Verdict: "manual"}, "it is manual and has no steps"},
		"malformed":          {recipes.Upgrade{From: "<", To: "3.0.0", Verdict: "safe"}, "<"},
		"safe and has steps": {recipes.Upgrade{From: "< 1.0.0", To: "3.0.0", Verdict: "safe", Steps: []string{"a"}}, "it is safe and has steps"},
	} {
		err := record(c.r)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
