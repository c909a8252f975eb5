package sign

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/retry"
)

// Inputs of sign: one of image and bundle, or neither for a file. With the recipe
// and the snapshot, an attestation names them.
type inputs struct {
	Image    *schema.Reference    `in:"image,optional"`
	Bundle   *schema.Bundle       `in:"bundle,optional"`
	Recipe   *schema.RecipeResult `in:"recipe,optional"`
	Snapshot *schema.Snapshot     `in:"snapshot,optional"`
}

// Kinds are the steps that sign, attest and verify.
func Kinds(o Options) []engine.Kind {
	w := &writer{Options: o} // one, so that each key is decrypted once
	return []engine.Kind{
		engine.Define(engine.Spec{
			Name: "sign", Doc: "sign a pushed artefact by digest, a bundle or a file", Version: 1, Effect: true,
		}, w.sign),
		engine.Define(engine.Spec{
			Name: "attest", Doc: "attest a predicate of a pushed artefact, a bundle or a file", Version: 1, Effect: true,
		}, w.attestAny),
		VerifyKind(o),
	}
}

// Kind is the step that signs.
func Kind(o Options) engine.Kind { return Kinds(o)[0] }

// writer signs. It is safe for concurrent use.
type writer struct {
	Options
	keys  keyring
	repos serial
}

// statement to be signed.
type stated struct {
	predicate string // its type
	text      []byte
}

func (w *writer) sign(ctx context.Context, env engine.Env, p schema.SignParams, in inputs) (*schema.Signature, error) {
	return w.write(ctx, env, p, in, true, func(a *artefact) (*stated, error) {
		if !p.Attest {
			return nil, nil
		}
		text, err := w.provenance(ctx, env, p, a, in)
		return &stated{Provenance, text}, err
	})
}

func (w *writer) attestAny(ctx context.Context, env engine.Env, p schema.AttestParams, in struct {
	Image  *schema.Reference `in:"image,optional"`
	Bundle *schema.Bundle    `in:"bundle,optional"`
}) (*schema.Signature, error) {
	predicate, err := readPredicate(inDir(env.Dir, p.Predicate))
	if err != nil {
		return nil, err
	}
	kind, err := predicateType(p.Type)
	if err != nil {
		return nil, err
	}
	with := schema.SignParams{
		Key: p.Key, PasswordFile: p.PasswordFile, Format: p.Format, File: p.File, Signatures: p.Signatures,
		Keyless: p.Keyless, IdentityToken: p.IdentityToken, OidcIssuer: p.OidcIssuer, OidcClientId: p.OidcClientId, NoBrowser: p.NoBrowser, SigningConfig: p.SigningConfig,
		PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS,
	}
	return w.write(ctx, env, with, inputs{Image: in.Image, Bundle: in.Bundle}, false, func(a *artefact) (*stated, error) {
		text, err := newStatement(a.subjects, kind, predicate)
		return &stated{kind, text}, err
	})
}

// write signs the artefact, if asked to, and attests what more returns of it, if
// that is anything.
func (w *writer) write(ctx context.Context, env engine.Env, p schema.SignParams, in inputs, signature bool, more func(*artefact) (*stated, error)) (*schema.Signature, error) {
	ctx = retry.Listen(ctx, env.Log)
	if n := given(in.Image != nil, in.Bundle != nil, p.File != ""); n != 1 {
		return nil, schema.Errorf(schema.Invalid, "there are %d things to sign, not one", n).
			WithHint("give it an image (a pushed reference), a bundle, or a file")
	}
	if (in.Image == nil) != (p.Signatures != "") {
		return nil, schema.Errorf(schema.Invalid, "the signatures of an image are kept beside it, those of a bundle or a file in a file: name it with signatures, and only then")
	}
	if in.Image == nil && p.Format == "legacy" {
		return nil, schema.Errorf(schema.Invalid, "the legacy format is for images: the signatures of a bundle or a file are Sigstore bundles")
	}
	if in.Bundle != nil {
		if err := CheckBundle(ctx, in.Bundle, env.Blobs); err != nil {
			return nil, err // verifying refuses it afterwards
		}
	}
	s, err := w.signer(ctx, env, p)
	if err != nil {
		return nil, err
	}
	out := &schema.Signature{Kind: "Signature", APIVersion: schema.APIVersion, Format: p.Format}
	if out.Format == "" {
		out.Format = "bundle"
	}
	if in.Image == nil {
		a, err := localArtefact(ctx, env, p.File, in.Bundle)
		if err != nil {
			return nil, err
		}
		out.Reference, out.Digest = a.name, a.digest
		err = writeDetached(inDir(env.Dir, p.Signatures), s, a, signature, more, out)
		out.KeyID = s.keyID
		return out, err
	}
	r, err := w.repository(env, in.Image, oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS})
	if err != nil {
		return nil, err
	}
	unlock, err := w.repos.lock(ctx, in.Image.Reference)
	if err != nil {
		return nil, err
	}
	defer unlock()
	t, err := look(ctx, r, in.Image.Digest)
	if err != nil {
		return nil, err
	}
	if err := t.unmixed(out.Format); err != nil {
		return nil, err
	}
	out.Reference, out.Digest = in.Image.Reference, in.Image.Digest
	if signature {
		if out.Signature, err = t.sign(ctx, s, out.Format); err != nil {
			return nil, err
		}
	}
	st, err := more(&artefact{name: in.Image.Reference, digest: in.Image.Digest, subjects: ofDigest(in.Image.Digest), annotations: t.annotations})
	out.KeyID = s.keyID
	if st == nil || err != nil {
		return out, err
	}
	d, err := t.attest(ctx, s, out.Format, st.predicate, st.text)
	if err != nil {
		return nil, err
	}
	if !signature {
		out.Signature = d
	}
	out.KeyID = s.keyID
	out.Attestations = []string{st.predicate}
	return out, nil
}

// given counts what is there.
func given(there ...bool) int {
	n := 0
	for _, t := range there {
		if t {
			n++
		}
	}
	return n
}

// signer finds and opens the key; one is made first if the step asks for it.
func (w *writer) signer(ctx context.Context, env engine.Env, p schema.SignParams) (*signer, error) {
	if unused := keylessOnly(p); !p.Keyless && unused != "" {
		return nil, schema.Errorf(schema.Invalid, "something is given for a certificate, and a key is to sign").
			WithHint("%s signs with a certificate; leave out %s to sign with a key", schema.Parameter("keyless"), schema.Parameter(unused))
	}
	if p.Keyless {
		return w.certifiedSigner(ctx, env, p)
	}
	path, err := w.privateKey(env, p.Key)
	if schema.CodeOf(err) == schema.NotFound && p.GenerateKey && w.UserKey() != "" {
		path = w.UserKey()
		password, _, perr := w.password(ctx, env, path, p.PasswordFile)
		if perr != nil {
			return nil, perr
		}
		if err = GenerateKey(path, password); err == nil {
			env.Log("made a key pair: %s and %s", path, PublicPath(path))
		}
	}
	if err != nil {
		return nil, err
	}
	return w.keys.signer(ctx, w.Options, env, path, p.PasswordFile)
}

// provenance is the statement of how the artefact was made.
func (w *writer) provenance(ctx context.Context, env engine.Env, with schema.SignParams, a *artefact, in inputs) ([]byte, error) {
	p := provenance{ref: in.Image, annotations: a.annotations, recipe: in.Recipe, snapshot: in.Snapshot, version: w.OCI.Version}
	bundle := in.Bundle
	switch {
	case in.Image != nil && p.recipe == nil && a.annotations[oci.RecipeAnnotation] != "":
		var err error
		if bundle, err = w.pulled(ctx, env, with, in.Image); err != nil {
			return nil, err
		}
	case in.Image == nil && bundle == nil:
		return nil, schema.Errorf(schema.Invalid, "how %q was made is not known: provenance is of bundles and of what was pushed", a.name).
			WithHint("eidos attest states what you know of it")
	case in.Image == nil:
		p.ref, p.subjects = &schema.Reference{Reference: a.name, Digest: a.digest}, a.subjects
	}
	if bundle != nil && p.recipe == nil {
		p.recipe = sourceOf(ctx, bundle, env.Blobs)
	}
	if w.Materials != nil {
		var err error
		if p.more, err = w.Materials(); err != nil {
			return nil, err
		}
	}
	return p.statement()
}

// pulled is the bundle that an image holds, nil if it holds something else: the
// recipe in it names the catalogue, and the image's annotations name only the recipe.
func (w *writer) pulled(ctx context.Context, env engine.Env, with schema.SignParams, ref *schema.Reference) (*schema.Bundle, error) {
	r, err := w.repository(env, ref, oci.Access{PlainHTTP: with.PlainHTTP, InsecureTLS: with.InsecureTLS})
	if err != nil {
		return nil, err
	}
	v, err := w.OCI.Pull(ctx, env, r.At(ref.Digest), oci.Access{PlainHTTP: with.PlainHTTP, InsecureTLS: with.InsecureTLS})
	if err != nil {
		return nil, fmt.Errorf("reading the recipe of what is attested: %w", err)
	}
	b, _ := v.(*schema.Bundle)
	return b, nil
}

// sourceOf is the recipe that is in a bundle, which names its catalogue; nil unless
// it is the one that the bundle was made from.
func sourceOf(ctx context.Context, b *schema.Bundle, blobs engine.Blobs) *schema.RecipeResult {
	r, err := render.MadeFrom(render.FS(ctx, b, blobs), b.Metadata)
	if err != nil {
		return nil
	}
	if d, err := documentDigest(r); err != nil || d != b.Metadata.Recipe {
		return nil
	}
	return r
}

// target is a manifest that is signed, with what is attached to it.
type target struct {
	repo        *oci.Repository
	desc        v1.Descriptor
	annotations map[string]string
	referrers   []v1.Descriptor
	warnings    []string // what the list of referrers lacks
	legacy      bool     // it has a .sig or an .att tag
	unread      error    // why it is not known whether it has
}

// look finds the manifest and what is attached to it.
func look(ctx context.Context, r *oci.Repository, d schema.Digest) (*target, error) {
	desc, err := r.Resolve(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := r.Manifest(ctx, d, desc.Size)
	if err != nil {
		return nil, err
	}
	var m struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading %q: its manifest is not JSON: %w", r.At(d), err)
	}
	t := &target{repo: r, desc: v1.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: int64(len(raw))}, annotations: m.Annotations}
	if t.referrers, t.warnings, err = r.Referrers(ctx, d); err != nil {
		return nil, err
	}
	for _, suffix := range []string{"sig", "att"} {
		_, err := r.Tagged(legacyTag(d, suffix)).Resolve(ctx)
		if err != nil && schema.CodeOf(err) != schema.NotFound {
			t.unread = err
		}
		t.legacy = t.legacy || err == nil
	}
	return t, nil
}

func (t *target) digest() schema.Digest { return schema.Digest(t.desc.Digest.String()) }

// keylessOnly names a parameter that only has an effect on signing with a
// certificate, if one is given.
func keylessOnly(p schema.SignParams) string {
	switch {
	case p.IdentityToken != "":
		return "identityToken"
	case p.OidcIssuer != "":
		return "oidcIssuer"
	case p.OidcClientId != "":
		return "oidcClientId"
	case p.SigningConfig != "":
		return "signingConfig"
	case p.NoBrowser:
		return "noBrowser"
	}
	return ""
}
