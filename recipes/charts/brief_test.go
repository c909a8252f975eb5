package charts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// What Brief reads of a fact file is what all of it states.
func TestBrief(t *testing.T) {
	names, err := Builtin().Names()
	if err != nil {
		t.Fatal(err)
	}
	crds, privileged, limits := 0, 0, 0
	for _, n := range names {
		name, version, _ := strings.Cut(n, "@")
		c, err := Builtin().Find(name, version)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Builtin().Brief(name, version)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Brief{c.CRDs, c.Privileged, c.NamespaceWide}, b); diff != "" {
			t.Errorf("%s (-all +brief):\n%s", n, diff)
		}
		limits += len(b.NamespaceWide)
		crds += len(b.CRDs)
		if b.Privileged {
			privileged++
		}
	}
	if crds < 50 || privileged < 5 || limits < 2 {
		t.Errorf("%d CRDs, %d privileged charts, %d LimitRanges", crds, privileged, limits)
	}
	if _, err := Builtin().Brief("nothing", "1.0.0"); schema.CodeOf(err) != schema.NotFound {
		t.Error(err)
	}
}
