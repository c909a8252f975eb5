package sign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// rule is something that signers must have stated: that the artefact is signed,
// or a predicate of one type.
type rule struct {
	at        schema.Position // in the policy; zero without one
	predicate string
	from      []*party // whose statements count; nil for everybody's
	threshold int      // different signers that are needed
	demands   []demand
}

// demand is what one statement must say, or have been made like, to count.
type demand struct {
	at     schema.Position
	wanted string
	// found returns what the statement has, and whether that will do.
	found func(c *claim) (found string, ok bool)
}

// name is what messages call the rule.
func (r *rule) name() string {
	if r.predicate == signaturePredicate {
		return "signature"
	}
	return "attestation " + r.predicate
}

func (r *rule) counts(c *claim) bool {
	return r.from == nil || slices.ContainsFunc(c.by, func(p *party) bool { return slices.Contains(r.from, p) })
}

// verdict is what became of a rule.
type verdict struct {
	schema.VerificationCheck
	signers []string // that counted
	absent  bool     // nothing of the sort is there at all
}

// judge decides whether the claims satisfy the rule. One claim that does is as
// good as any, so that what others attach, or take away, can hide nothing and
// add nothing.
func (r *rule) judge(claims []claim) verdict {
	v := verdict{VerificationCheck: schema.VerificationCheck{Name: r.name()}, absent: true}
	var good, near []string // distinct signers: whose claim satisfies, whose does not
	var refused []schema.Refusal
	broken := "" // why a claim of this type proves nothing
	for i := range claims {
		c := &claims[i]
		if c.err != nil {
			if c.predicate == r.predicate || c.predicate == "" {
				v.absent = false
				broken = fmt.Sprintf("%s: %v", c.where, c.err)
			}
			continue
		}
		if c.predicate != r.predicate {
			continue
		}
		v.absent = false
		if !r.counts(c) {
			near = append(near, c.proof.String())
			continue
		}
		bad := r.refuses(c)
		if len(bad) > 0 {
			if refused == nil || len(bad) < len(refused) {
				refused = bad
			}
			continue
		}
		if len(good) == 0 {
			v.Detail = c.where
		}
		if !slices.Contains(good, c.id) {
			good = append(good, c.id)
			v.signers = append(v.signers, c.proof.String())
		}
	}
	if v.Passed = len(good) >= max(r.threshold, 1); v.Passed {
		return v
	}
	switch {
	case len(refused) > 0:
		v.Refused = refused
		var words []string
		for _, f := range refused {
			words = append(words, fmt.Sprintf("%s is %s, not %s", f.Rule, orNone(f.Found), f.Wanted))
		}
		v.Detail = strings.Join(words, "; ")
	case len(good) > 0:
		found := fmt.Sprintf("%d (%s)", len(good), strings.Join(v.signers, ", "))
		v.Refused = []schema.Refusal{refusal(r.at.Child("threshold"), found, fmt.Sprintf("%d different signers", r.threshold))}
		v.Detail = fmt.Sprintf("%d of %d signers that are needed: %s", len(good), r.threshold, strings.Join(v.signers, ", "))
	case len(near) > 0:
		v.Refused = []schema.Refusal{refusal(r.at.Child("from"), joined(near), r.whose())}
		v.Detail = fmt.Sprintf("signed by %s, not by %s", joined(near), r.whose())
	case broken != "":
		v.Detail = broken
	case r.predicate == signaturePredicate:
		v.Detail = "not signed"
	default:
		v.Detail = "not attested"
	}
	if v.Refused == nil && r.at.Doc != nil {
		v.Refused = []schema.Refusal{refusal(r.at, v.Detail, r.name()+" by "+r.whose())}
	}
	return v
}

func (r *rule) whose() string {
	if r.from == nil {
		return "one of the signers"
	}
	var names []string
	for _, p := range r.from {
		names = append(names, p.name)
	}
	return strings.Join(names, " or ")
}

// refuses lists what a claim lacks.
func (r *rule) refuses(c *claim) []schema.Refusal {
	var out []schema.Refusal
	for _, d := range r.demands {
		if found, ok := d.found(c); !ok {
			out = append(out, refusal(d.at, found, d.wanted))
		}
	}
	return out
}

func refusal(at schema.Position, found, wanted string) schema.Refusal {
	return schema.Refusal{Rule: at.String(), Found: found, Wanted: wanted, At: at.Pos()}
}

// errors are the errors for a verdict that is not good: one for each rule of the
// policy that does not hold, at its place there; NotFound when nothing of the
// sort is attached, Unsatisfied when it is there and does not hold.
func (v verdict) errors(subject string, attached int) []error {
	code := schema.Unsatisfied
	if v.absent {
		code = schema.NotFound
	}
	hint := "is the key, or the identity, the right one? if so, do not use this artefact"
	switch {
	case v.absent && attached == 0:
		hint = "nothing is attached to this digest: was it signed, and was the signature copied with it? (oras cp -r copies both)"
	case v.absent:
		hint = fmt.Sprintf("%d other signed statement(s) are attached to it", attached)
	}
	if len(v.Refused) == 0 {
		if v.absent {
			return []error{schema.Errorf(code, "%q has no %s", subject, v.Name).WithHint("%s", hint)}
		}
		return []error{schema.Errorf(code, "the %s of %q does not hold: %s", v.Name, subject, v.Detail).WithHint("%s", hint)}
	}
	var out []error
	for _, f := range v.Refused {
		if v.absent {
			out = append(out, schema.Errorf(code, "%q has no %s", subject, f.Wanted).At(f.At, f.Rule).WithHint("%s", hint))
			continue
		}
		out = append(out, schema.Errorf(code, "the %s of %q: found %s, the policy requires %s", v.Name, subject, orNone(f.Found), f.Wanted).At(f.At, f.Rule))
	}
	return out
}
