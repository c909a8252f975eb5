package sign_test

import (
	"os/exec"
	"strings"
	"testing"
)

// heavy lists what cosign's packages that sign bring along. Linking them costs
// every command 5 to 8 ms of CPU before main, 13 MiB of memory and 14 MB of
// binary (measured: 128 package initialisers with this package, 307 with
// cosign/v2/pkg/cosign).
var heavy = []string{
	"github.com/sigstore/cosign/v2/pkg/cosign",
	"github.com/sigstore/cosign/v2/pkg/oci",
	"github.com/sigstore/sigstore-go",
	"github.com/sigstore/rekor",
	"github.com/sigstore/fulcio",
	"github.com/go-openapi",
	"google.golang.org/grpc",
	"k8s.io",
	"cuelang.org",
}

func TestWeight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".", "../oci", "../address").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		for _, h := range heavy {
			rest, ok := strings.CutPrefix(p, h)
			if ok && (rest == "" || rest[0] == '/') && p != "github.com/sigstore/cosign/v2/pkg/cosign/attestation" && p != "github.com/sigstore/cosign/v2/pkg/cosign/env" {
				t.Errorf("it links %s", p)
			}
		}
	}
}
