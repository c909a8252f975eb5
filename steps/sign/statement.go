package sign

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sigstore/cosign/v2/pkg/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/intoto"
)

// Types of in-toto statements, and of their predicates.
const (
	statementV0 = "https://in-toto.io/Statement/v0.1"

	// Provenance is the predicate type of SLSA provenance v1.
	Provenance = "https://slsa.dev/provenance/v1"

	signaturePredicate = types.CosignSignPredicateType
)

// statement is an in-toto statement whose predicate is not read yet.
type statement = intoto.Statement[json.RawMessage]

// subject is what a statement is about.
type subject = intoto.Resource

// signatureStatement states that its subjects are signed, and nothing more.
func signatureStatement(subjects []subject) ([]byte, error) {
	return newStatement(subjects, signaturePredicate, json.RawMessage("{}"))
}

func newStatement(subjects []subject, predicateType string, predicate json.RawMessage) ([]byte, error) {
	return json.Marshal(intoto.New(subjects, predicateType, predicate))
}

// ofDigest is the subject of statements about a digest alone.
func ofDigest(d schema.Digest) []subject { return []subject{{Digest: intoto.DigestSet(d)}} }

// parseStatement reads a statement whose signature holds.
func parseStatement(data []byte) (*statement, error) {
	var s statement
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%w: its statement is not JSON: %w", errMalformed, schema.PlainJSON(err))
	}
	if s.Type != intoto.Type && s.Type != statementV0 {
		return nil, fmt.Errorf("%w: its statement is a %q", errMalformed, s.Type)
	}
	return &s, nil
}

// about reports whether a statement is about what is verified: for a digest,
// which has no name, that it is among the subjects; for a tree, that its files
// are the subjects, all of them and nothing else.
func about(s *statement, want []subject) bool {
	if len(want) == 1 && want[0].Name == "" {
		return slices.ContainsFunc(s.Subject, func(u subject) bool { return u.Digest["sha256"] == want[0].Digest["sha256"] })
	}
	files := map[string]string{}
	for _, u := range s.Subject {
		if was, twice := files[u.Name]; twice && was != u.Digest["sha256"] {
			return false
		}
		files[u.Name] = u.Digest["sha256"]
	}
	for _, w := range want {
		if files[w.Name] == "" || files[w.Name] != w.Digest["sha256"] {
			return false
		}
		delete(files, w.Name)
	}
	return len(files) == 0
}
