package sign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// Annotations that cosign reads.
const (
	contentAnnotation   = "dev.sigstore.bundle.content"
	predicateAnnotation = "dev.sigstore.bundle.predicateType"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// attempts is how often an entry is written that the registry does not list
// afterwards, because somebody else wrote at the same time.
const attempts = 5

// unmixed refuses to put both formats on one digest: cosign's
// verify-attestation then fails, whichever it looks for.
func (t *target) unmixed(format string) error {
	if t.unread != nil {
		return t.unread
	}
	has := "bundle"
	if format == "bundle" {
		has = "legacy"
	}
	found := false
	if has == "bundle" {
		found = slices.ContainsFunc(t.referrers, isBundle)
	} else {
		found = t.legacy
	}
	if !found {
		return nil
	}
	return schema.Errorf(schema.Invalid, "%q has signatures in the %s format already", t.repo.At(t.digest()), has).
		WithHint("sign with format %s; cosign cannot verify a digest that has both", has)
}

func isBundle(d v1.Descriptor) bool { return d.ArtifactType == bundleType }

// sign attaches a signature and returns the digest of the manifest that
// carries it.
func (t *target) sign(ctx context.Context, s *signer, format string) (schema.Digest, error) {
	if format == "legacy" {
		return t.signLegacy(ctx, s)
	}
	st, err := signatureStatement(ofDigest(t.digest()))
	if err != nil {
		return "", err
	}
	return t.attach(ctx, s, signaturePredicate, st)
}

// attest attaches a statement with a predicate, and returns the digest of the
// manifest that carries it.
func (t *target) attest(ctx context.Context, s *signer, format, predicate string, statement []byte) (schema.Digest, error) {
	if format == "legacy" {
		return t.attestLegacy(ctx, s, predicate, statement)
	}
	return t.attach(ctx, s, predicate, statement)
}

// attach writes a signed statement as a referrer, unless it is there.
func (t *target) attach(ctx context.Context, s *signer, predicate string, statement []byte) (schema.Digest, error) {
	data, err := seal(s, statement)
	if err != nil {
		return "", err
	}
	layer, err := t.repo.PutBlob(ctx, data, bundleType)
	if err != nil {
		return "", err
	}
	if err := t.repo.PutEmptyConfig(ctx); err != nil {
		return "", err
	}
	m := oci.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: bundleType,
		Config: oci.EmptyConfig(), Layers: []v1.Descriptor{layer}, Subject: &t.desc,
		Annotations: map[string]string{contentAnnotation: "dsse-envelope", predicateAnnotation: predicate},
	}
	for range attempts {
		desc, err := t.repo.PutManifest(ctx, m, string(types.OCIManifestSchema1), "")
		if err != nil {
			return "", err
		}
		t.referrers, _, err = t.repo.Referrers(ctx, t.digest())
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(t.referrers, func(d v1.Descriptor) bool { return d.Digest == desc.Digest }) {
			return schema.Digest(desc.Digest.String()), nil
		}
	}
	return "", schema.Errorf(schema.Unavailable, "signing %q: the registry does not list the signature", t.repo.At(t.digest())).
		WithHint("others write to the same digest and the registry has no referrers API; try again")
}

// legacyTag is where cosign 2 keeps signatures (sig) and attestations (att).
func legacyTag(d schema.Digest, suffix string) string {
	return strings.Replace(string(d), ":", "-", 1) + "." + suffix
}

// simpleSigning is the payload of a signature in the older format, see
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md.
type simpleSigning struct {
	Critical struct {
		Identity struct {
			DockerReference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			DockerManifestDigest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]any `json:"optional"`
}

const simpleSigningType = "cosign container image signature"

func (t *target) signLegacy(ctx context.Context, s *signer) (schema.Digest, error) {
	var p simpleSigning
	p.Critical.Identity.DockerReference, _, _ = strings.Cut(t.repo.At(""), "@")
	p.Critical.Image.DockerManifestDigest = string(t.digest())
	p.Critical.Type = simpleSigningType
	payload, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	sig, err := s.sign(payload)
	if err != nil {
		return "", err
	}
	return t.attachLegacy(ctx, "sig", payload, ctypes.SimpleSigningMediaType, map[string]string{
		signatureAnnotation: base64.StdEncoding.EncodeToString(sig),
	})
}

func (t *target) attestLegacy(ctx context.Context, s *signer, predicate string, statement []byte) (schema.Digest, error) {
	data, err := sealLegacy(s, statement)
	if err != nil {
		return "", err
	}
	return t.attachLegacy(ctx, "att", data, ctypes.DssePayloadType, map[string]string{
		signatureAnnotation: "", "predicateType": predicate,
	})
}

// attachLegacy adds a layer to the manifest under a tag, unless it is there.
func (t *target) attachLegacy(ctx context.Context, suffix string, data []byte, mediaType string, annotations map[string]string) (schema.Digest, error) {
	tag := legacyTag(t.digest(), suffix)
	layer, err := t.repo.PutBlob(ctx, data, mediaType)
	if err != nil {
		return "", err
	}
	layer.Annotations = annotations
	for range attempts {
		layers, desc, err := t.readLegacy(ctx, tag)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(layers, func(l v1.Descriptor) bool { return l.Digest == layer.Digest && maps.Equal(l.Annotations, annotations) }) {
			return schema.Digest(desc.Digest.String()), nil
		}
		if err := t.writeLegacy(ctx, tag, append(layers, layer)); err != nil {
			return "", err
		}
	}
	return "", schema.Errorf(schema.Unavailable, "signing %q: the registry does not keep the signature", t.repo.At(t.digest())).
		WithHint("others write to the same tag; try again")
}
