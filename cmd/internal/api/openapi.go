package api

import (
	_ "embed"
	"sync"
)

//go:generate go run ./gen

// described is the OpenAPI document of the routes.
//
//go:embed openapi.yaml
var described []byte

// OpenAPI returns the OpenAPI document of the routes, in YAML.
func OpenAPI() []byte { return described }

// openAPIAnswer is made once, when it is first asked for: all servers of a version have the
// same. It does not depend on a catalogue, and so is in no cache of one.
var openAPIAnswer = sync.OnceValue(func() *answer { return (&answer{body: described}).seal() })
