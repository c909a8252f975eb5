package sign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

const (
	// maxEnvelope is the most bytes a bundle or an envelope may have.
	maxEnvelope = 16 << 20
	// maxAttached is the most signatures and attestations that are looked at.
	maxAttached = 1000
	// maxDown is how many of them may fail because the registry does not answer.
	maxDown = 5
	// maxNotes is the most log lines about what could not be read.
	maxNotes = 10
)

// claim is one thing that is attached to a digest, and what became of it.
type claim struct {
	predicate string // of the statement if it holds, else as it is announced
	where     string // digest of the manifest that carries it
	err       error  // why it proves nothing
}

// claims reads everything that is attached to the target and checks it with
// the key, and returns why it could not read the rest: anybody who may push can
// attach something unreadable, which must not hide what is good. An error means
// that ctx is done.
func (t *target) claims(ctx context.Context, v *verifier) (claims []claim, unread []error, err error) {
	down := 0 // times that the registry did not answer
	failed := func(err error) (stop bool) {
		unread = append(unread, err)
		if c := schema.CodeOf(err); c == schema.Unavailable || c == schema.Timeout {
			down++
		}
		return down == maxDown || ctx.Err() != nil
	}
	if t.unread != nil && failed(t.unread) {
		return nil, unread, ctx.Err()
	}
	bundles := t.bundles()
	if n := len(bundles); n > maxAttached {
		bundles = bundles[:maxAttached]
		unread = append(unread, schema.Errorf(schema.Invalid, "%q has %d signatures and attestations; only %d were read", t.repo.At(t.digest()), n, maxAttached).
			WithHint("remove those that are not needed"))
	}
	for _, d := range bundles {
		c, err := t.readBundle(ctx, v, d)
		if err != nil {
			if failed(err) {
				return claims, unread, ctx.Err()
			}
			continue
		}
		if c != nil {
			claims = append(claims, *c)
		}
	}
	if !t.legacy {
		return claims, unread, nil
	}
	for _, suffix := range []string{"sig", "att"} {
		layers, desc, err := t.readLegacy(ctx, legacyTag(t.digest(), suffix))
		if err != nil && failed(err) {
			return claims, unread, ctx.Err()
		}
		if n := len(layers); n > maxAttached {
			layers = layers[:maxAttached]
			unread = append(unread, schema.Errorf(schema.Invalid, "%q has %d signatures in the legacy format; only %d were read", t.repo.At(t.digest()), n, maxAttached))
		}
		for _, l := range layers {
			data, err := t.repo.Blob(ctx, l, maxEnvelope)
			if err != nil {
				if failed(err) {
					return claims, unread, ctx.Err()
				}
				continue
			}
			c := claim{predicate: l.Annotations["predicateType"], where: desc.Digest.String()}
			if suffix == "sig" {
				c.predicate = signaturePredicate
				c.err = checkSimple(v, data, l.Annotations[signatureAnnotation], t.digest())
			} else {
				st, err := openLegacy(v, data)
				c.settle(st, err, t.digest())
			}
			claims = append(claims, c)
		}
	}
	return claims, unread, nil
}

// bundles returns the referrers that are Sigstore bundles, and after them those
// without a type, which may be: registries without the referrers API may leave it
// out.
func (t *target) bundles() []v1.Descriptor {
	var out, untyped []v1.Descriptor
	for _, d := range t.referrers {
		switch {
		case isBundle(d):
			out = append(out, d)
		case d.ArtifactType == "":
			untyped = append(untyped, d)
		}
	}
	return append(out, untyped...)
}

// readBundle reads one referrer; nil if it is no Sigstore bundle.
func (t *target) readBundle(ctx context.Context, v *verifier, d v1.Descriptor) (*claim, error) {
	raw, err := t.repo.Manifest(ctx, schema.Digest(d.Digest.String()), d.Size)
	if err != nil {
		return nil, err
	}
	c := &claim{where: d.Digest.String()}
	var m oci.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		c.err = fmt.Errorf("%w: its manifest is not JSON", errMalformed)
		return c, nil
	}
	if m.ArtifactType != bundleType && (len(m.Layers) != 1 || m.Layers[0].MediaType != bundleType) {
		return nil, nil
	}
	c.predicate = m.Annotations[predicateAnnotation]
	if len(m.Layers) != 1 || m.Layers[0].Size > maxEnvelope {
		c.err = fmt.Errorf("%w: it has not one layer of reasonable size", errMalformed)
		return c, nil
	}
	data, err := t.repo.Blob(ctx, m.Layers[0], maxEnvelope)
	if err != nil {
		return nil, err
	}
	st, err := open(v, data)
	c.settle(st, err, t.digest())
	return c, nil
}

// settle notes what a statement, if it could be opened, says of d.
func (c *claim) settle(st *statement, err error, d schema.Digest) {
	switch {
	case err != nil:
		c.err = err
	case !st.about(d):
		c.err = errors.New("it is about something else")
		c.predicate = st.PredicateType
	default:
		c.predicate = st.PredicateType
	}
}

// checkSimple checks a signature in the older format.
func checkSimple(v *verifier, payload []byte, sig string, d schema.Digest) error {
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		return fmt.Errorf("%w: its signature is not base64", errMalformed)
	}
	if !v.verify(payload, raw) {
		return errOtherKey
	}
	var p simpleSigning
	if err := json.Unmarshal(payload, &p); err != nil || p.Critical.Type != simpleSigningType {
		return fmt.Errorf("%w: it signs something of another type", errMalformed)
	}
	if p.Critical.Image.DockerManifestDigest != string(d) {
		return errors.New("it is about something else")
	}
	return nil
}

// judge says of one predicate type whether any claim proves it.
func judge(claims []claim, predicate string) schema.VerificationCheck {
	name, none := "attestation "+predicate, "not attested"
	if predicate == signaturePredicate {
		name, none = "signature", "not signed"
	}
	check := schema.VerificationCheck{Name: name, Detail: none}
	for _, c := range claims {
		if c.err == nil && c.predicate == predicate {
			return schema.VerificationCheck{Name: name, Passed: true, Detail: c.where}
		}
		if c.predicate == predicate || c.predicate == "" {
			check.Detail = fmt.Sprintf("%s: %v", c.where, c.err)
		}
	}
	return check
}

// verifyImage proves that a digest is signed with the key, and that each of
// the predicate types is attested with it. What could not be read is logged, and
// is an error too if something is not proven.
func verifyImage(ctx context.Context, t *target, v *verifier, attestations []string, log func(string, ...any)) (*schema.Verification, error) {
	claims, unread, err := t.claims(ctx, v)
	if err != nil {
		return nil, err
	}
	notes := slices.Clone(t.warnings)
	for _, err := range unread {
		notes = append(notes, err.Error())
	}
	for i, n := range notes {
		if i == maxNotes {
			log("warning: … and %d more that could not be read", len(notes)-maxNotes)
			break
		}
		log("warning: %s", n)
	}
	out := &schema.Verification{
		Kind: "Verification", APIVersion: schema.APIVersion,
		Subject: t.repo.At(t.digest()), Digest: t.digest(), Verified: true,
	}
	wanted := append([]string{signaturePredicate}, attestations...)
	sort.Strings(wanted[1:])
	for _, p := range slices.Compact(wanted) {
		c := judge(claims, p)
		out.Checks = append(out.Checks, c)
		out.Verified = out.Verified && c.Passed
	}
	if out.Verified {
		return out, nil
	}
	if len(claims) == 0 && len(unread) > 0 {
		return out, schema.Join(unread) // nobody knows whether it is signed
	}
	return out, schema.Join(append(unread, t.verdict(out, claims)))
}

// verdict is the error for what did not pass: NotFound when nothing of the
// sort is attached, Unsatisfied when it is there and does not hold.
func (t *target) verdict(v *schema.Verification, claims []claim) error {
	var errs []error
	for _, c := range v.Checks {
		if c.Passed {
			continue
		}
		if c.Detail == "not signed" || c.Detail == "not attested" {
			e := schema.Errorf(schema.NotFound, "%q has no %s", v.Subject, c.Name)
			if len(claims) == 0 {
				e = e.WithHint("nothing is attached to this digest: was it signed, and was the signature copied with it? (oras cp -r copies both)")
			} else {
				e = e.WithHint("%d other signed statement(s) are attached to it", len(claims))
			}
			errs = append(errs, e)
			continue
		}
		errs = append(errs, schema.Errorf(schema.Unsatisfied, "the %s of %q does not hold: %s", c.Name, v.Subject, c.Detail).
			WithHint("is it the right public key? if so, do not use this artefact"))
	}
	return schema.Join(errs)
}
