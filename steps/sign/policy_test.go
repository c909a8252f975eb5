package sign_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/sign"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// office is a world with people who have keys, in a directory of its own.
type office struct {
	*world
	attests engine.Kind
}

func newOffice(t *testing.T) *office {
	w := shared().in(t)
	w.env.Dir = t.TempDir()
	w.opts.CUE = expr.Document
	kinds := sign.Kinds(w.opts)
	w.signs, w.looks = kinds[0], kinds[2]
	o := &office{w, kinds[1]}
	for _, name := range []string{"alice", "bob", "mallory"} {
		sign.PEMKey(t, w.env.Dir, name)
	}
	return o
}

func (o *office) file(name, text string) string {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.env.Dir, name), []byte(text), 0o644); err != nil {
		o.t.Fatal(err)
	}
	return name
}

func (o *office) signed(who string, more ...any) {
	o.t.Helper()
	with := map[string]any{"key": who + ".key"}
	for i := 0; i+1 < len(more); i += 2 {
		with[more[i].(string)] = more[i+1]
	}
	if _, err := o.sign(with); err != nil {
		o.t.Fatal(err)
	}
}

// attest attests a predicate of a type.
func (o *office) attest(who, kind, predicate string, more ...any) {
	o.t.Helper()
	with := map[string]any{"key": who + ".key", "type": kind, "predicate": o.file("predicate.json", predicate)}
	for i := 0; i+1 < len(more); i += 2 {
		with[more[i].(string)] = more[i+1]
	}
	if _, err := run[*schema.Signature](o.world, o.attests, with, engine.Inputs{"image": {o.image}}); err != nil {
		o.t.Fatal(err)
	}
}

// made attests SLSA provenance.
func (o *office) made(who, builder, version, repository string, materials ...string) {
	o.t.Helper()
	var m []string
	for i := 0; i+1 < len(materials); i += 2 {
		m = append(m, fmt.Sprintf(`{"name":%q,"digest":{"sha256":%q}}`, materials[i], strings.TrimPrefix(materials[i+1], "sha256:")))
	}
	o.attest(who, "slsaprovenance1", fmt.Sprintf(`{"buildDefinition":{"buildType":"https://example.com/build/v1",
		"externalParameters":{"workflow":{"repository":%q}},"resolvedDependencies":[%s]},
		"runDetails":{"builder":{"id":%q,"version":{"eidos":%q}}}}`, repository, strings.Join(m, ","), builder, version))
}

func (o *office) good(who string) {
	o.made(who, "https://example.com/builder", "v1.2.0", "https://github.com/NVIDIA/eidos", "recipe", o.recipe(), "catalog", digestA)
}

// recipe is the digest that the world's bundles state.
func (o *office) recipe() string {
	return string(blobtest.Bundle(o.env, map[string]string{"a.yaml": "a: 1\n"}).Metadata.Recipe)
}

const people = `kind: TrustPolicy
apiVersion: eidos.nvidia.com/v1alpha1
signers:
  - {name: alice, key: alice.pub}
  - {name: bob, key: bob.pub}
`

const strict = people + `signature: {from: [alice]}
attestations:
  - type: slsaprovenance1
    from: [alice]
    builder: https://example.com/builder
    buildType: https://example.com/build/v1
    source: https://github.com/NVIDIA/eidos
    minVersion: v1.1.0
    catalog: ["` + digestA + `"]
minTrustLevel: verified
requireCreator: alice
`

// Each of these must be refused, with the rule, what was found and where the
// policy says so.
func TestPolicyAttacks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		do     func(o *office)
		policy string
		code   schema.Code
		want   []string
		level  schema.TrustLevel // that it reaches all the same
	}{
		{"nothing is attached", func(o *office) {}, people, schema.NotFound,
			[]string{"has no signature by one of the signers", "(policy.yaml:1:1)"}, "unverified"},
		{"a stranger signs", func(o *office) { o.signed("mallory") }, people, schema.Unsatisfied,
			[]string{"signature", "signed with another key", "(policy.yaml:1:1)"}, "unverified"},
		{"the wrong one of those who may sign", func(o *office) { o.signed("bob") }, people + "signature: {from: [alice]}\n", schema.Unsatisfied,
			[]string{"signature.from: ", "found bob (sha256:", "requires alice (policy.yaml:6:19)"}, "attested"},
		{"attestation stripped", func(o *office) { o.signed("alice") }, strict, schema.NotFound,
			[]string{"attestations[0]: ", "has no attestation https://slsa.dev/provenance/v1 by alice (policy.yaml:8:5)", "minTrustLevel: ", "is attested, and must be verified (policy.yaml:15:16)", `must be by "alice" (policy.yaml:16:17)`}, "attested"},
		{"signature stripped, attestation left", func(o *office) { o.good("alice") }, strict, schema.NotFound,
			[]string{"has no signature by alice (policy.yaml:6:12)"}, "attested"},
		{"another predicate passed off as the signature", func(o *office) { o.attest("alice", "https://sigstore.dev/cosign/sign/v1x", "{}") }, people, schema.NotFound,
			[]string{"has no signature", "(policy.yaml:1:1)"}, "attested"},
		{"signature of another digest", func(o *office) { o.signed("alice"); tamper(o.world) }, people, schema.Unsatisfied,
			[]string{"it is about something else", "(policy.yaml:1:1)"}, "unverified"},
		{"provenance of another digest", func(o *office) { o.good("alice"); tamper(o.world); o.signed("alice") }, strict, schema.Unsatisfied,
			[]string{"attestations[0]: ", "it is about something else"}, "attested"},
		{"one signer twice", func(o *office) { o.signed("alice"); o.signed("alice") }, people + "signature: {threshold: 2}\n", schema.Unsatisfied,
			[]string{"signature.threshold: ", "found 1 (alice (sha256:", "requires 2 different signers (policy.yaml:6:24)"}, "attested"},
		{"one signer twice in one envelope", func(o *office) {
			o.attest("alice", "https://example.com/x", `{"n":1}`, "format", "legacy")
			o.attest("alice", "https://example.com/x", `{"n":2}`, "format", "legacy")
			o.signed("alice", "format", "legacy")
		}, people + "attestations: [{type: https://example.com/x, threshold: 2}]\n", schema.Unsatisfied,
			[]string{"attestations[0].threshold: ", "requires 2 different signers"}, "attested"},
		{"mixed formats: a stranger's signature beside good provenance", func(o *office) {
			o.signed("mallory", "format", "legacy")
			o.signed("mallory", "format", "legacy", "attest", true)
		}, strict, schema.Unsatisfied, []string{"signature", "signed with another key"}, "unverified"},
		{"provenance signed by one who may not", func(o *office) { o.signed("alice"); o.good("bob") }, strict, schema.Unsatisfied,
			[]string{"attestations[0].from: ", "found bob (sha256:", "requires alice (policy.yaml:9:11)", "requireCreator: ", "is signed by bob (sha256:"}, "attested"},
		{"another builder", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/evil", "v1.2.0", "https://github.com/NVIDIA/eidos", "recipe", o.recipe(), "catalog", digestA)
		}, strict, schema.Unsatisfied, []string{"attestations[0].builder: ", "found https://example.com/evil, the policy requires https://example.com/builder (policy.yaml:10:14)"}, "attested"},
		{"another source", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/builder", "v1.2.0", "https://github.com/NVIDIA/eidos-fork", "recipe", o.recipe(), "catalog", digestA)
		}, strict, schema.Unsatisfied, []string{"attestations[0].source: ", "found https://github.com/NVIDIA/eidos-fork", "(policy.yaml:12:13)"}, "attested"},
		{"an old eidos", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/builder", "v1.0.9", "https://github.com/NVIDIA/eidos", "recipe", o.recipe(), "catalog", digestA)
		}, strict, schema.Unsatisfied, []string{"attestations[0].minVersion: ", "found v1.0.9, the policy requires v1.1.0 or newer (policy.yaml:13:17)"}, "attested"},
		{"an eidos without a version", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/builder", "newest", "https://github.com/NVIDIA/eidos", "recipe", o.recipe(), "catalog", digestA)
		}, strict, schema.Unsatisfied, []string{"attestations[0].minVersion: ", "found newest"}, "attested"},
		{"another catalogue", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/builder", "v1.2.0", "https://github.com/NVIDIA/eidos", "recipe", o.recipe(), "catalog", digestB)
		}, strict, schema.Unsatisfied, []string{"attestations[0].catalog: ", "found " + digestB, "(policy.yaml:14:14)"}, "attested"},
		{"a material that is named twice", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/builder", "v1.2.0", "https://github.com/NVIDIA/eidos", "recipe", o.recipe(), "catalog", digestB, "catalog", digestA)
		}, strict, schema.Unsatisfied, []string{"attestations[0].catalog: ", "found none"}, "attested"},
		{"a fork that depends on the repository", func(o *office) {
			o.signed("alice")
			o.attest("alice", "slsaprovenance1", `{"buildDefinition": {"externalParameters": {"workflow": {"repository": "https://github.com/NVIDIA/eidos-fork"}},
				"resolvedDependencies": [{"uri": "git+https://github.com/NVIDIA/eidos@refs/heads/main", "digest": {"gitCommit": "0000000000000000000000000000000000000000"}}]}}`)
		}, people + "attestations: [{type: slsaprovenance1, source: \"https://github.com/NVIDIA/eidos\"}]\n", schema.Unsatisfied,
			[]string{"attestations[0].source: ", "found https://github.com/NVIDIA/eidos-fork, the policy"}, "attested"},
		{"another material", func(o *office) { o.signed("alice"); o.good("alice") },
			people + `attestations: [{type: slsaprovenance1, materials: [{name: catalog, digest: "` + digestB + "\"}]}]\n", schema.Unsatisfied,
			[]string{"attestations[0].materials[0]: ", "found " + digestA, "requires catalog " + digestB}, "attested"},
		{"provenance of another recipe than the bundle's", func(o *office) {
			o.signed("alice")
			o.made("alice", "https://example.com/builder", "v1.2.0", "https://github.com/NVIDIA/eidos", "recipe", digestB, "catalog", digestA)
		}, strict, schema.Unsatisfied, []string{"minTrustLevel: ", "is attested, and must be verified"}, "attested"},
		{"no log has it", func(o *office) { o.signed("alice") }, people + "transparency: required\n", schema.Unsatisfied,
			[]string{"transparency: ", "requires an entry in a transparency log (policy.yaml:6:15)"}, "unverified"},
		{"nobody vouches for its age", func(o *office) { o.signed("alice") }, people + "maxAge: 24h\n", schema.Unsatisfied,
			[]string{"maxAge: ", "found no age that a log or a timestamp authority vouches for, the policy requires at most 24h (policy.yaml:6:9)"}, "unverified"},
		{"an identity is trusted, a key signs", func(o *office) { o.signed("alice") },
			"kind: TrustPolicy\napiVersion: eidos.nvidia.com/v1alpha1\nsigners: [{name: ci, identity: a@example.com, issuer: https://example.com}]\n", schema.Unsatisfied,
			[]string{"signed with another key"}, "unverified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t)
			tt.do(o)
			v, err := o.verify(map[string]any{"policy": o.file("policy.yaml", tt.policy)})
			if err == nil || schema.CodeOf(err) != tt.code {
				t.Fatalf("error %v (%s), want %s", err, schema.CodeOf(err), tt.code)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error\n%v\nhas no %q", err, w)
				}
			}
			if v.Verified || v.TrustLevel != tt.level {
				t.Errorf("verified %v, trust level %s, want %s", v.Verified, v.TrustLevel, tt.level)
			}
			refused := 0
			for _, c := range v.Checks {
				refused += len(c.Refused)
			}
			if refused == 0 {
				t.Errorf("no refusal in %+v", v.Checks)
			}
		})
	}
}

// What every policy above is satisfied with.
func TestPolicyHolds(t *testing.T) {
	o := newOffice(t)
	o.signed("alice")
	o.good("alice")
	o.signed("mallory") // changes nothing
	v, err := o.verify(map[string]any{"policy": o.file("policy.yaml", strict)})
	if err != nil || !v.Verified || v.TrustLevel != "verified" || len(v.Signers) != 1 || !strings.HasPrefix(v.Signers[0], "alice (sha256:") {
		t.Fatalf("%+v, %v", v, err)
	}
	o.signed("bob")
	two := people + "signature: {threshold: 2}\n"
	if v, err := o.verify(map[string]any{"policy": o.file("two.yaml", two)}); err != nil || len(v.Signers) != 2 {
		t.Errorf("two signers: %+v, %v", v, err)
	}
	// The same in CUE, with positions in that.
	cue := "kind: \"TrustPolicy\"\napiVersion: \"eidos.nvidia.com/v1alpha1\"\n_b: \"https://example.com/other\"\n" +
		"signers: [{name: \"alice\", key: \"alice.pub\"}]\nattestations: [{\n\ttype: \"slsaprovenance1\"\n\tbuilder: _b\n}]\n"
	_, err = o.verify(map[string]any{"policy": o.file("policy.cue", cue)})
	if err == nil || !strings.Contains(err.Error(), "requires https://example.com/other (policy.cue:7:11)") {
		t.Errorf("in CUE: %v", err)
	}
	// And flags add to a policy.
	_, err = o.verify(map[string]any{"policy": "two.yaml", "attestations": []any{"cyclonedx"}})
	if schema.CodeOf(err) != schema.NotFound || !strings.Contains(err.Error(), "has no attestation https://cyclonedx.org/bom") {
		t.Errorf("with an attestation that is not there: %v", err)
	}
	_, err = o.verify(map[string]any{"policy": "two.yaml", "requireCreator": "bob"})
	if schema.CodeOf(err) != schema.Unsatisfied || !strings.Contains(err.Error(), `must be by "bob"`) {
		t.Errorf("with another creator: %v", err)
	}
	_, err = o.verify(map[string]any{"policy": "two.yaml", "key": "alice.pub"})
	if schema.CodeOf(err) != schema.Invalid {
		t.Errorf("with a key: %v", err)
	}
}

// Policies that cannot be what was meant are refused before anything is verified.
func TestPolicyErrors(t *testing.T) {
	o := newOffice(t)
	for _, tt := range []struct{ name, text, want string }{
		{"no signers", strings.Split(people, "signers:")[0] + "signers: []\n", "signers: a policy without signers accepts nothing (policy.yaml:3:10)"},
		{"a key that is not there", strings.Replace(people, "bob.pub", "carol.pub", 1), `signers[1].key: no key "`},
		{"one key under two names", strings.Replace(people, "bob.pub", "alice.pub", 1), `signers[1].key: it is the key of signer "alice" (policy.yaml:5:22)`},
		{"one name twice", strings.Replace(people, "name: bob", "name: alice", 1), `signers[1].name: there are two signers "alice" (policy.yaml:5:12)`},
		{"a private key", strings.Replace(people, "bob.pub", "bob.key", 1), "not a public key"},
		{"a signer that is not defined", people + "signature: {from: [alcie]}\n", `signature.from[0]: no signer "alcie" (policy.yaml:6:20)`},
		{"a threshold that cannot be met", people + "signature: {threshold: 3}\n", "signature.threshold: 2 signers can never be enough: 3 are needed (policy.yaml:6:24)"},
		{"a threshold above those named", people + "signature: {from: [bob], threshold: 2}\n", "signature.threshold: 1 signer can never be enough"},
		{"a misspelt key", people + "signatures: {threshold: 2}\n", `signatures: unknown key "signatures" (policy.yaml:6:1)`},
		{"a misspelt type", people + "attestations: [{type: spdx-json}]\n", `attestations[0].type: no predicate type "spdx-json" (policy.yaml:6:23)`},
		{"a builder of an SBOM", people + "attestations: [{type: spdxjson, builder: x}]\n", "attestations[0].builder: builder is for SLSA provenance v1"},
		{"a version that is not one", people + "attestations: [{type: slsaprovenance1, minVersion: new}]\n", "attestations[0].minVersion: "},
		{"an identity without an issuer", people + "  - {name: ci, identity: a@example.com}\n", `signers[2]: signer "ci" must have a key, or`},
		{"an identity that is a key too", people + "  - {name: ci, identity: a@example.com, key: bob.pub}\n", `signers[2]: signer "ci" is both a key and an identity`},
		{"a bad expression", people + "  - {name: ci, identityRegexp: '(', issuer: https://example.com}\n", "signers[2].identityRegexp: not a regular expression"},
		{"an expression that closes the group around it", people + "  - {name: ci, identityRegexp: 'a)|(.*', issuer: https://example.com}\n", "signers[2].identityRegexp: not a regular expression"},
		{"nobody", people + "signature: {from: []}\n", "signature.from: it names nobody (policy.yaml:6:19)"},
		{"nobody who attests", people + "attestations: [{type: spdxjson, from: []}]\n", "attestations[0].from: it names nobody"},
		{"no catalogue", people + "attestations: [{type: slsaprovenance1, catalog: []}]\n", "attestations[0].catalog: it names no digest"},
		{"a level that there is not", people + "minTrustLevel: max\n", `minTrustLevel: no`},
		{"another kind", "kind: Pipeline\n", "kind: must be"},
		{"not YAML", "{", "not valid YAML"},
	} {
		v, err := o.verify(map[string]any{"policy": o.file("policy.yaml", tt.text)})
		if v != nil || schema.CodeOf(err) == "" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, error %v, want %q", tt.name, v, err, tt.want)
		}
	}
	// A signer that cannot be used is one problem, and not another one wherever it counts.
	_, err := o.verify(map[string]any{"policy": o.file("policy.yaml", strings.Replace(people, "bob.pub", "bob.key", 1)+"signature: {from: [alice, bob], threshold: 2}\n")})
	if n := len(schema.List(err)); n != 1 {
		t.Errorf("%d problems with one signer: %v", n, err)
	}
	if _, err := o.verify(map[string]any{"policy": "none.yaml"}); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("no policy: %v", err)
	}
}
