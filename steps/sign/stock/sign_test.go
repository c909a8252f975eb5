package stock

import (
	"testing"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// What the stock tools sign, eidos verifies; with the keys they make.
func TestVerifiesCosign(t *testing.T) {
	for _, tt := range []struct {
		name, tool string
		flags      []string
	}{
		{"2, tags", "cosign2", []string{"--tlog-upload=false"}},
		{"2, bundle", "cosign2", []string{"--tlog-upload=false", "--new-bundle-format"}},
		{"3, bundle", "cosign3", []string{"--tlog-upload=false", "--use-signing-config=false"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t, inProcess(t))
			p.must(t, p.env.Dir, tt.tool, "generate-key-pair", "--output-key-prefix", "stock")
			if _, err := p.run(sign.VerifyKind(p.opts), map[string]any{"key": "stock.pub"}); schema.CodeOf(err) != schema.NotFound {
				t.Errorf("before signing: %v", err)
			}
			args := append([]string{"sign", "--yes", "--allow-http-registry", "--key", "stock.key"}, tt.flags...)
			p.must(t, p.env.Dir, tt.tool, append(args, p.image.Reference)...)
			v, err := p.run(sign.VerifyKind(p.opts), map[string]any{"key": "stock.pub"})
			if err != nil || !v.(*schema.Verification).Verified {
				t.Errorf("verify: %v", err)
			}
			if _, err := p.run(sign.VerifyKind(p.opts), map[string]any{"key": "cosign.pub"}); schema.CodeOf(err) != schema.Unsatisfied {
				t.Errorf("with another key: %v", err)
			}
		})
	}
}

// A key that cosign made signs here, and cosign verifies that.
func TestSignsWithCosignKey(t *testing.T) {
	p := newPlace(t, inProcess(t))
	p.must(t, p.env.Dir, "cosign2", "generate-key-pair", "--output-key-prefix", "stock")
	if _, err := p.run(sign.Kind(p.opts), map[string]any{"key": "stock.key"}); err != nil {
		t.Fatal(err)
	}
	if out, err := p.cosign("cosign3", "verify", "bundle", "--key", "stock.pub"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// An attestation alone is no signature, though cosign takes it for one.
func TestAttestationIsNoSignature(t *testing.T) {
	p := newPlace(t, inProcess(t))
	write(t, p.env.Dir+"/predicate.json", `{"buildDefinition":{},"runDetails":{}}`)
	p.must(t, p.env.Dir, "cosign2", "attest", "--yes", "--allow-http-registry", "--tlog-upload=false", "--new-bundle-format",
		"--key", "cosign.key", "--type", "slsaprovenance1", "--predicate", "predicate.json", p.image.Reference)
	if _, err := p.run(sign.VerifyKind(p.opts), map[string]any{"key": "cosign.pub"}); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("verify: %v, want that there is no signature", err)
	}
}
