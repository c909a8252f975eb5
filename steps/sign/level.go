package sign

import (
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// facts are what is proven of an artefact. Each is true because something is
// there that proves it, never because something is not: taking away signatures
// and attestations can only make facts false, and so never raises a level.
type facts struct {
	content bool // it is what it states of itself: its digest, its checksums
	signed  bool // somebody who counts has signed a statement about it
	made    bool // somebody who counts has signed how it was made, and it agrees with that
	policy  bool // every rule holds
}

// levels lists the trust levels, the highest first, each with the facts that it
// needs.
func levels() []struct {
	level schema.TrustLevel
	needs facts
} {
	return []struct {
		level schema.TrustLevel
		needs facts
	}{
		{"verified", facts{content: true, signed: true, made: true, policy: true}},
		{"attested", facts{content: true, signed: true}},
		{"unverified", facts{content: true}},
		{"unknown", facts{}},
	}
}

// level is the highest level whose facts hold.
func (f facts) level() schema.TrustLevel {
	for _, l := range levels() {
		n := l.needs
		if (f.content || !n.content) && (f.signed || !n.signed) && (f.made || !n.made) && (f.policy || !n.policy) {
			return l.level
		}
	}
	panic("BUG: the lowest level needs a fact")
}

// below reports whether level a is lower than b.
func below(a, b schema.TrustLevel) bool {
	rank := func(l schema.TrustLevel) int {
		all := levels()
		return len(all) - slices.IndexFunc(all, func(e struct {
			level schema.TrustLevel
			needs facts
		}) bool {
			return e.level == l
		})
	}
	return rank(a) < rank(b)
}

// lacks says what keeps an artefact from a level.
func (f facts) lacks(level schema.TrustLevel) string {
	switch {
	case !f.content:
		return "its files are not those that it lists"
	case !f.signed && below("unverified", level):
		return "nobody who counts has signed it: name who does with --key or --policy"
	case !f.made && below("attested", level):
		return "it has no provenance, signed by somebody who counts, that names the recipe it was made from: sign it with --attest"
	}
	return "a rule of the policy does not hold"
}
