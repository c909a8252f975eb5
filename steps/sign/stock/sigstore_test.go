package stock

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

const (
	issuerURL = "http://127.0.0.1:5556"
	somebody  = "release@example.com"
)

// TestPrivateSigstore signs and verifies with the servers of sigstore: Fulcio, the
// log Rekor v2 and the timestamp authority, in a network of their own, because
// some of them listen on every interface.
func TestPrivateSigstore(t *testing.T) {
	need(t)
	if os.Getenv("EIDOS_OWN_NETWORK") == "" {
		for _, name := range []string{"fulcio", "timestamp-server", "rekor", "cosign2", "cosign3"} {
			script(t, "tool", name) // builds it, which needs the network
		}
		bin := buildRelease(t)
		c := exec.Command("unshare", "--map-root-user", "--net", "sh", "-c", `ip link set lo up && exec "$0" "$@"`, os.Args[0],
			"-test.run", "^TestPrivateSigstore$", "-test.v")
		c.Env = append(os.Environ(), "EIDOS_OWN_NETWORK="+bin)
		out, err := c.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestPrivateSigstore")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	s := startSigstore(t)
	sign1 := func(env engine.Env, with map[string]any) (*schema.Signature, error) {
		return runStep[*schema.Signature](t, sign.Kind(s.options()), env, with)
	}
	verify := func(with map[string]any) (*schema.Verification, error) {
		return runStep[*schema.Verification](t, sign.VerifyKind(s.options()), s.env, with)
	}
	if err := os.WriteFile(s.path("file"), []byte("what is signed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("token"), []byte(s.issuer.Sign(nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	keylessly := map[string]any{"keyless": true, "file": "file", "signatures": "sig", "identityToken": "token", "signingConfig": "signing_config.json"}
	sig, err := sign1(s.env, keylessly)
	if err != nil {
		t.Fatal(err)
	}
	if sig.KeyID == "" {
		t.Errorf("signature %+v", sig)
	}
	policy := "kind: TrustPolicy\napiVersion: eidos.nvidia.com/v1alpha1\ntrustedRoot: trusted_root.json\ntransparency: required\nmaxAge: 1h\n" +
		"signers: [{name: ci, identity: " + somebody + ", issuer: \"" + issuerURL + "\", sanType: email}]\n"
	if err := os.WriteFile(s.path("policy.yaml"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	logged := map[string]any{"file": "file", "signatures": "sig", "policy": "policy.yaml"}
	if v, err := verify(logged); err != nil || !v.Verified {
		t.Fatalf("%+v, %v", v, err)
	}
	_, err = verify(map[string]any{"file": "file", "signatures": "sig", "trustedRoot": "trusted_root.json",
		"certificateIdentity": "other@example.com", "certificateOidcIssuer": issuerURL})
	if schema.CodeOf(err) != schema.Unsatisfied || !strings.Contains(err.Error(), "it was signed by "+somebody) {
		t.Errorf("another identity: %v", err)
	}

	// Stock cosign verifies what is signed here, and the other way round.
	s.bothWays(t, policy, sign1, verify)
	s.images(t)
	s.asGitHub(t)
	released := s.release(t)

	// The device flow: a person opens the address, and the token comes.
	if _, err := sign1(s.env, map[string]any{"keyless": true, "file": "file", "signatures": "device", "oidcIssuer": issuerURL, "noBrowser": true, "signingConfig": "signing_config.json"}); err != nil {
		t.Errorf("device flow: %v", err)
	}
	if s.issuer.Polls() == 0 {
		t.Error("the device flow asked for no token")
	}

	// A token for somebody else's service, and one that was changed, get nothing.
	for name, token := range map[string]string{"another audience": s.issuer.Sign(map[string]any{"aud": "other"}), "changed": s.issuer.Sign(nil)[:60] + "x"} {
		if err := os.WriteFile(s.path("token"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sign1(s.env, keylessly); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Nothing of this is needed to verify.
	s.stop()
	released()
	if v, err := verify(logged); err != nil || !v.Verified {
		t.Errorf("after the servers are gone: %+v, %v", v, err)
	}
	if _, err := sign1(s.env, map[string]any{"keyless": true, "file": "file", "signatures": "none", "identityToken": "token", "signingConfig": "signing_config.json"}); err == nil {
		t.Error("signed without a server")
	}
}

// identity are the flags of cosign for who has signed.
var identity = []string{"--certificate-identity", somebody, "--certificate-oidc-issuer", issuerURL}

// bothWays checks files: cosign 2 and 3 verify what eidos has signed, and eidos
// what they attest.
func (s *sigstore) bothWays(t *testing.T, policy string, sign1 func(engine.Env, map[string]any) (*schema.Signature, error), verify func(map[string]any) (*schema.Verification, error)) {
	write(t, s.path("predicate.json"), `{"reviewed": true}`)
	// The log takes no more what cosign 2 would write to it; that signs by the
	// timestamp alone.
	config, err := os.ReadFile(s.path("signing_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.path("cosign3.json"), string(config))
	var services map[string]any
	if err := json.Unmarshal(config, &services); err != nil {
		t.Fatal(err)
	}
	delete(services, "rekorTlogUrls")
	delete(services, "rekorTlogConfig")
	if config, err = json.Marshal(services); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("cosign2.json"), string(config))
	policy = strings.Replace(policy, "transparency: required\n", "", 1)
	write(t, s.path("both.yaml"), policy+"signature: {from: [ci]}\nattestations: [{type: \"https://example.com/review\"}]\n")
	for tool, bundles := range map[string][]string{"cosign2": {"--new-bundle-format"}, "cosign3": nil} {
		args := append([]string{"verify-blob-attestation", "--bundle", "sig", "--trusted-root", "trusted_root.json", "--insecure-ignore-sct",
			"--type", "https://sigstore.dev/cosign/sign/v1", "file"}, identity...)
		if tool == "cosign2" {
			args = append(args, "--use-signed-timestamps")
		}
		if out, err := s.cosign(tool, append(args, bundles...)...); err != nil {
			t.Errorf("%s verify-blob-attestation: %v\n%s", tool, err, out)
		}
		other := append(append([]string{}, args...), bundles...)
		for i, a := range other {
			if a == somebody {
				other[i] = "other@example.com"
			}
		}
		if out, err := s.cosign(tool, other...); err == nil {
			t.Errorf("%s takes it for another's: %s", tool, out)
		}
		args = []string{"attest-blob", "--yes", "--predicate", "predicate.json", "--type", "https://example.com/review", "--bundle", tool + ".theirs",
			"--identity-token", "token", "--signing-config", tool + ".json", "--trusted-root", "trusted_root.json", "file"}
		if out, err := s.cosign(tool, append(args, bundles...)...); err != nil {
			t.Errorf("%s attest-blob: %v\n%s", tool, err, out)
			continue
		}
		join(t, s.path("all"), s.path("sig"), s.path(tool+".theirs"))
		if v, err := verify(map[string]any{"file": "file", "signatures": "all", "policy": "both.yaml"}); err != nil || !v.Verified {
			t.Errorf("what %s attested: %+v, %v", tool, v, err)
		}
	}
}

// images checks images in a registry, likewise.
func (s *sigstore) images(t *testing.T) {
	who := map[string]any{"certificateIdentity": somebody, "certificateOidcIssuer": issuerURL, "trustedRoot": s.path("trusted_root.json")}
	flags := append([]string{"--allow-http-registry", "--trusted-root", s.path("trusted_root.json")}, identity...)
	ours := newPlace(t, inProcess(t))
	ours.opts.Certified = s.options().Certified
	if _, err := ours.run(sign.Kind(ours.opts), map[string]any{"keyless": true, "identityToken": s.path("token"), "signingConfig": s.path("signing_config.json")}); err != nil {
		t.Fatal(err)
	}
	for tool, more := range map[string][]string{"cosign2": {"--new-bundle-format", "--insecure-ignore-sct", "--use-signed-timestamps"}, "cosign3": {"--insecure-ignore-sct"}} {
		if out, err := ours.tool(t, ours.env.Dir, tool, append(append(append([]string{"verify"}, flags...), more...), ours.image.Reference)...); err != nil {
			t.Errorf("%s verify: %v\n%s", tool, err, out)
		}
		theirs := newPlace(t, inProcess(t))
		theirs.opts.Certified = s.options().Certified
		args := []string{"sign", "--yes", "--allow-http-registry", "--identity-token", s.path("token"), "--signing-config", s.path(tool + ".json"), "--trusted-root", s.path("trusted_root.json")}
		if tool == "cosign2" {
			args = append(args, "--new-bundle-format")
		}
		theirs.must(t, theirs.env.Dir, tool, append(args, theirs.image.Reference)...)
		if v, err := theirs.run(sign.VerifyKind(theirs.opts), who); err != nil || !v.(*schema.Verification).Verified {
			t.Errorf("what %s signed: %v", tool, err)
		}
	}
}

// asGitHub verifies provenance of a file as "gh attestation verify --bundle
// --custom-trusted-root" does: by sigstore-go, with the digest of the file, the
// type of the predicate, and who has signed.
func (s *sigstore) asGitHub(t *testing.T) {
	write(t, s.path("provenance.json"), `{"buildDefinition": {"buildType": "https://example.com/build"}, "runDetails": {"builder": {"id": "https://example.com/builder"}}}`)
	if _, err := runStep[*schema.Signature](t, sign.Kinds(s.options())[1], s.env, map[string]any{"predicate": "provenance.json", "type": "slsaprovenance1", "keyless": true,
		"file": "file", "signatures": "attested", "identityToken": "token", "signingConfig": "signing_config.json"}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.LoadJSONFromPath(s.path("attested"))
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := root.NewTrustedRootFromPath(s.path("trusted_root.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := verify.NewVerifier(trusted, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		about, who string
		good       bool
	}{{"what is signed\n", somebody, true}, {"another", somebody, false}, {"what is signed\n", "other@example.com", false}} {
		id, err := verify.NewShortCertificateIdentity(issuerURL, "", tt.who, "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := v.Verify(b, verify.NewPolicy(verify.WithArtifact(strings.NewReader(tt.about)), verify.WithCertificateIdentity(id)))
		if (err == nil) != tt.good || err == nil && r.Statement.GetPredicateType() != "https://slsa.dev/provenance/v1" {
			t.Errorf("%q by %s: %+v, %v", tt.about, tt.who, r, err)
		}
	}
}

func join(t *testing.T, to string, files ...string) {
	t.Helper()
	var all bytes.Buffer
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&all, data); err != nil {
			t.Fatal(err)
		}
		all.WriteByte('\n')
	}
	if err := os.WriteFile(to, all.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func runStep[O schema.Value](t *testing.T, k engine.Kind, env engine.Env, with map[string]any) (O, error) {
	t.Helper()
	doc, err := schema.FromValue(with, "with")
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := k.Run(t.Context(), env, p, nil)
	var zero O
	if v == nil {
		return zero, err
	}
	return v.(O), err
}
