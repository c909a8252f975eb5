package keyless_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/sign"
	"github.com/NVIDIA/eidos/steps/sign/certified"
	"github.com/NVIDIA/eidos/steps/sign/keyless"
)

const (
	who    = "release@example.com"
	issuer = "https://issuer.example.com"
	text   = "what is signed\n"
)

// office is a directory with a file, a Sigstore of its own, and its trusted root.
type office struct {
	t   *testing.T
	env engine.Env
	ca  *ca.VirtualSigstore
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, env: blobtest.Env(t.TempDir())}
	var err error
	if o.ca, err = ca.NewVirtualSigstore(); err != nil {
		t.Fatal(err)
	}
	o.write("file", []byte(text))
	o.write("root.json", o.root(o.ca.FulcioCertificateAuthorities()))
	return o
}

func (o *office) write(name string, data []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.env.Dir, name), data, 0o644); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) root(authorities []root.CertificateAuthority) []byte {
	o.t.Helper()
	logs := o.ca.RekorLogs()
	for id, l := range logs {
		raw, err := hex.DecodeString(id)
		if err != nil {
			o.t.Fatal(err)
		}
		l.ID = raw
	}
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01, authorities, nil, o.ca.TimestampingAuthorities(), logs)
	if err != nil {
		o.t.Fatal(err)
	}
	data, err := r.MarshalJSON()
	if err != nil {
		o.t.Fatal(err)
	}
	return data
}

// soon is when a log sees a signature, from now: certificates begin with the second
// in which they are made.
const soon = time.Minute

// signature is the statement of cosign about a text, signed for an identity and
// logged at a time from now, as a bundle.
func (o *office) signature(identity, by, about string, logged time.Duration) *protobundle.Bundle {
	o.t.Helper()
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`,
		strings.TrimPrefix(string(blobtest.Digest([]byte(about))), "sha256:"))
	e, err := o.ca.AttestAtTime(identity, by, []byte(statement), time.Now().Add(logged), true)
	if err != nil {
		o.t.Fatal(err)
	}
	content, err := e.VerificationContent()
	if err != nil {
		o.t.Fatal(err)
	}
	signature, err := e.SignatureContent()
	if err != nil {
		o.t.Fatal(err)
	}
	raw := signature.EnvelopeContent().RawEnvelope()
	sig, err := base64.StdEncoding.DecodeString(raw.Signatures[0].Sig)
	if err != nil {
		o.t.Fatal(err)
	}
	b := &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:                   &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: content.Certificate().Raw}},
			TimestampVerificationData: &protobundle.TimestampVerificationData{},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: []byte(statement), PayloadType: raw.PayloadType, Signatures: []*protodsse.Signature{{Sig: sig}},
		}},
	}
	entries, err := e.TlogEntries()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, entry := range entries {
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, o.promised(entry.TransparencyLogEntry()))
	}
	stamps, err := e.Timestamps()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, s := range stamps {
		b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps = append(b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps,
			&protocommon.RFC3161SignedTimestamp{SignedTimestamp: s})
	}
	return b
}

// promised completes an entry as a log writes it: with its kind, and the promise
// that the log signs.
func (o *office) promised(e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	o.t.Helper()
	var body struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal(e.CanonicalizedBody, &body); err != nil {
		o.t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: body.Kind, Version: body.APIVersion}
	id, err := o.ca.RekorLogID()
	if err != nil {
		o.t.Fatal(err)
	}
	set, err := o.ca.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(e.CanonicalizedBody), IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex, LogID: id,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: set}
	return e
}

func (o *office) verify(b *protobundle.Bundle, with map[string]any) (*schema.Verification, error) {
	o.t.Helper()
	data, err := protojson.Marshal(b)
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("file.sigstore.json", data)
	all := map[string]any{"file": "file", "signatures": "file.sigstore.json"}
	maps.Copy(all, with)
	k := sign.VerifyKind(sign.Options{Certified: func(ctx context.Context, r certified.Request, _ func(string)) (*certified.Answer, error) {
		// As the program does it: through JSON both ways.
		wire, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		var read certified.Request
		if err := json.Unmarshal(wire, &read); err != nil {
			return nil, err
		}
		return keyless.Answer(ctx, read)
	}})
	doc, err := schema.FromValue(all, "with")
	if err != nil {
		o.t.Fatal(err)
	}
	p, err := k.Decode(doc)
	if err != nil {
		o.t.Fatal(err)
	}
	v, err := k.Run(o.t.Context(), o.env, p, nil)
	if v == nil {
		return nil, err
	}
	return v.(*schema.Verification), err
}

func TestVerify(t *testing.T) {
	exact := map[string]any{"certificateIdentity": who, "certificateOidcIssuer": issuer}
	policy := func(more string) string {
		return "kind: TrustPolicy\napiVersion: eidos.nvidia.com/v1alpha1\ntrustedRoot: root.json\nsigners: [{name: ci, identity: " + who + ", issuer: \"" + issuer + "\"}]\n" + more
	}
	now := time.Now()
	refusals := map[string]string{}
	for _, tt := range []struct {
		name   string
		do     func(o *office) *protobundle.Bundle // nil: a good signature
		with   map[string]any
		policy string
		want   string // in the error; "" verifies
	}{
		{"good", nil, exact, "", ""},
		{"good, by expressions", nil, map[string]any{"certificateIdentityRegexp": ".*@example\\.com", "certificateOidcIssuerRegexp": "https://.*"}, "", ""},
		{"good, logged and young", nil, nil, policy("transparency: required\nmaxAge: 1h\n"), ""},
		{"another identity", nil, map[string]any{"certificateIdentity": "other@example.com", "certificateOidcIssuer": issuer}, "",
			"it was signed by release@example.com (SAN type email, issuer https://issuer.example.com), which is not a trusted signer"},
		{"another issuer", nil, map[string]any{"certificateIdentity": who, "certificateOidcIssuer": "https://other.example.com"}, "", "which is not a trusted signer"},
		{"an expression that matches in the middle", func(o *office) *protobundle.Bundle {
			return o.signature("release@example.com.evil.example", issuer, text, soon)
		}, map[string]any{"certificateIdentityRegexp": "release@example\\.com", "certificateOidcIssuer": issuer}, "", "it was signed by release@example.com.evil.example"},
		{"another type of name", nil, nil, strings.Replace(policy(""), "issuer:", "sanType: uri, issuer:", 1), "SAN type email"},
		{"an identity without an issuer", nil, map[string]any{"certificateIdentity": who}, "", "an identity and its issuer are needed"},
		{"about something else", func(o *office) *protobundle.Bundle { return o.signature(who, issuer, "other", soon) }, exact, "", "it is about something else"},
		{"no log entry, and one is required", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, soon)
			b.VerificationMaterial.TlogEntries = nil
			return b
		}, nil, policy("transparency: required\n"), "transparency: the signature of \"file\": found none, the policy requires an entry in a transparency log (policy.yaml:5:15)"},
		{"no log entry, and a timestamp will do", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, soon)
			b.VerificationMaterial.TlogEntries = nil
			return b
		}, nil, policy("maxAge: 1h\n"), ""},
		{"neither log entry nor timestamp", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, soon)
			b.VerificationMaterial.TlogEntries, b.VerificationMaterial.TimestampVerificationData = nil, nil
			return b
		}, exact, "", "not enough verified log entries"},
		{"the log entry of another signature", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, soon)
			b.VerificationMaterial.TlogEntries = o.signature(who, issuer, "other", soon).VerificationMaterial.TlogEntries
			b.VerificationMaterial.TimestampVerificationData = nil
			return b
		}, exact, "", "does not match"},
		{"another's log entry, and a log is required", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, soon)
			b.VerificationMaterial.TlogEntries = o.signature(who, issuer, "other", soon).VerificationMaterial.TlogEntries
			return b
		}, nil, policy("transparency: required\n"), "transparency: "},
		{"logged after the certificate expired", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, time.Hour)
			b.VerificationMaterial.TimestampVerificationData = nil
			return b
		}, exact, "", "integrated time outside certificate validity"},
		{"logged before the certificate was valid", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, -30*time.Minute)
			b.VerificationMaterial.TimestampVerificationData = nil
			return b
		}, exact, "", "integrated time outside certificate validity"},
		{"too old", nil, nil, policy("maxAge: 1ms\n"), "maxAge: "},
		{"an authority that was withdrawn", func(o *office) *protobundle.Bundle {
			was := *o.ca.FulcioCertificateAuthorities()[0].(*root.FulcioCertificateAuthority)
			was.ValidityPeriodEnd = now.Add(-24 * time.Hour)
			o.write("root.json", o.root([]root.CertificateAuthority{&was}))
			return o.signature(who, issuer, text, soon)
		}, exact, "", "leaf certificate verification failed"},
		{"the certificate of another Sigstore", func(o *office) *protobundle.Bundle {
			return newOffice(t).signature(who, issuer, text, soon)
		}, exact, "", "does not hold"},
		{"a payload that was changed", func(o *office) *protobundle.Bundle {
			b := o.signature(who, issuer, text, soon)
			e := proto.Clone(b.GetDsseEnvelope()).(*protodsse.Envelope)
			e.Payload = []byte(strings.Replace(string(e.Payload), "cosign/sign", "cosign/sing", 1))
			b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: e}
			return b
		}, exact, "", "does not hold"},
		{"a trusted root that is not one", func(o *office) *protobundle.Bundle {
			o.write("root.json", []byte(`{"mediaType": "x"}`))
			return o.signature(who, issuer, text, soon)
		}, exact, "", "reading the trusted root"},
		{"no trusted root", func(o *office) *protobundle.Bundle {
			if err := os.Remove(filepath.Join(o.env.Dir, "root.json")); err != nil {
				t.Fatal(err)
			}
			return o.signature(who, issuer, text, soon)
		}, exact, "", "root.json"},
		{"one identity twice", func(o *office) *protobundle.Bundle { return o.signature(who, issuer, text, soon) }, nil,
			strings.Replace(policy("signature: {threshold: 2}\n"), "{name: ci, identity: "+who, "{name: ci, identityRegexp: .*", 1),
			"signature.threshold: the signature of \"file\": found 1 (ci (release@example.com, issuer https://issuer.example.com))"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t)
			b := (*protobundle.Bundle)(nil)
			if tt.do != nil {
				b = tt.do(o)
			} else {
				b = o.signature(who, issuer, text, soon)
			}
			with := map[string]any{}
			maps.Copy(with, tt.with)
			if tt.policy != "" {
				o.write("policy.yaml", []byte(tt.policy))
				with["policy"] = "policy.yaml"
			} else {
				with["trustedRoot"] = "root.json"
			}
			v, err := o.verify(b, with)
			if tt.want == "" {
				if err != nil || !v.Verified || len(v.Signers) != 1 || !slices.Contains([]string{"ci (" + who + ", issuer " + issuer + ")", who + " (issuer " + issuer + ")"}, v.Signers[0]) {
					t.Fatalf("%+v, %v", v, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || v != nil && v.Verified {
				t.Errorf("%+v\nerror %v\nhas no %q", v, err, tt.want)
				return
			}
			refusals[tt.name] = o.same(err.Error())
		})
	}
	sameRefusals(t, refusals)
}

// varying matches what differs between two runs of the tests: times and digests.
var varying = regexp.MustCompile(`[0-9a-f]{40,}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*( [+-]\d{4} [A-Z]+)?( m=\S+)?|\b\d[\d.]*(h|m|s|ms|µs)[\d.hmsµ]*\b`)

// same is a message without what differs between two runs.
func (o *office) same(message string) string {
	return varying.ReplaceAllString(strings.ReplaceAll(message, o.env.Dir, "DIR"), "…")
}

// sameRefusals compares the whole message of each refusal with those that are kept.
func sameRefusals(t *testing.T, refusals map[string]string) {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		fmt.Fprintf(&b, "%s:\n    %s\n", name, strings.ReplaceAll(refusals[name], "\n", "\n    "))
	}
	golden := filepath.Join("testdata", "refusals.txt")
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the messages are\n%s\nand were\n%s", b.String(), want)
	}
}
