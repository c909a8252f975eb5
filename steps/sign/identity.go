package sign

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sigstore/cosign/v2/pkg/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/sign/certified"
)

// Names of the files that eidos trust init stores.
const (
	TrustedRootFile   = "trusted_root.json"
	SigningConfigFile = "signing_config.json"
)

// TrustFile reads a trusted root or a signing configuration: from path, or, if
// that is empty, the one that is stored under name. NotFound if there is none.
func (o Options) TrustFile(path, name string) (json.RawMessage, error) {
	stored := path == ""
	if stored {
		if path = o.trustFile(name); path == "" {
			return nil, schema.Errorf(schema.NotFound, "there is no directory to look for %s in", name).WithHint("name the file")
		}
	}
	data, err := userfile.Read(path, maxEnvelope)
	if errors.Is(err, fs.ErrNotExist) && stored {
		return nil, schema.Errorf(schema.NotFound, "no %s is stored", name).
			WithHint("eidos trust update stores the one of the public Sigstore, eidos trust init one of your own")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no file %q", path)
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "reading the %s: %w", cmp.Or(name, "TUF root"), err)
	}
	if !json.Valid(data) {
		return nil, schema.Errorf(schema.Invalid, "%q is not JSON", path)
	}
	return data, nil
}

// useCertificates makes a policy check certificates, and the log entries of what
// keys have signed, by the trusted root at path or the one that is stored. Without
// an identity among the signers, there need not be one.
func (o Options) useCertificates(t *trust, path string) error {
	named := slices.ContainsFunc(t.parties, func(p *party) bool { return p.identity != nil })
	if o.Certified == nil || !named && path == "" {
		return nil
	}
	trusted, err := o.TrustFile(path, TrustedRootFile)
	if err != nil {
		return err
	}
	ask := func(ctx context.Context, data, key []byte) (*certified.Answer, error) {
		return o.Certified(ctx, certified.Request{Verify: &certified.Verify{Bundle: data, TrustedRoot: trusted, Key: key}}, nil)
	}
	t.certified = func(ctx context.Context, data []byte) (*statement, proof, error) {
		a, err := ask(ctx, data, nil)
		if err != nil {
			return nil, proof{}, err
		}
		return t.identified(a)
	}
	t.witnessed = func(ctx context.Context, data, key []byte) (bool, proof) {
		a, err := ask(ctx, data, key)
		if err != nil {
			return false, proof{}
		}
		return true, proof{logged: a.Logged, at: a.At}
	}
	return nil
}

// identified finds whose certificate it is.
func (t *trust) identified(a *certified.Answer) (*statement, proof, error) {
	p := proof{id: a.Identity + " by " + a.Issuer, who: a.Identity, issuer: a.Issuer, logged: a.Logged, at: a.At}
	for _, party := range t.parties {
		if party.identity != nil && party.identity.matches(a.Identity, a.SANType, a.Issuer) {
			p.by = append(p.by, party)
		}
	}
	if p.by == nil {
		return nil, proof{}, fmt.Errorf("it was signed by %s (SAN type %s, issuer %s), which is not a trusted signer", a.Identity, a.SANType, a.Issuer)
	}
	if a.PayloadType != types.IntotoPayloadType {
		return nil, proof{}, fmt.Errorf("%w: its payload is a %q, not an in-toto statement", errMalformed, a.PayloadType)
	}
	st, err := parseStatement(a.Payload)
	return st, p, err
}
