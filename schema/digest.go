package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// DigestOf returns the SHA-256 digest of data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return DigestOfSum(sum[:])
}

// DigestOfSum returns the digest that has sum, the 32 bytes of a SHA-256: of what
// was hashed in pieces.
func DigestOfSum(sum []byte) Digest {
	const algorithm = "sha256:"
	text := append(make([]byte, 0, len(algorithm)+2*sha256.Size), algorithm...)
	return Digest(hex.AppendEncode(text, sum))
}

// ShortType returns the short name of a media type of ours: recipe, bundle.
func ShortType(mediaType string) string {
	s := strings.TrimPrefix(mediaType, "application/vnd.nvidia.eidos.")
	s, _, _ = strings.Cut(s, ".")
	return s
}

// TypeWord describes the type of a plain value, for messages.
func TypeWord(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "a number"
}

// Hex returns the hex part of d. Invalid if d is not a SHA-256 digest.
func (d Digest) Hex() (string, error) {
	h, ok := strings.CutPrefix(string(d), "sha256:")
	// Trim needs no branch for each digit, which cannot be predicted.
	if !ok || len(h) != 64 || strings.Trim(h, "0123456789abcdef") != "" {
		return "", Errorf(Invalid, "%q is not a SHA-256 digest", d)
	}
	return h, nil
}
