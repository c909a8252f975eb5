package sign

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
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
	out := &schema.Verification{Kind: "Verification", APIVersion: schema.APIVersion, Verified: true}
	var errs []error
	if image == nil && bundle == nil {
		return nil, schema.Errorf(schema.Invalid, "verify has nothing to verify").
			WithHint("give it an image (a pushed reference), a bundle, or both")
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
	return verifyImage(ctx, t, v, p.Attestations)
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
