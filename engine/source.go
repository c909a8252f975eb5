package engine

import (
	"encoding/json"

	"github.com/NVIDIA/eidos/schema"
)

// Source is what a run was made of, kept in its first event so that it can be
// run again. It never holds a secret.
type Source struct {
	// File is the pipeline's path, absolute, or the name of one that eidos
	// brings; "" if it came from standard input.
	File string `json:"file,omitempty"`
	// Dir is what the pipeline's relative paths are relative to.
	Dir string `json:"dir,omitempty"`
	// Text is the pipeline as it was run, in the store while the run is kept.
	Text schema.Digest `json:"text,omitempty"`
	// Included names more in the store that the pipeline is made of.
	Included []schema.Digest   `json:"included,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	Values   json.RawMessage   `json:"values,omitempty"` // of --params-file
	// Kubeconfig and Context are of the caller, who reaches a cluster by them.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Context    string `json:"context,omitempty"`

	// What the Runner adds of its own.
	Force     []string `json:"force,omitempty"`
	Only      []string `json:"only,omitempty"`
	From      string   `json:"from,omitempty"`
	KeepGoing bool     `json:"keepGoing,omitempty"`
	Retry     string   `json:"retry,omitempty"` // run that this one runs again
}
