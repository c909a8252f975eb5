package sign

import (
	"context"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/version"
)

// compiler makes a policy of a document, and collects what is wrong with that.
type compiler struct {
	ctx      context.Context
	doc      schema.Position
	dir      string // of the file
	now      func() time.Time
	pol      *policy
	broken   []schema.Name // signers with a problem of their own, which are not in pol
	problems schema.Problems
}

func (c *compiler) compile(p *schema.TrustPolicy) {
	if len(p.Signers) == 0 {
		c.problems.Add(c.doc.Child("signers").Errorf("a policy without signers accepts nothing"))
	}
	for i, s := range p.Signers {
		c.signer(c.doc.Child("signers", strconv.Itoa(i)), s)
	}
	c.shared(p)
	sig := rule{at: c.doc.Child("signature"), predicate: signaturePredicate, demands: c.pol.shared}
	if p.Signature != nil {
		sig.from, sig.threshold = c.from(sig.at, p.Signature.From), c.threshold(sig.at, p.Signature.Threshold, p.Signature.From)
	}
	c.pol.rules = append(c.pol.rules, sig)
	for i, a := range p.Attestations {
		c.attestation(c.doc.Child("attestations", strconv.Itoa(i)), a)
	}
	if p.MinTrustLevel != "" {
		c.pol.least = []least{{c.doc.Child("minTrustLevel"), p.MinTrustLevel}}
	}
	c.pol.creator = creator{c.doc.Child("requireCreator"), p.RequireCreator}
}

func (c *compiler) signer(at schema.Position, s schema.Signer) {
	p := &party{name: s.Name}
	byIdentity := s.Identity + s.IdentityRegexp + s.Issuer + s.IssuerRegexp + string(s.SanType)
	for _, other := range c.pol.parties {
		if other.name == s.Name {
			c.problems.Add(at.Child("name").Errorf("there are two signers %q", s.Name))
		}
	}
	switch {
	case s.Key != "" && byIdentity != "":
		c.broken = append(c.broken, s.Name)
		c.problems.Add(at.Errorf("signer %q is both a key and an identity", s.Name).WithHint("write two signers"))
		return
	case s.Key != "":
		key, err := c.key(s.Key)
		if err != nil {
			c.broken = append(c.broken, s.Name)
			c.problems.Add(at.Child("key").Wrap(err))
			return
		}
		for _, other := range c.pol.parties {
			if other.key != nil && other.key.id == key.id {
				c.problems.Add(at.Child("key").Errorf("it is the key of signer %q", other.name).WithHint("a key counts once, whatever it is called"))
			}
		}
		p.key = key
	default:
		id, err := c.identity(at, s)
		if err != nil {
			c.broken = append(c.broken, s.Name)
			c.problems.Add(err)
			return
		}
		p.identity = id
	}
	c.pol.parties = append(c.pol.parties, p)
}

// key reads a public key: PEM text, the address of a service, or a file beside
// the policy.
func (c *compiler) key(text string) (*verifier, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") {
		block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
		if block == nil {
			return nil, fmt.Errorf("it is not PEM")
		}
		return publicKey("in the policy", block)
	}
	if name, ok := KeySecret(text); ok {
		return nil, schema.Errorf(schema.Invalid, "a policy has no secret %q", name).WithHint("write the PEM text itself, or the name of a file beside the policy")
	}
	return verifierOf(c.ctx, engine.Env{}, keyIn(c.dir, text))
}

// from finds the signers that are named.
func (c *compiler) from(at schema.Position, names []schema.Name) []*party {
	var out []*party
	if names != nil && len(names) == 0 {
		c.problems.Add(at.Child("from").Errorf("it names nobody").WithHint("name a signer, or leave out from: then all signers count"))
	}
	for i, n := range names {
		k := slices.IndexFunc(c.pol.parties, func(p *party) bool { return p.name == n })
		if slices.Contains(c.broken, n) {
			continue
		}
		if k < 0 {
			var known []string
			for _, p := range c.pol.parties {
				known = append(known, p.name)
			}
			c.problems.Add(at.Child("from", strconv.Itoa(i)).Errorf("no signer %q", n).WithHint("%s", schema.Suggest(n, known)))
			continue
		}
		out = append(out, c.pol.parties[k])
	}
	return out
}

// signers is a number of signers in words.
func signers(n int) string {
	if n == 1 {
		return "1 signer"
	}
	return fmt.Sprintf("%d signers", n)
}

// threshold refuses more signers than there can be.
func (c *compiler) threshold(at schema.Position, n int64, names []schema.Name) int {
	from := c.pol.parties
	if len(names) > 0 {
		from = nil
		for _, p := range c.pol.parties {
			if slices.Contains(names, p.name) {
				from = append(from, p)
			}
		}
	}
	open := slices.ContainsFunc(from, func(p *party) bool { return p.key == nil && !p.identity.single() })
	// Signers with a problem may be those that are missing.
	if int64(len(from)) < n && !open && c.broken == nil {
		c.problems.Add(at.Child("threshold").Errorf("%s can never be enough: %d are needed", signers(len(from)), n))
	}
	return int(n)
}

// shared compiles what is demanded of every signature and attestation.
func (c *compiler) shared(p *schema.TrustPolicy) {
	if p.Transparency == "required" {
		c.pol.shared = append(c.pol.shared, demand{c.doc.Child("transparency"), "an entry in a transparency log", func(c *claim) (string, bool) {
			return "", c.logged
		}})
	}
	if p.MaxAge == "" {
		return
	}
	at := c.doc.Child("maxAge")
	age, err := time.ParseDuration(p.MaxAge)
	if err != nil {
		c.problems.Add(at.Errorf("%q is not a duration", p.MaxAge))
		return
	}
	now := c.now()
	c.pol.shared = append(c.pol.shared, demand{at, "at most " + p.MaxAge, func(c *claim) (string, bool) {
		if c.at.IsZero() {
			return "no age that a log or a timestamp authority vouches for", false
		}
		// A time ahead of this clock is a clock that is wrong, not a young signature.
		is := now.Sub(c.at)
		return "an age of " + is.Round(time.Second).String(), is <= age && is >= -time.Minute
	}})
}

func (c *compiler) attestation(at schema.Position, a schema.AttestationRule) {
	kind, err := predicateType(a.Type)
	if err != nil {
		c.problems.Add(at.Child("type").Wrap(err))
		return
	}
	r := rule{at: at, predicate: kind, demands: slices.Clone(c.pol.shared)}
	r.from, r.threshold = c.from(at, a.From), c.threshold(at, a.Threshold, a.From)
	of := func(key, wanted string, found func(*slsa) (string, bool)) {
		if kind != Provenance {
			c.problems.Add(at.Child(key).Errorf("%s is for SLSA provenance v1, and this is %s", key, kind))
			return
		}
		r.demands = append(r.demands, demand{at.Child(strings.Split(key, ".")...), wanted, func(c *claim) (string, bool) {
			p, err := c.slsa()
			if err != nil {
				return err.Error(), false
			}
			return found(p)
		}})
	}
	if a.Builder != "" {
		of("builder", a.Builder, func(p *slsa) (string, bool) { b := p.RunDetails.Builder.ID; return b, b == a.Builder })
	}
	if a.BuildType != "" {
		of("buildType", a.BuildType, func(p *slsa) (string, bool) {
			b := p.BuildDefinition.BuildType
			return b, b == a.BuildType
		})
	}
	if a.Source != "" {
		of("source", a.Source, func(p *slsa) (string, bool) {
			s := p.sources()
			return joined(s), slices.Contains(s, repositoryOf(a.Source))
		})
	}
	for i, m := range a.Materials {
		of("materials."+strconv.Itoa(i), m.Name+" "+string(m.Digest), func(p *slsa) (string, bool) {
			d := p.material(m.Name)
			return d, d == string(m.Digest)
		})
	}
	if a.Catalog != nil && len(a.Catalog) == 0 {
		c.problems.Add(at.Child("catalog").Errorf("it names no digest").WithHint("name one, or leave out catalog: then any will do"))
	}
	if len(a.Catalog) > 0 {
		of("catalog", joined(a.Catalog), func(p *slsa) (string, bool) {
			d := p.material("catalog")
			return d, slices.Contains(a.Catalog, schema.Digest(d))
		})
	}
	if a.MinVersion != "" {
		least, err := version.Parse(a.MinVersion)
		if err != nil {
			c.problems.Add(at.Child("minVersion").Wrap(err))
			return
		}
		of("minVersion", a.MinVersion+" or newer", func(p *slsa) (string, bool) {
			text := p.RunDetails.Builder.Version["eidos"]
			is, err := version.Parse(text)
			return text, err == nil && version.Compare(is, least) >= 0
		})
	}
	c.pol.rules = append(c.pol.rules, r)
}

// repositoryOf cuts the revision off a repository's address.
func repositoryOf(uri string) string {
	uri = strings.TrimSuffix(strings.TrimPrefix(uri, "git+"), ".git")
	if i := strings.LastIndexByte(uri, '@'); i > strings.LastIndexByte(uri, '/') || strings.Contains(uri[max(i, 0):], "@refs/") {
		uri = strings.TrimSuffix(uri[:i], ".git")
	}
	return uri
}

func joined[S ~string](words []S) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}

// identity is whom a certificate must name.
type identity struct {
	san, issuer             string
	sanPattern, issuerMatch *regexp.Regexp
	sanType                 string
}

// single reports whether one name and one issuer only will do.
func (i *identity) single() bool { return i.sanPattern == nil && i.issuerMatch == nil }

// matches reports whether a certificate's name and issuer are this identity's.
func (i *identity) matches(san, sanType, issuer string) bool {
	return (i.sanType == "" || i.sanType == sanType) &&
		(i.san == "" || i.san == san) && (i.issuer == "" || i.issuer == issuer) &&
		(i.sanPattern == nil || i.sanPattern.MatchString(san)) && (i.issuerMatch == nil || i.issuerMatch.MatchString(issuer))
}

// identity compiles one. Both the name and the issuer must be stated: a name says
// nothing without who vouches for it.
func (c *compiler) identity(at schema.Position, s schema.Signer) (*identity, error) {
	if (s.Identity == "") == (s.IdentityRegexp == "") || (s.Issuer == "") == (s.IssuerRegexp == "") {
		return nil, at.Errorf("signer %q must have a key, or one of identity and identityRegexp with one of issuer and issuerRegexp", s.Name)
	}
	id := &identity{san: s.Identity, issuer: s.Issuer, sanType: string(s.SanType)}
	var err error
	for _, r := range []struct {
		key, text string
		to        **regexp.Regexp
	}{{"identityRegexp", s.IdentityRegexp, &id.sanPattern}, {"issuerRegexp", s.IssuerRegexp, &id.issuerMatch}} {
		if r.text == "" {
			continue
		}
		// The whole text: what matches in the middle is how look-alikes get in, and so
		// does ")|(", which is not an expression by itself.
		if _, err = regexp.Compile(r.text); err != nil {
			return nil, at.Child(r.key).Errorf("not a regular expression: %w", err)
		}
		if *r.to, err = regexp.Compile(`\A(?:` + r.text + `)\z`); err != nil {
			return nil, at.Child(r.key).Errorf("not a regular expression: %w", err)
		}
	}
	return id, nil
}
