package sign

import (
	"slices"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// verification is the document that verify returns, while it is made.
type verification struct {
	out   *schema.Verification
	facts facts
	errs  []error
}

func (v *verification) add(c schema.VerificationCheck, errs ...error) {
	v.out.Checks = append(v.out.Checks, c)
	v.out.Verified = v.out.Verified && c.Passed
	v.errs = append(v.errs, errs...)
}

// content notes whether the artefact is what it states of itself.
func (v *verification) content(c schema.VerificationCheck, err error) {
	v.add(c, err)
	v.facts.content = v.facts.content && c.Passed
}

// judge applies the rules of a policy to what signers have stated. What could not
// be read is an error only if a rule does not hold.
func (v *verification) judge(pol *policy, claims []claim, unread []error, annotations map[string]string) {
	v.facts.policy = true
	var failed []error
	for i := range pol.rules {
		w := pol.rules[i].judge(claims)
		v.facts.policy = v.facts.policy && w.Passed
		if w.Passed {
			v.signed(w.signers)
		} else {
			failed = append(failed, w.errors(v.out.Subject, len(claims))...)
		}
		v.add(w.VerificationCheck)
	}
	creators := v.made(pol, claims, annotations)
	if pol.creator.wanted != "" {
		ok := slices.ContainsFunc(creators, pol.creator.is)
		v.facts.policy = v.facts.policy && ok
		check := schema.VerificationCheck{Name: "creator", Passed: ok, Detail: pol.creator.wanted}
		if !ok {
			var found []string
			for _, c := range creators {
				found = append(found, c.String())
			}
			f := refusal(pol.creator.at, joined(found), pol.creator.wanted)
			check.Detail, check.Refused = "made by "+orNone(f.Found), []schema.Refusal{f}
			failed = append(failed, schema.Errorf(schema.Unsatisfied, "the provenance of %q is signed by %s, and must be by %q", v.out.Subject, orNone(f.Found), f.Wanted).At(f.At, f.Rule).
				WithHint("name a signer of the policy, an identity, or the digest of a key"))
		}
		v.add(check)
	}
	switch {
	case len(failed) == 0:
	case len(claims) == 0 && len(unread) > 0:
		v.errs = append(v.errs, unread...) // nobody knows whether it is signed
	default:
		v.errs = append(append(v.errs, unread...), failed...)
	}
}

// made notes who has signed anything that counts, and returns who has signed
// provenance which agrees with what the artefact states of itself.
func (v *verification) made(pol *policy, claims []claim, annotations map[string]string) (creators []proof) {
	for i := range claims {
		c := &claims[i]
		if c.err != nil || len(pol.common(c)) > 0 {
			continue
		}
		v.facts.signed = true
		if c.predicate != Provenance {
			continue
		}
		p, err := c.slsa()
		if err != nil {
			continue
		}
		if recipe := annotations[oci.RecipeAnnotation]; recipe != "" && p.material("recipe") != recipe {
			continue
		}
		v.facts.made = true
		creators = append(creators, c.proof)
	}
	return creators
}

func (v *verification) signed(names []string) {
	for _, n := range names {
		if !slices.Contains(v.out.Signers, n) {
			v.out.Signers = append(v.out.Signers, n)
		}
	}
}

// finish decides the trust level and whether it is enough.
func (v *verification) finish(pol *policy) (*schema.Verification, error) {
	v.out.TrustLevel = v.facts.level()
	if pol == nil {
		return v.out, schema.Join(v.errs)
	}
	for _, m := range pol.least {
		if !below(v.out.TrustLevel, m.level) {
			continue
		}
		f := refusal(m.at, string(v.out.TrustLevel), string(m.level))
		v.add(schema.VerificationCheck{Name: "trust level", Detail: f.Found + ", not " + f.Wanted, Refused: []schema.Refusal{f}},
			schema.Errorf(schema.Unsatisfied, "the trust level of %q is %s, and must be %s", v.out.Subject, f.Found, f.Wanted).At(f.At, f.Rule).
				WithHint("%s", v.facts.lacks(m.level)))
	}
	return v.out, schema.Join(v.errs)
}
