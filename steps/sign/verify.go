package sign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

const (
	// maxEnvelope is the most bytes a bundle or an envelope may have.
	maxEnvelope = 16 << 20
	// maxAttached is how many signatures and attestations are looked at once one
	// is good; until then maxSearched: others, which anybody who may push can
	// attach, must not hide it.
	maxAttached = 1000
	maxSearched = 10_000
	// maxDown is how many of them may fail because the registry does not answer.
	maxDown = 5
	// maxNotes is the most log lines about what could not be read.
	maxNotes = 10
)

// claim is one thing that is attached to a digest, and what became of it.
type claim struct {
	predicate string // of the statement if it holds, else as it is announced
	where     string // digest of the manifest that carries it, or line of a file
	err       error  // why it proves nothing
	proof
	statement *statement // nil for a signature in the legacy format
}

// signs reports whether the claim is a good signature.
func (c *claim) signs() bool { return c.err == nil && c.predicate == signaturePredicate }

// claims reads everything that is attached to the target and checks it with
// the key, and returns why it could not read the rest: anybody who may push can
// attach something unreadable, which must not hide what is good. An error means
// that ctx is done.
func (t *target) claims(ctx context.Context, v *trust) (claims []claim, unread []error, err error) {
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
	good := false
	enough := func(i int) bool { return i >= maxAttached && (good || i >= maxSearched) }
	bundles := t.bundles()
	for i, d := range bundles {
		if enough(i) {
			unread = append(unread, schema.Errorf(schema.Invalid, "%q has %d signatures and attestations; only %d were read", t.repo.At(t.digest()), len(bundles), i).
				WithHint("remove those that are not needed"))
			break
		}
		c, err := t.readBundle(ctx, v, d)
		if err != nil {
			if failed(err) {
				return claims, unread, ctx.Err()
			}
			continue
		}
		if c != nil {
			claims = append(claims, *c)
			good = good || c.signs()
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
		for i, l := range layers {
			if enough(i) {
				unread = append(unread, schema.Errorf(schema.Invalid, "%q has %d signatures in the legacy format; only %d were read", t.repo.At(t.digest()), len(layers), i))
				break
			}
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
				_, c.proof, c.err = v.byKey(func(v *verifier) (*statement, error) {
					return nil, checkSimple(v, data, l.Annotations[signatureAnnotation], t.digest())
				})
			} else {
				st, by, err := v.byKey(func(v *verifier) (*statement, error) { return openLegacy(v, data) })
				c.settle(st, by, err, ofDigest(t.digest()))
			}
			claims = append(claims, c)
			good = good || c.signs()
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
func (t *target) readBundle(ctx context.Context, v *trust, d v1.Descriptor) (*claim, error) {
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
	st, by, err := v.open(ctx, data)
	c.settle(st, by, err, ofDigest(t.digest()))
	return c, nil
}

// settle notes what a statement, if it could be opened, states of an artefact.
func (c *claim) settle(st *statement, by proof, err error, want []subject) {
	switch {
	case err != nil:
		c.err = err
	case !about(st, want):
		c.err = errors.New("it is about something else")
		c.predicate = st.PredicateType
	default:
		c.predicate, c.statement, c.proof = st.PredicateType, st, by
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

// noted logs what could not be read.
func noted(log func(string, ...any), warnings []string, unread []error) {
	notes := slices.Clone(warnings)
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
}
