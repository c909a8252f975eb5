package sign_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// cosign's own library reads the keys made here, verifies the signatures made
// here, and makes keys that are read here.
func TestCosignLibrary(t *testing.T) {
	w := shared().in(t)
	raw, err := os.ReadFile(w.key)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := cosign.LoadPrivateKey(raw, []byte(password), nil)
	if err != nil {
		t.Fatalf("cosign does not read the key: %v", err)
	}
	public, err := sv.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	want, err := cryptoutils.MarshalPublicKeyToPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(sign.PublicPath(w.key)); err != nil || string(got) != string(want) {
		t.Errorf("public key\n%s, cosign writes\n%s", got, want)
	}
	srv := httptest.NewServer(oci.Handler(filepath.Join(w.opts.OCI.Data, "registry")))
	defer srv.Close()
	nothing, err := root.NewTrustedRootFromJSON([]byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"bundle", "legacy"} {
		image := w.push("team/" + format)
		if _, err := w.sign(map[string]any{"format": format, "attest": true}); err != nil {
			t.Fatal(err)
		}
		ref, err := name.NewDigest(strings.TrimPrefix(srv.URL, "http://") + "/team/" + format + "@" + string(image.Digest))
		if err != nil {
			t.Fatal(err)
		}
		verify := func(v signature.Verifier, attestations bool) (int, error) {
			co := &cosign.CheckOpts{
				SigVerifier: v, IgnoreSCT: true, IgnoreTlog: true, Offline: true,
				NewBundleFormat: format == "bundle", ClaimVerifier: cosign.SimpleClaimVerifier,
				TrustedMaterial: nothing, // beside the key
			}
			if attestations || co.NewBundleFormat {
				co.ClaimVerifier = cosign.IntotoSubjectClaimVerifier
				found, _, err := cosign.VerifyImageAttestations(t.Context(), ref, co)
				return len(found), err
			}
			found, _, err := cosign.VerifyImageSignatures(t.Context(), ref, co)
			return len(found), err
		}
		if n, err := verify(sv, false); err != nil || n == 0 {
			t.Errorf("%s: cosign verifies %d signatures, %v", format, n, err)
		}
		if n, err := verify(sv, true); err != nil || n == 0 {
			t.Errorf("%s: cosign verifies %d attestations, %v", format, n, err)
		}
		stranger, _, err := signature.NewDefaultECDSASignerVerifier()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(stranger, false); err == nil {
			t.Errorf("%s: cosign verifies with any key", format)
		}
	}
	keys, err := cosign.GenerateKeyPair(func(bool) ([]byte, error) { return []byte(password), nil })
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(w.env.Dir, "theirs.key")
	if err := os.WriteFile(theirs, keys.PrivateBytes, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sign.PublicPath(theirs), keys.PublicBytes, 0o600); err != nil {
		t.Fatal(err)
	}
	w.push("team/theirs")
	if _, err := w.sign(map[string]any{"key": theirs}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.verify(map[string]any{"key": sign.PublicPath(theirs)}); err != nil {
		t.Error(err)
	}
	if _, err := w.verify(nil); schema.CodeOf(err) != schema.Unsatisfied {
		t.Errorf("with the other key: %v", err)
	}
}
