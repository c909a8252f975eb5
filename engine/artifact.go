package engine

import (
	"cmp"
	"maps"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// Artifact names a stored value: an OCI descriptor without its annotations.
type Artifact struct {
	MediaType string        `json:"mediaType"`
	Digest    schema.Digest `json:"digest"`
	Size      int64         `json:"size"` // bytes
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
