package sign

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sigstore/cosign/v2/pkg/types"

	"github.com/NVIDIA/eidos/schema"
)

// Types of in-toto statements, and of their predicates.
const (
	statementV1 = "https://in-toto.io/Statement/v1"
	statementV0 = "https://in-toto.io/Statement/v0.1"

	// Provenance is the predicate type of SLSA provenance v1.
	Provenance = "https://slsa.dev/provenance/v1"

	signaturePredicate = types.CosignSignPredicateType
)

// statement is an in-toto statement: a predicate about subjects.
type statement struct {
	Type          string          `json:"_type"`
	Subject       []subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate,omitempty"`
}

type subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// signatureStatement states that its subjects are signed, and nothing more.
func signatureStatement(subjects []subject) ([]byte, error) {
	return newStatement(subjects, signaturePredicate, json.RawMessage("{}"))
}

func newStatement(subjects []subject, predicateType string, predicate json.RawMessage) ([]byte, error) {
	return json.Marshal(statement{Type: statementV1, Subject: subjects, PredicateType: predicateType, Predicate: predicate})
}

// ofDigest is the subject of statements about a digest alone.
func ofDigest(d schema.Digest) []subject { return []subject{{Digest: digestSet(d)}} }

func digestSet(d schema.Digest) map[string]string {
	return map[string]string{"sha256": strings.TrimPrefix(string(d), "sha256:")}
}

// parseStatement reads a statement whose signature holds.
func parseStatement(data []byte) (*statement, error) {
	var s statement
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%w: its statement is not JSON: %w", errMalformed, err)
	}
	if s.Type != statementV1 && s.Type != statementV0 {
		return nil, fmt.Errorf("%w: its statement is a %q", errMalformed, s.Type)
	}
	return &s, nil
}

// about reports whether the statement is about what is verified: for a digest,
// which has no name, that it is among the subjects; for a tree, that its files
// are the subjects, all of them and nothing else.
func (s *statement) about(want []subject) bool {
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
