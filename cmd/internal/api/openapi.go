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

// openAPIAnswer is made once: all servers of a version have the same.
var openAPIAnswer = sync.OnceValue(func() *answer { return (&answer{body: described}).seal() })
