package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/intoto"
)

var someDigest = schema.Digest("sha256:" + strings.Repeat("a", 64))

func newSigner(t testing.TB, key crypto.Signer, err error) (*signer, *verifier) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err := localSigner("k", key)
	if err != nil {
		t.Fatal(err)
	}
	v, err := newVerifier("k", key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func ecKey(t testing.TB, c elliptic.Curve) (*signer, *verifier) {
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	return newSigner(t, key, err)
}

func signed(t testing.TB, s *signer) []byte {
	t.Helper()
	st, err := signatureStatement(ofDigest(someDigest))
	if err != nil {
		t.Fatal(err)
	}
	data, err := seal(s, st)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSealAndOpen(t *testing.T) {
	keys := map[string]func() (*signer, *verifier){
		"P-256": func() (*signer, *verifier) { return ecKey(t, elliptic.P256()) },
		"P-384": func() (*signer, *verifier) { return ecKey(t, elliptic.P384()) },
		"P-521": func() (*signer, *verifier) { return ecKey(t, elliptic.P521()) },
		"Ed25519": func() (*signer, *verifier) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			return newSigner(t, key, err)
		},
		"RSA": func() (*signer, *verifier) {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			return newSigner(t, key, err)
		},
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			s, v := key()
			data := signed(t, s)
			st, err := open(v, data)
			if err != nil {
				t.Fatal(err)
			}
			if st.PredicateType != signaturePredicate || !about(st, ofDigest(someDigest)) {
				t.Errorf("statement %+v", st)
			}
			if again := signed(t, s); string(again) != string(data) {
				t.Error("signing again gives another signature")
			}
			_, other := ecKey(t, elliptic.P256())
			if _, err := open(other, data); !errors.Is(err, errOtherKey) {
				t.Errorf("another key: %v", err)
			}
		})
	}
}

// Whatever is changed in a bundle, it no longer proves anything.
func TestOpenRefuses(t *testing.T) {
	s, v := ecKey(t, elliptic.P256())
	type object = map[string]any
	resign := func(payload, payloadType string) func(object) {
		return func(b object) {
			sig, err := s.sign(dsse.PAE(payloadType, []byte(payload)))
			if err != nil {
				t.Fatal(err)
			}
			b["dsseEnvelope"] = object{"payload": []byte(payload), "payloadType": payloadType, "signatures": []any{object{"sig": sig}}}
		}
	}
	envelope := func(b object) object { return b["dsseEnvelope"].(object) }
	for name, tt := range map[string]struct {
		change func(object)
		want   error
		text   string
	}{
		"payload":          {func(b object) { envelope(b)["payload"] = []byte(`{"_type":"x"}`) }, errOtherKey, ""},
		"payload type":     {func(b object) { envelope(b)["payloadType"] = "text/plain" }, errOtherKey, ""},
		"signature":        {func(b object) { envelope(b)["signatures"] = []any{object{"sig": []byte("x")}} }, errOtherKey, ""},
		"empty signature":  {func(b object) { envelope(b)["signatures"] = []any{object{}} }, errOtherKey, ""},
		"no signature":     {func(b object) { envelope(b)["signatures"] = []any{} }, errMalformed, "0 signatures, not one"},
		"two signatures":   {func(b object) { envelope(b)["signatures"] = []any{object{}, object{}} }, errMalformed, "2 signatures, not one"},
		"no envelope":      {func(b object) { delete(b, "dsseEnvelope") }, errMalformed, "no DSSE envelope"},
		"another version":  {func(b object) { b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1" }, errMalformed, "not a Sigstore bundle v0.3"},
		"signed text":      {resign("hello", "text/plain"), errMalformed, "not an in-toto statement"},
		"signed nonsense":  {resign("hello", "application/vnd.in-toto+json"), errMalformed, "not JSON"},
		"signed other doc": {resign(`{"_type":"https://example.com"}`, "application/vnd.in-toto+json"), errMalformed, `a "https://example.com"`},
	} {
		t.Run(name, func(t *testing.T) {
			var b object
			if err := json.Unmarshal(signed(t, s), &b); err != nil {
				t.Fatal(err)
			}
			tt.change(b)
			data, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			st, err := open(v, data)
			if st != nil || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%+v, %v; want %v", st, err, tt.want)
			}
		})
	}
	if _, err := open(v, []byte("{")); !errors.Is(err, errMalformed) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestAbout(t *testing.T) {
	for name, tt := range map[string]struct {
		subjects []subject
		want     bool
	}{
		"none":     {nil, false},
		"this":     {[]subject{{Digest: intoto.DigestSet(someDigest)}}, true},
		"second":   {[]subject{{Digest: map[string]string{"sha256": "b"}}, {Digest: intoto.DigestSet(someDigest)}}, true},
		"another":  {[]subject{{Digest: map[string]string{"sha256": strings.Repeat("b", 64)}}}, false},
		"other":    {[]subject{{Digest: map[string]string{"sha512": strings.Repeat("a", 64)}}}, false},
		"named so": {[]subject{{Name: string(someDigest)}}, false},
	} {
		if got := about(&statement{Subject: tt.subjects}, ofDigest(someDigest)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s, v := ecKey(f, elliptic.P256())
	good := signed(f, s)
	legacy, err := sealLegacy(s, []byte(`{}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(legacy)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, open := range []func(*verifier, []byte) (*statement, error){open, openLegacy} {
			st, err := open(v, data)
			if (st == nil) == (err == nil) {
				t.Fatalf("%+v with %v", st, err)
			}
			// Only what this key signed opens: the one statement, however it is
			// wrapped.
			if st != nil && (st.PredicateType != signaturePredicate || !about(st, ofDigest(someDigest))) {
				t.Fatalf("opened %+v", st)
			}
		}
	})
}
