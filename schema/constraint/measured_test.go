package constraint

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// TestMeasured: all that a real snapshot holds can be asked for, and what
// nothing measures is refused with the nearest path.
func TestMeasured(t *testing.T) {
	data, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s schema.Snapshot
	if err := schema.Decode("h100-eks.yaml", data, &s); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Measurements {
		for _, sub := range m.Subtypes {
			for key := range sub.Data {
				p, err := ParsePath(string(m.Type) + "." + sub.Subtype + "." + key)
				if err != nil {
					continue // a key with a space
				}
				if err := p.Measured(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	// docs/recipes.md has a row for each.
	page, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range measurements() {
		typ, sub, _ := strings.Cut(name, ".")
		if !regexp.MustCompile(`(?m)^\| ` + typ + ` \| [a-z, ]*\b` + sub + `\b[a-z, ]* \|`).Match(page) {
			t.Errorf("docs/recipes.md has no row for %s", name)
		}
	}
	for path, hint := range map[string]string{
		"K8s.server.verison": "did you mean version?", "K8s.sever.version": "did you mean server?", "GPU.smi.drivr": "did you mean driver?",
		"K8s.node.kublet-version": "did you mean kubelet-version?", "OS.relase.ID": "did you mean release?",
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		var e *schema.Error
		if !errors.As(p.Measured(), &e) || e.Hint != hint || e.Code != schema.Invalid {
			t.Errorf("%s: %v", path, e)
		}
	}
	if p, err := ParsePath("SystemD.mine.service.ActiveState"); err != nil || p.Measured() != nil {
		t.Errorf("a unit of the host is refused: %v", err)
	}
}
