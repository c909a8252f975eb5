package sign

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// Taking statements away never raises the trust level, whatever the statements
// and the policy are.
func TestStrippingNeverRaises(t *testing.T) {
	alice, bob := &party{name: "alice"}, &party{name: "bob"}
	about := ofDigest(someDigest)
	r := rand.New(rand.NewPCG(1, 2))
	some := func() claim {
		c := claim{predicate: signaturePredicate, proof: proof{by: []*party{alice}, id: "a", logged: r.IntN(2) == 0}}
		if r.IntN(2) == 0 {
			c.by, c.id = []*party{bob}, "b"
		}
		switch r.IntN(4) {
		case 0:
			c.predicate = "https://example.com/x"
		case 1, 2:
			c.predicate = Provenance
		}
		builder := []string{"good", "evil"}[r.IntN(2)]
		c.statement = &statement{Subject: about, PredicateType: c.predicate,
			Predicate: json.RawMessage(`{"runDetails":{"builder":{"id":"` + builder + `"}}}`)}
		if r.IntN(6) == 0 {
			c.err = errMalformed
		}
		return c
	}
	level := func(pol *policy, claims []claim) schema.TrustLevel {
		v := &verification{out: &schema.Verification{Verified: true}, facts: facts{content: true}}
		v.judge(pol, claims, nil, nil)
		return v.facts.level()
	}
	reached := map[schema.TrustLevel]int{}
	for range 3000 {
		pol := &policy{trust: trust{parties: []*party{alice, bob}}}
		if r.IntN(3) == 0 {
			pol.shared = []demand{{wanted: "a log", found: func(c *claim) (string, bool) { return "", c.logged }}}
		}
		pol.rules = []rule{{predicate: signaturePredicate, threshold: r.IntN(3), demands: pol.shared}}
		if r.IntN(2) == 0 {
			pol.rules = append(pol.rules, rule{predicate: Provenance, from: []*party{alice}, demands: append(pol.shared, demand{
				wanted: "good", found: func(c *claim) (string, bool) {
					p, err := c.slsa()
					return "", err == nil && p.RunDetails.Builder.ID == "good"
				}})})
		}
		if r.IntN(3) == 0 {
			pol.creator.wanted = "alice"
		}
		var all []claim
		for range r.IntN(6) {
			all = append(all, some())
		}
		var left []claim
		for _, c := range all {
			if r.IntN(2) == 0 {
				left = append(left, c)
			}
		}
		before, after := level(pol, all), level(pol, left)
		reached[before]++
		if below(before, after) {
			t.Fatalf("%d statements: %s; %d of them: %s\n%+v\n%+v", len(all), before, len(left), after, all, left)
		}
	}
	for _, l := range []schema.TrustLevel{"unverified", "attested", "verified"} {
		if reached[l] < 50 {
			t.Errorf("level %s was reached %d times: the test looks at too little", l, reached[l])
		}
	}
}

func TestLevels(t *testing.T) {
	for want, f := range map[schema.TrustLevel]facts{
		"unknown":    {signed: true, made: true, policy: true},
		"unverified": {content: true, policy: true},
		"attested":   {content: true, signed: true, policy: true},
		"verified":   {content: true, signed: true, made: true, policy: true},
	} {
		if got := f.level(); got != want {
			t.Errorf("%+v is %s, want %s", f, got, want)
		}
		if want != "verified" && f.lacks("verified") == "" {
			t.Errorf("%+v: nothing is lacking", f)
		}
	}
	if got := (facts{content: true, signed: true, made: true}).level(); got != "attested" {
		t.Errorf("a policy that does not hold leaves %s", got)
	}
}
