package sign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/retry"
	"github.com/NVIDIA/eidos/steps/oci"
)

// VerifyKind is the step that proves a pushed artefact's signature and
// attestations, or that a bundle is what was rendered, or both.
func VerifyKind(o Options) engine.Kind {
	return engine.Define(engine.Spec{
		Name: "verify", Doc: "prove that an artefact is signed, and a bundle unchanged", Version: 1, Effect: true,
	}, func(ctx context.Context, env engine.Env, p schema.VerifyParams, in struct {
		Image  *schema.Reference `in:"image,optional"`
		Bundle *schema.Bundle    `in:"bundle,optional"`
	}) (*schema.Verification, error) {
		return o.verify(ctx, env, p, in.Image, in.Bundle)
	})
}

func (o Options) verify(ctx context.Context, env engine.Env, p schema.VerifyParams, image *schema.Reference, bundle *schema.Bundle) (*schema.Verification, error) {
	ctx = retry.Listen(ctx, env.Log)
	out := &schema.Verification{Kind: "Verification", APIVersion: schema.APIVersion, Verified: true}
	var errs []error
	if image == nil && bundle == nil {
		return nil, schema.Errorf(schema.Invalid, "verify has nothing to verify").
			WithHint("give it an image (a pushed reference), a bundle, or both")
	}
	if image == nil && (p.Key != "" || len(p.Attestations) > 0) {
		return nil, schema.Errorf(schema.Invalid, "a bundle directory has no signature: key and attestations are about pushed artefacts").
			WithHint("verify the image it was pushed as, or leave them out to check the files against checksums.txt")
	}
	if image != nil {
		v, err := o.verifyReference(ctx, env, p, image)
		if v == nil {
			return nil, err
		}
		*out = *v
		errs = append(errs, err)
	}
	if bundle != nil {
		check, err := verifyBundle(ctx, bundle, env.Blobs)
		if check.Name == "" {
			return nil, err
		}
		if out.Subject == "" {
			out.Subject = "bundle " + bundle.Metadata.Name
			if o := bundle.Metadata.Origin; o != "" {
				out.Subject += fmt.Sprintf(" (%s, %s)", o, bundle.Metadata.Version)
			}
		}
		out.Checks = append(out.Checks, check)
		out.Verified = out.Verified && check.Passed
		errs = append(errs, err)
	}
	if image != nil && bundle != nil {
		check, err := o.verifySame(ctx, env, p, image, bundle)
		if check.Name == "" {
			return nil, err
		}
		out.Checks = append(out.Checks, check)
		out.Verified = out.Verified && check.Passed
		errs = append(errs, err)
	}
	return out, schema.Join(errs)
}

func (o Options) verifyReference(ctx context.Context, env engine.Env, p schema.VerifyParams, image *schema.Reference) (*schema.Verification, error) {
	path, err := o.publicKeyFile(env, p.Key)
	if err != nil {
		return nil, err
	}
	v, err := loadVerifier(path)
	if err != nil {
		return nil, err
	}
	r, err := o.repository(env, image, oci.Access{PlainHTTP: p.PlainHTTP, InsecureTLS: p.InsecureTLS})
	if err != nil {
		return nil, err
	}
	t, err := look(ctx, r, image.Digest)
	if err != nil {
		return nil, err
	}
	return verifyImage(ctx, t, v, p.Attestations, env.Log)
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

// publicKeyFile finds the public key: the parameter, else the one beside the
// private key that sign would take.
func (o Options) publicKeyFile(e engine.Env, param string) (string, error) {
	if param != "" {
		return inDir(e.Dir, param), nil
	}
	named, _ := o.lookup("EIDOS_KEY")
	candidates := []string{filepath.Join(e.Dir, "cosign.pub")}
	if named != "" {
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
		WithHint("name the signer's with --key, or put it here as cosign.pub")
}
