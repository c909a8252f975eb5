package keyless

import (
	"os/exec"
	"strings"
	"testing"
)

// Nothing that eidos links reaches this package: see weight_test.go in sign.
func TestOnlyTheProgramLinksIt(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../../../cmd/eidos").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 300 {
		t.Fatalf("only %d packages", len(deps))
	}
	for _, d := range deps {
		if strings.HasPrefix(d, "github.com/sigstore/sigstore-go/") || strings.HasSuffix(d, "/sign/keyless") {
			t.Errorf("eidos links %s", d)
		}
	}
}
