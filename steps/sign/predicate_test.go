package sign

import "testing"

// The short names are those of cosign's --type but custom, whose predicate cosign wraps
// (https://github.com/sigstore/cosign/blob/main/cmd/cosign/cli/options/predicate.go).
func TestPredicateTypes(t *testing.T) {
	for name, want := range map[string]string{
		"slsaprovenance": "https://slsa.dev/provenance/v0.2", "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
		"slsaprovenance1": "https://slsa.dev/provenance/v1", "spdx": "https://spdx.dev/Document", "spdxjson": "https://spdx.dev/Document",
		"cyclonedx": "https://cyclonedx.org/bom", "link": "https://in-toto.io/Link/v1",
		"vuln": "https://cosign.sigstore.dev/attestation/vuln/v1", "openvex": "https://openvex.dev/ns",
		"https://example.com/mine/v1": "https://example.com/mine/v1",
	} {
		if got, err := predicateType(name); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := predicateType("custom"); err == nil {
		t.Errorf("custom is %q", got)
	}
}
