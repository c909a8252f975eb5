// Package intoto has in-toto statements, version 1, which are about subjects by
// digest: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. What
// is stated, the predicate, is its user's. in-toto's own types are protocol buffers:
// their JSON is not the same bytes each time, on purpose.
package intoto

import (
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Type is the type of statements.
const Type = "https://in-toto.io/Statement/v1"

// Statement states P about its subjects.
type Statement[P any] struct {
	Type          string     `json:"_type"`
	Subject       []Resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     P          `json:"predicate"`
}

// New makes a statement.
func New[P any](subjects []Resource, predicateType string, predicate P) *Statement[P] {
	if subjects == nil {
		subjects = []Resource{} // [] rather than null
	}
	return &Statement[P]{Type: Type, Subject: subjects, PredicateType: predicateType, Predicate: predicate}
}

// Resource is a thing by digest.
type Resource struct {
	Name      string            `json:"name,omitempty"`
	URI       string            `json:"uri,omitempty"`
	Digest    map[string]string `json:"digest,omitempty"` // algorithm → hex
	MediaType string            `json:"mediaType,omitempty"`
}

// DigestSet is a digest as resources have it.
func DigestSet(d schema.Digest) map[string]string {
	algorithm, hex, _ := strings.Cut(string(d), ":")
	return map[string]string{algorithm: hex}
}
