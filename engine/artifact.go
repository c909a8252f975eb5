package engine

import (
	"github.com/NVIDIA/eidos/schema"
)

// Artifact names a stored value: an OCI descriptor without its annotations.
type Artifact struct {
	MediaType string        `json:"mediaType"`
	Digest    schema.Digest `json:"digest"`
	Size      int64         `json:"size"` // bytes
}
