package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// predicateNames lists the short names of predicate types, as cosign's --type has
// them, each with its type. Its custom is missing, for cosign wraps that predicate; spdx is JSON here, which
// cosign signs as a text.
func predicateNames() [][2]string {
	return [][2]string{
		{"cyclonedx", "https://cyclonedx.org/bom"},
		{"link", "https://in-toto.io/Link/v1"},
		{"openvex", "https://openvex.dev/ns"},
		{"slsaprovenance", "https://slsa.dev/provenance/v0.2"},
		{"slsaprovenance02", "https://slsa.dev/provenance/v0.2"},
		{"slsaprovenance1", Provenance},
		{"spdx", "https://spdx.dev/Document"},
		{"spdxjson", "https://spdx.dev/Document"},
		{"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"},
	}
}

// PredicateNames lists the short names of predicate types.
func PredicateNames() []string {
	var out []string
	for _, n := range predicateNames() {
		out = append(out, n[0])
	}
	return out
}

// predicateType is the type that a short name or a URI stands for.
func predicateType(name string) (string, error) {
	for _, n := range predicateNames() {
		if n[0] == name {
			return n[1], nil
		}
	}
	if strings.Contains(name, ":") {
		return name, nil
	}
	return "", schema.Errorf(schema.Invalid, "no predicate type %q", name).
		WithHint("write its URI, or one of %s", strings.Join(PredicateNames(), ", "))
}

// readPredicate reads the JSON of a predicate.
func readPredicate(path string) (json.RawMessage, error) {
	data, err := userfile.Read(path, maxEnvelope/2) // in base64 it must fit an envelope
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no predicate %q", path)
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "reading the predicate: %w", err)
	}
	if !json.Valid(data) {
		return nil, schema.Errorf(schema.Invalid, "predicate %q is not JSON", path)
	}
	// Readers of statements take nothing else
	// (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return nil, schema.Errorf(schema.Invalid, "predicate %q is not a JSON object", path)
	}
	return data, nil
}
