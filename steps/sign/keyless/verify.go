package keyless

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgverify "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// Answer fulfils a request. Unsatisfied if a bundle does not prove anything.
func Answer(ctx context.Context, r certified.Request) (*certified.Answer, error) {
	switch {
	case r.Verify != nil:
		return verify(r.Verify)
	case r.Sign != nil:
		return sign(ctx, r.Sign)
	case r.Update != nil:
		return update(ctx, r.Update)
	}
	return nil, schema.Errorf(schema.Invalid, "the request asks for nothing")
}

func verify(r *certified.Verify) (*certified.Answer, error) {
	b := &bundle.Bundle{}
	if err := b.UnmarshalJSON(r.Bundle); err != nil {
		return nil, schema.Errorf(schema.Unsatisfied, "it is not a Sigstore bundle: %w", err)
	}
	trusted, err := root.NewTrustedRootFromJSON(r.TrustedRoot)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading the trusted root: %w", err)
	}
	var material root.TrustedMaterial = trusted
	who := sgverify.WithoutIdentitiesUnsafe() // eidos compares identities
	if r.Key != nil {
		key, err := x509.ParsePKIXPublicKey(r.Key)
		if err != nil {
			return nil, err
		}
		v, err := signature.LoadVerifier(key, crypto.SHA256)
		if err != nil {
			return nil, err
		}
		expiring := root.NewExpiringKey(v, time.Time{}, time.Time{})
		material = root.TrustedMaterialCollection{trusted, root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return expiring, nil })}
		who = sgverify.WithKey()
	}
	a, err := proven(b, material, who, r.Key == nil && len(trusted.CTLogs()) > 0, true)
	if err != nil {
		// Without a log, a timestamp authority may still vouch for the time.
		var unlogged error
		if a, unlogged = proven(b, material, who, r.Key == nil && len(trusted.CTLogs()) > 0, false); unlogged != nil {
			return nil, schema.Errorf(schema.Unsatisfied, "%w", err)
		}
	}
	return a, nil
}

// proven verifies a bundle, with the entry of a transparency log or with a
// signed timestamp alone.
func proven(b *bundle.Bundle, material root.TrustedMaterial, who sgverify.PolicyOption, sct, logged bool) (*certified.Answer, error) {
	options := []sgverify.VerifierOption{sgverify.WithSignedTimestamps(1)}
	if logged {
		options = []sgverify.VerifierOption{sgverify.WithTransparencyLog(1), sgverify.WithObserverTimestamps(1)}
	}
	if sct {
		options = append(options, sgverify.WithSignedCertificateTimestamps(1))
	}
	v, err := sgverify.NewVerifier(material, options...)
	if err != nil {
		return nil, err
	}
	// eidos compares the subjects of the statement.
	result, err := v.Verify(b, sgverify.NewPolicy(sgverify.WithoutArtifactUnsafe(), who))
	if err != nil {
		return nil, err
	}
	a := &certified.Answer{Logged: logged}
	for _, t := range result.VerifiedTimestamps {
		if a.At.IsZero() || t.Timestamp.Before(a.At) {
			a.At = t.Timestamp.UTC()
		}
	}
	envelope := b.GetDsseEnvelope()
	if envelope == nil {
		return nil, schema.Errorf(schema.Unsatisfied, "it holds no statement: it is a signature of a file's bytes")
	}
	a.Payload, a.PayloadType = envelope.GetPayload(), envelope.GetPayloadType()
	if result.Signature == nil || result.Signature.Certificate == nil {
		return a, nil
	}
	a.Identity, a.Issuer = result.Signature.Certificate.SubjectAlternativeName, result.Signature.Certificate.Issuer
	content, err := b.VerificationContent()
	if err != nil {
		return nil, err
	}
	return a, describe(a, content.Certificate())
}

// describe adds the sort of a certificate's name and its key.
func describe(a *certified.Answer, c *x509.Certificate) error {
	switch {
	case len(c.URIs) > 0:
		a.SANType = "uri"
	case len(c.EmailAddresses) > 0:
		a.SANType = "email"
	case len(c.DNSNames) > 0:
		a.SANType = "dns"
	default:
		a.SANType = "other"
	}
	var err error
	a.Key, err = x509.MarshalPKIXPublicKey(c.PublicKey)
	return err
}
