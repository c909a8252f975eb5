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

// signatureStatement says of a digest that it is signed, and nothing more.
func signatureStatement(d schema.Digest) ([]byte, error) {
	return json.Marshal(statement{
		Type:          statementV1,
		Subject:       []subject{{Digest: digestSet(d)}},
		PredicateType: signaturePredicate,
		Predicate:     json.RawMessage("{}"),
	})
}

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

// about says whether d is a subject of the statement.
func (s *statement) about(d schema.Digest) bool {
	return slices.ContainsFunc(s.Subject, func(u subject) bool {
		return "sha256:"+u.Digest["sha256"] == string(d)
	})
}
