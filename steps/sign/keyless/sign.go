package keyless

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// patience is how long one request to a service may take.
const patience = 30 * time.Second

// sign makes a key for this one signature, has Fulcio certify it for the token,
// and has the log and the timestamp authority of the signing configuration record
// the signature.
func sign(ctx context.Context, r *certified.Sign) (*certified.Answer, error) {
	config, err := root.NewSigningConfigFromJSON(r.SigningConfig)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading the signing configuration: %w", err)
	}
	identity, err := token(ctx, r, config)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	fulcio, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sgsign.FulcioAPIVersions, now)
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "the signing configuration has no Fulcio that can be used: %w", err)
	}
	options := sgsign.BundleOptions{
		Context:                    ctx,
		CertificateProvider:        sgsign.NewFulcio(&sgsign.FulcioOptions{BaseURL: fulcio.URL, Timeout: patience, Retries: 4}),
		CertificateProviderOptions: &sgsign.CertificateProviderOptions{IDToken: identity},
	}
	if len(config.RekorLogURLs()) > 0 {
		logs, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sgsign.RekorAPIVersions, now)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "the signing configuration has no log that can be used: %w", err)
		}
		for _, l := range logs {
			options.TransparencyLogs = append(options.TransparencyLogs, sgsign.NewRekor(&sgsign.RekorOptions{
				BaseURL: l.URL, Timeout: 3 * patience, Retries: 4, Version: l.MajorAPIVersion,
			}))
		}
	}
	if len(config.TimestampAuthorityURLs()) > 0 {
		authorities, err := root.SelectServices(config.TimestampAuthorityURLs(), config.TimestampAuthorityURLsConfig(), sgsign.TimestampAuthorityAPIVersions, now)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "the signing configuration has no timestamp authority that can be used: %w", err)
		}
		for _, a := range authorities {
			options.TimestampAuthorities = append(options.TimestampAuthorities, sgsign.NewTimestampAuthority(&sgsign.TimestampAuthorityOptions{
				URL: a.URL, Timeout: patience, Retries: 4,
			}))
		}
	}
	if r.TrustedRoot != nil {
		if options.TrustedRoot, err = root.NewTrustedRootFromJSON(r.TrustedRoot); err != nil {
			return nil, schema.Errorf(schema.Invalid, "reading the trusted root: %w", err)
		}
	}
	key, err := sgsign.NewEphemeralKeypair(nil)
	if err != nil {
		return nil, err
	}
	b, err := sgsign.Bundle(&sgsign.DSSEData{Data: r.Payload, PayloadType: r.PayloadType}, key, options)
	if err != nil {
		return nil, schema.Errorf(schema.Unavailable, "signing with a certificate of %s: %w", fulcio.URL, err)
	}
	a := &certified.Answer{}
	if a.Bundle, err = protojson.Marshal(b); err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(b.GetVerificationMaterial().GetCertificate().GetRawBytes())
	if err != nil {
		return nil, err
	}
	return a, describe(a, c)
}
