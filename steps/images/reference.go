package images

import (
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// reference is an image as Pods name it, in parts.
type reference struct {
	repository  string // with its registry: registry.k8s.io/pause
	tag, digest string
}

var (
	referenceForm = pattern.New(`^[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
	hostForm      = pattern.New(`^([^/]*[.:][^/]*|localhost)$`)
)

// parseReference reads an image's name, with the registry that a container
// runtime assumes: docker.io, and library/ for a single word. False if it is
// not one.
func parseReference(s string) (reference, bool) {
	if !referenceForm.MatchString(s) {
		return reference{}, false
	}
	var r reference
	s, r.digest, _ = strings.Cut(s, "@")
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		s, r.tag = s[:i], s[i+1:]
	}
	r.repository = qualify(s)
	return r, true
}

// qualify adds the registry that a container runtime assumes.
func qualify(repository string) string {
	host, _, more := strings.Cut(repository, "/")
	switch {
	case more && hostForm.MatchString(host):
		return repository
	case !more:
		return "docker.io/library/" + repository
	}
	return "docker.io/" + repository
}

func (r reference) String() string {
	s := r.repository
	if r.tag != "" {
		s += ":" + r.tag
	}
	if r.digest != "" {
		s += "@" + r.digest
	}
	return s
}

// placeholder reports a name that is in the source of a chart until it is
// released: such a chart is published with another one.
func (r reference) placeholder() bool {
	return strings.HasPrefix(r.repository, "docker.io/registry/") || strings.Contains(r.repository, "/k8s-staging-images/") ||
		strings.Contains(r.repository, "/nvstaging/") || developmentTag.MatchString(r.tag)
}

var developmentTag = pattern.New(`^(main|main-.*|release-.*|.*-dev|.*-near)$`)
