package sign

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/types"

	"github.com/NVIDIA/eidos/schema"
)

// bundleType is the media type of a Sigstore bundle v0.3.
const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// sigstoreBundle is the part of a Sigstore bundle that a signature with a key
// has, see https://github.com/sigstore/protobuf-specs
// (protos/sigstore_bundle.proto), in its JSON form. Bytes are base64.
type sigstoreBundle struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey *struct {
			Hint string `json:"hint"`
		} `json:"publicKey,omitempty"`
		Certificate json.RawMessage   `json:"certificate,omitempty"`
		Entries     []json.RawMessage `json:"tlogEntries,omitempty"`
		Timestamps  json.RawMessage   `json:"timestampVerificationData,omitempty"`
		Chain       json.RawMessage   `json:"x509CertificateChain,omitempty"`
	} `json:"verificationMaterial"`
	DSSEEnvelope *struct {
		Payload     []byte          `json:"payload"`
		PayloadType string          `json:"payloadType"`
		Signatures  []dsseSignature `json:"signatures"`
	} `json:"dsseEnvelope,omitempty"`
}

type dsseSignature struct {
	Sig   []byte `json:"sig"`
	KeyID string `json:"keyid,omitempty"`
}

// seal signs a statement and returns the Sigstore bundle.
func seal(s *signer, statement []byte) ([]byte, error) {
	if s.sealed != nil {
		return s.sealed(statement)
	}
	v, err := newVerifier("", s.public)
	if err != nil {
		return nil, err
	}
	sig, err := s.sign(dsse.PAE(types.IntotoPayloadType, statement))
	if err != nil {
		return nil, err
	}
	b := map[string]any{
		"mediaType":            bundleType,
		"verificationMaterial": map[string]any{"publicKey": map[string]string{"hint": v.hint()}},
		"dsseEnvelope": map[string]any{
			"payload": statement, "payloadType": types.IntotoPayloadType,
			"signatures": []dsseSignature{{Sig: sig}},
		},
	}
	return json.Marshal(b)
}

// sealLegacy signs a statement and returns the bare envelope.
func sealLegacy(s *signer, statement []byte) ([]byte, error) {
	sig, err := s.sign(dsse.PAE(types.IntotoPayloadType, statement))
	if err != nil {
		return nil, err
	}
	return json.Marshal(dsse.Envelope{
		PayloadType: types.IntotoPayloadType,
		Payload:     base64.StdEncoding.EncodeToString(statement),
		Signatures:  []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
}

// Reasons for which an envelope proves nothing.
var (
	errOtherKey  = errors.New("it was signed with another key, or changed since")
	errMalformed = errors.New("it is malformed")
)

// hasCertificate reports whether a bundle was signed with a key that a
// certificate vouches for, and not with one that is known.
func hasCertificate(data []byte) bool {
	var b sigstoreBundle
	if json.Unmarshal(data, &b) != nil {
		return false
	}
	m := b.VerificationMaterial
	return m.PublicKey == nil && (len(m.Certificate) > 0 || len(m.Chain) > 0)
}

// hasWitness reports whether a bundle has an entry of a log or a timestamp.
func hasWitness(data []byte) bool {
	var b sigstoreBundle
	if json.Unmarshal(data, &b) != nil {
		return false
	}
	return len(b.VerificationMaterial.Entries) > 0 || len(b.VerificationMaterial.Timestamps) > 0
}

// open returns the statement in a Sigstore bundle if v's key signed it.
func open(v *verifier, data []byte) (*statement, error) {
	var b sigstoreBundle
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, schema.PlainJSON(err))
	}
	switch {
	case b.MediaType != bundleType:
		return nil, fmt.Errorf("%w: it is a %q, not a Sigstore bundle v0.3", errMalformed, b.MediaType)
	case b.DSSEEnvelope == nil:
		return nil, fmt.Errorf("%w: it holds no DSSE envelope", errMalformed)
	case len(b.DSSEEnvelope.Signatures) != 1: // as the specification demands
		return nil, fmt.Errorf("%w: it has %d signatures, not one", errMalformed, len(b.DSSEEnvelope.Signatures))
	}
	return check(v, b.DSSEEnvelope.PayloadType, b.DSSEEnvelope.Payload, b.DSSEEnvelope.Signatures[0].Sig)
}

// openLegacy is open for a bare envelope, which may have several signatures.
func openLegacy(v *verifier, data []byte) (*statement, error) {
	var e dsse.Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, schema.PlainJSON(err))
	}
	payload, err := e.DecodeB64Payload()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	for _, s := range e.Signatures {
		sig, err := base64.StdEncoding.DecodeString(s.Sig)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errMalformed, err)
		}
		if st, err := check(v, e.PayloadType, payload, sig); err == nil || !errors.Is(err, errOtherKey) {
			return st, err
		}
	}
	return nil, errOtherKey
}

// check looks into a payload only once its signature holds.
func check(v *verifier, payloadType string, payload, sig []byte) (*statement, error) {
	if !v.verify(dsse.PAE(payloadType, payload), sig) {
		return nil, errOtherKey
	}
	if payloadType != types.IntotoPayloadType {
		return nil, fmt.Errorf("%w: its payload is a %q, not an in-toto statement", errMalformed, payloadType)
	}
	return parseStatement(payload)
}
