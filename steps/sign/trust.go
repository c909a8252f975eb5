package sign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// party is somebody whose signatures count: a key, or whoever a certificate
// identifies.
type party struct {
	name     string // in the policy; of a key without a policy, its path; of an identity without one, ""
	key      *verifier
	identity *identity
}

// proof is who signed an envelope, and what else is proven of that.
type proof struct {
	by     []*party  // those whose signature it is
	id     string    // digest of the key, or identity and issuer: what makes two signers two
	who    string    // identity in the certificate; "" for a key
	issuer string    // that the certificate names; "" for a key
	logged bool      // a transparency log has recorded it
	at     time.Time // by a log or a timestamp authority; zero if neither vouches for one
}

// String names the signer as the policy does, and its key or identity.
func (p proof) String() string {
	named := len(p.by) > 0 && p.by[0].name != ""
	switch {
	case named && p.who != "":
		return fmt.Sprintf("%s (%s, issuer %s)", p.by[0].name, p.who, p.issuer)
	case named:
		return fmt.Sprintf("%s (%s)", p.by[0].name, p.id)
	case p.who != "":
		return fmt.Sprintf("%s (issuer %s)", p.who, p.issuer)
	}
	return p.id
}

// trust is everybody whose signatures count.
type trust struct {
	parties []*party
	// certified opens a bundle that is signed with a certificate; nil where no
	// party is an identity.
	certified func(ctx context.Context, data []byte) (*statement, proof, error)
	// witnessed tells of a bundle that is signed with a key whether a log has
	// recorded it and when; nil where there is no trusted root.
	witnessed func(ctx context.Context, data, key []byte) (bool, proof)
}

var (
	errNobody       = errors.New("it was signed with a certificate, and no identity is trusted")
	errCertificates = errors.New("it was signed with a certificate, which this eidos does not check")
)

// open returns the statement in a Sigstore bundle, and who of those that count
// has signed it.
func (t *trust) open(ctx context.Context, data []byte) (*statement, proof, error) {
	if !hasCertificate(data) {
		st, p, err := t.byKey(func(v *verifier) (*statement, error) { return open(v, data) })
		if err == nil && t.witnessed != nil && hasWitness(data) {
			if ok, w := t.witnessed(ctx, data, p.by[0].key.der); ok {
				p.logged, p.at = w.logged, w.at
			}
		}
		return st, p, err
	}
	if !slices.ContainsFunc(t.parties, func(p *party) bool { return p.identity != nil }) {
		return nil, proof{}, errNobody
	}
	if t.certified == nil {
		return nil, proof{}, errCertificates
	}
	return t.certified(ctx, data)
}

// byKey tries each key. The first that fits is the one: no two are the same.
func (t *trust) byKey(open func(*verifier) (*statement, error)) (*statement, proof, error) {
	err := errOtherKey
	for _, p := range t.parties {
		if p.key == nil {
			continue
		}
		var st *statement
		if st, err = open(p.key); err == nil {
			return st, proof{by: []*party{p}, id: string(p.key.id)}, nil
		}
		if !errors.Is(err, errOtherKey) {
			break
		}
	}
	return nil, proof{}, err
}
