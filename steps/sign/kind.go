package sign

import (
	"context"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/retry"
	"github.com/NVIDIA/eidos/steps/oci"
)

// Inputs of sign. With the recipe and the snapshot, an attestation names them.
type inputs struct {
	Image    *schema.Reference    `in:"image"`
	Recipe   *schema.RecipeResult `in:"recipe,optional"`
	Snapshot *schema.Snapshot     `in:"snapshot,optional"`
}

// Kind is the step that signs a pushed artefact by digest.
func Kind(o Options) engine.Kind {
	w := &writer{Options: o}
	return engine.Define(engine.Spec{
		Name: "sign", Doc: "sign a pushed artefact by digest with a cosign key", Version: 1, Effect: true,
	}, w.run)
}

// writer signs. It is safe for concurrent use.
type writer struct {
	Options
	keys  keyring
	repos serial
}

func (w *writer) run(ctx context.Context, env engine.Env, p schema.SignParams, in inputs) (*schema.Signature, error) {
	ctx = retry.Listen(ctx, env.Log)
	r, err := w.repository(env, in.Image, oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS})
	if err != nil {
		return nil, err
	}
	s, err := w.signer(env, p)
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
	format := p.Format
	if format == "" {
		format = "bundle"
	}
	if err := t.unmixed(format); err != nil {
		return nil, err
	}
	v, err := newVerifier("", s.key.Public())
	if err != nil {
		return nil, err
	}
	out := &schema.Signature{
		Kind: "Signature", APIVersion: schema.APIVersion,
		Reference: in.Image.Reference, Digest: in.Image.Digest, Format: format, KeyID: v.id,
	}
	if out.Signature, err = t.sign(ctx, s, format); err != nil {
		return nil, err
	}
	if p.Attest {
		if err := w.attest(ctx, t, s, format, in); err != nil {
			return nil, err
		}
		out.Attestations = []string{Provenance}
	}
	return out, nil
}

// signer finds and opens the key; one is made first if the step asks for it.
func (w *writer) signer(env engine.Env, p schema.SignParams) (*signer, error) {
	path, err := w.keyFile(env, p.Key)
	if schema.CodeOf(err) == schema.NotFound && p.GenerateKey && w.UserKey() != "" {
		path = w.UserKey()
		password, perr := w.password(env, path)
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
	return w.keys.signer(w.Options, env, path)
}

func (w *writer) attest(ctx context.Context, t *target, s *signer, format string, in inputs) error {
	p := provenance{ref: in.Image, annotations: t.annotations, recipe: in.Recipe, snapshot: in.Snapshot, version: w.OCI.Version}
	if w.Materials != nil {
		var err error
		if p.more, err = w.Materials(); err != nil {
			return err
		}
	}
	st, err := p.statement()
	if err != nil {
		return err
	}
	return t.attest(ctx, s, format, Provenance, st)
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
