package schema

import "strings"

// DefinesKinds reports whether a manifest, by its name, has only definitions of
// custom resources: they are applied before what is of these kinds.
func DefinesKinds(name string) bool { return strings.HasSuffix(name, ".crd.yaml") }
