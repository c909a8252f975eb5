package sign

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// policy is what must hold, compiled.
type policy struct {
	trust
	rules  []rule
	shared []demand // of every rule
	// least lists the trust levels that must be reached.
	least   []least
	creator creator
	// trustedRoot is the file that certificates are checked by; "" for the stored.
	trustedRoot string
}

type least struct {
	at    schema.Position
	level schema.TrustLevel
}

// creator is who must have signed the provenance.
type creator struct {
	at     schema.Position
	wanted string // a signer's name, an identity, or a key's digest
}

func (c creator) is(p proof) bool {
	return p.id == c.wanted || p.who == c.wanted || slices.ContainsFunc(p.by, func(b *party) bool { return b.name == c.wanted })
}

// common lists what a claim lacks of that which every rule demands.
func (p *policy) common(c *claim) []schema.Refusal {
	return (&rule{demands: p.shared}).refuses(c)
}

// policy is the one that the parameters name, or that they stand for. It is nil if
// optional is true and they are about content only.
func (o Options) policy(ctx context.Context, env engine.Env, p schema.VerifyParams, optional bool) (*policy, error) {
	pol := &policy{}
	signers := !optional || p.Key != "" || p.Policy != "" || p.Signatures != "" || len(p.Attestations) > 0 ||
		p.RequireCreator != "" || byIdentity(p) || p.MinTrustLevel != "" && below("unverified", p.MinTrustLevel)
	switch {
	case given(p.Policy != "", p.Key != "", byIdentity(p)) > 1:
		return nil, schema.Errorf(schema.Invalid, "a policy, a key or an identity states who may sign: only one of them can").WithHint("add the others to the policy's signers")
	case p.Policy != "":
		var err error
		if pol, err = o.readPolicy(ctx, env.Dir, p.Policy); err != nil {
			return nil, err
		}
	case signers && byIdentity(p):
		if p.CertificateIdentity+p.CertificateIdentityRegexp == "" || p.CertificateOidcIssuer+p.CertificateOidcIssuerRegexp == "" {
			return nil, schema.Errorf(schema.Invalid, "an identity and its issuer are needed: a name alone can be had from anybody").
				WithHint("name both: %s or %s, and %s or %s", schema.Parameter("certificateIdentity"), schema.Parameter("certificateIdentityRegexp"),
					schema.Parameter("certificateOidcIssuer"), schema.Parameter("certificateOidcIssuerRegexp"))
		}
		c := &compiler{pol: pol}
		id, err := c.identity(schema.Position{}, schema.Signer{
			Name: "identity", Identity: p.CertificateIdentity, IdentityRegexp: p.CertificateIdentityRegexp,
			Issuer: p.CertificateOidcIssuer, IssuerRegexp: p.CertificateOidcIssuerRegexp,
		})
		if err != nil {
			return nil, err
		}
		pol.parties = []*party{{identity: id}}
		pol.rules = []rule{{predicate: signaturePredicate}}
	case signers:
		path, err := o.publicKey(env, p.Key)
		if err != nil {
			return nil, err
		}
		key, err := verifierOf(ctx, env, path)
		if err != nil {
			return nil, err
		}
		pol.parties = []*party{{name: filepath.Base(path), key: key}}
		pol.rules = []rule{{predicate: signaturePredicate}}
	case p.MinTrustLevel == "":
		return nil, nil
	}
	root := pathIn(env.Dir, p.TrustedRoot)
	if root == "" {
		root = pol.trustedRoot
	}
	if err := o.useCertificates(&pol.trust, root); err != nil {
		return nil, err
	}
	types := slices.Sorted(slices.Values(p.Attestations))
	for _, name := range slices.Compact(types) {
		kind, err := predicateType(name)
		if err != nil {
			return nil, err
		}
		pol.rules = append(pol.rules, rule{predicate: kind, demands: pol.shared})
	}
	if p.MinTrustLevel != "" {
		pol.least = append(pol.least, least{level: p.MinTrustLevel})
	}
	if p.RequireCreator != "" {
		if w := pol.creator.wanted; w != "" && w != p.RequireCreator {
			return nil, schema.Errorf(schema.Invalid, "the policy requires another creator, %q", w).At(pol.creator.at.Pos(), "")
		}
		pol.creator.wanted = p.RequireCreator
	}
	return pol, nil
}

// byIdentity reports whether the flags name the signer's certificate.
func byIdentity(p schema.VerifyParams) bool {
	return p.CertificateIdentity+p.CertificateIdentityRegexp+p.CertificateOidcIssuer+p.CertificateOidcIssuerRegexp != ""
}

// CheckPolicy reads a policy and everything that it names, and reports what is
// wrong with it.
func (o Options) CheckPolicy(ctx context.Context, path string, text []byte) error {
	dir, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	_, err = o.compilePolicy(ctx, inDir(dir, path), path, text)
	return err
}

// readPolicy reads and compiles a policy. The keys that it names are relative to
// its own directory.
func (o Options) readPolicy(ctx context.Context, dir, path string) (*policy, error) {
	abs := inDir(dir, path)
	f, err := userfile.OpenDocument(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no policy %q", path)
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "reading the policy: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	if err != nil {
		return nil, schema.Errorf(schema.Invalid, "reading policy %q: %w", path, err)
	}
	return o.compilePolicy(ctx, abs, path, text)
}

// compilePolicy compiles the text of a policy in the file abs, which messages call
// path.
func (o Options) compilePolicy(ctx context.Context, abs, path string, text []byte) (*policy, error) {
	read := schema.Parse
	if strings.HasSuffix(path, ".cue") {
		if read = o.CUE; read == nil {
			return nil, schema.Errorf(schema.Invalid, "policy %q is written in CUE, which is not read here", path)
		}
	}
	doc, err := read(path, text)
	if err != nil {
		return nil, err
	}
	var p schema.TrustPolicy
	if err := doc.Decode(&p); err != nil {
		return nil, err
	}
	c := &compiler{ctx: ctx, doc: schema.Position{Doc: doc}, dir: filepath.Dir(abs), now: time.Now, pol: &policy{}}
	if o.Now != nil {
		c.now = o.Now
	}
	c.compile(&p)
	c.pol.trustedRoot = pathIn(c.dir, p.TrustedRoot)
	return c.pol, c.problems.Err()
}
