package sign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/retry"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// VerifyKind is the step that proves a pushed artefact's signature and
// attestations, or that a bundle is what was rendered, or both.
func VerifyKind(o Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "verify", Doc: "prove that an artefact is signed, and a bundle unchanged", Version: 1, Effect: true,
		Check: func(params any, inputs []string) error {
			p := params.(*schema.VerifyParams)
			return verifiable(*p, slices.Contains(inputs, "image"), slices.Contains(inputs, "bundle"))
		},
	}, func(ctx context.Context, env engine.Env, p schema.VerifyParams, in struct {
		Image  *schema.Reference `in:"image,optional"`
		Bundle *schema.Bundle    `in:"bundle,optional"`
	}) (*schema.Verification, error) {
		return o.verify(ctx, env, p, in.Image, in.Bundle)
	})
}

// verifiable refuses parameters and inputs of which nothing could be proven.
func verifiable(p schema.VerifyParams, image, bundle bool) error {
	if !image && !bundle && p.File == "" {
		return schema.Errorf(schema.Invalid, "verify has nothing to verify").
			WithHint("give it an image (a pushed reference), a bundle, or both, or a file")
	}
	if p.File != "" && (image || bundle) || image && p.Signatures != "" {
		return schema.Errorf(schema.Invalid, "a file is verified by itself, and signatures of an image are kept beside it")
	}
	if p.TrustedRoot != "" && p.Policy == "" && !byIdentity(p) {
		return schema.Errorf(schema.Invalid, "a trusted root has no effect: nothing is checked by certificates").At("", "trustedRoot").
			WithHint("name who may sign with %s, or a policy with %s", schema.Parameter("certificateIdentity"), schema.Parameter("policy"))
	}
	return nil
}

func (o Options) verify(ctx context.Context, env engine.Env, p schema.VerifyParams, image *schema.Reference, bundle *schema.Bundle) (*schema.Verification, error) {
	ctx, end := certified.Keep(retry.Listen(ctx, env.Log))
	defer end()
	if err := verifiable(p, image != nil, bundle != nil); err != nil {
		return nil, err
	}
	v := &verification{out: &schema.Verification{Kind: "Verification", APIVersion: schema.APIVersion, Verified: true}, facts: facts{content: true}}
	pol, err := o.policy(ctx, env, p, image == nil && p.File == "")
	if err != nil {
		return nil, err
	}
	if image != nil {
		err = o.lookAt(ctx, env, p, image, pol, v)
	} else {
		err = lookAtLocal(ctx, env, p, bundle, pol, v)
	}
	if err != nil {
		return nil, err
	}
	if bundle != nil {
		check, err := verifyBundle(ctx, bundle, env.Blobs)
		if check.Name == "" {
			return nil, err
		}
		v.content(check, err)
	}
	if image != nil && bundle != nil {
		check, err := o.verifySame(ctx, env, p, image, bundle)
		if check.Name == "" {
			return nil, err
		}
		v.content(check, err)
	}
	return v.finish(pol)
}

// lookAt reads what is attached to an image, and judges it.
func (o Options) lookAt(ctx context.Context, env engine.Env, p schema.VerifyParams, image *schema.Reference, pol *policy, v *verification) error {
	r, err := o.repository(env, image, oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS})
	if err != nil {
		return err
	}
	t, err := look(ctx, r, image.Digest)
	if err != nil {
		return err
	}
	claims, unread, err := t.claims(ctx, &pol.trust)
	if err != nil {
		return err
	}
	noted(env.Log, t.warnings, unread)
	v.out.Subject, v.out.Digest = r.At(t.digest()), t.digest()
	v.judge(pol, claims, unread, t.annotations)
	return nil
}

// lookAtLocal does the same for a bundle, or what is at a path, whose signatures
// lie in a file.
func lookAtLocal(ctx context.Context, env engine.Env, p schema.VerifyParams, bundle *schema.Bundle, pol *policy, v *verification) error {
	var a *artefact
	var err error
	if bundle == nil || pol != nil {
		if a, err = localArtefact(ctx, env, p.File, bundle); err != nil {
			return err
		}
		v.out.Subject = a.name
	}
	if bundle != nil {
		v.out.Subject = "bundle " + bundle.Metadata.Name
		if o := bundle.Metadata.Origin; o != "" {
			v.out.Subject += fmt.Sprintf(" (%s, %s)", o, bundle.Metadata.Version)
		}
	}
	if pol == nil {
		return nil
	}
	if bundle == nil {
		v.out.Digest = a.digest
	}
	var claims []claim
	if p.Signatures != "" {
		if claims, err = detachedClaims(ctx, &pol.trust, inDir(env.Dir, p.Signatures), a); err != nil {
			return err
		}
	}
	v.judge(pol, claims, nil, a.annotations)
	return nil
}

// verifySame proves that the image holds the bundle: checksums.txt alone would
// hold for any other bundle too.
func (o Options) verifySame(ctx context.Context, env engine.Env, p schema.VerifyParams, image *schema.Reference, bundle *schema.Bundle) (schema.VerificationCheck, error) {
	r, err := o.repository(env, image, oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS})
	if err != nil {
		return schema.VerificationCheck{}, err
	}
	raw, err := r.Manifest(ctx, image.Digest, -1)
	if err != nil {
		return schema.VerificationCheck{}, err
	}
	var m oci.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return schema.VerificationCheck{}, schema.Errorf(schema.Invalid, "reading %q: its manifest is not JSON: %w", image.Reference, err)
	}
	want := ""
	if len(m.Layers) == 1 {
		want = m.Layers[0].Annotations[oci.TreeAnnotation]
	}
	got, err := oci.TreeDigest(ctx, bundle, env.Blobs)
	if err != nil {
		return schema.VerificationCheck{}, err
	}
	check := schema.VerificationCheck{Name: "same content", Passed: string(got) == want, Detail: string(got)}
	if check.Passed {
		return check, nil
	}
	return check, schema.Errorf(schema.Unsatisfied, "the bundle is not the one in %q: its tree has digest %s, and the image's %s", image.Reference, got, orNone(want)).
		WithHint("verify the image and the bundle apart, or pull the bundle of this image")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// publicKey finds the public key, a path or an address: the parameter, else the one
// beside the private key that sign would take.
func (o Options) publicKey(e engine.Env, param string) (string, error) {
	if param != "" {
		return keyIn(e.Dir, param), nil
	}
	named, _ := o.lookup("EIDOS_KEY")
	if remoteKey(named) {
		return named, nil
	}
	candidates := []string{filepath.Join(e.Dir, "cosign.pub")}
	if _, ok := KeySecret(named); named != "" && !ok {
		candidates = []string{PublicPath(inDir(e.Dir, named))}
	} else if k := o.UserKey(); k != "" {
		candidates = append(candidates, PublicPath(k))
	}
	for _, p := range candidates {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return p, nil
		}
	}
	return "", schema.Errorf(schema.NotFound, "there is no public key to verify with").
		WithHint("name the signer's with %s, or put it here as cosign.pub", schema.Parameter("key"))
}
