// Package imageref reads the names of container images as Pods have them, and
// names images in a mirror.
package imageref

import (
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// Ref is the name of an image in parts.
type Ref struct {
	Repository  string // with its registry: registry.k8s.io/pause
	Tag, Digest string
}

var (
	form     = pattern.New(`^[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
	hostForm = pattern.New(`^([^/]*[.:][^/]*|localhost)$`)
)

// Parse reads an image's name, with the registry that a container runtime
// assumes: docker.io, and library/ for a single word. False if it is not one.
func Parse(s string) (Ref, bool) {
	if !form.MatchString(s) {
		return Ref{}, false
	}
	var r Ref
	s, r.Digest, _ = strings.Cut(s, "@")
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		s, r.Tag = s[:i], s[i+1:]
	}
	r.Repository = Qualify(s)
	return r, true
}

// Qualify adds the registry that a container runtime assumes.
func Qualify(repository string) string {
	host, _, more := strings.Cut(repository, "/")
	switch {
	case more && hostForm.MatchString(host):
		return repository
	case !more:
		return "docker.io/library/" + repository
	}
	return "docker.io/" + repository
}

func (r Ref) String() string {
	s := r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Versioned reports whether a name means the same image tomorrow, as far as a tag
// does.
func (r Ref) Versioned() bool {
	return r.Digest != "" || r.Tag != "" && r.Tag != "latest"
}

// MirrorName is the name that an image has in a mirror: below the registry that
// it comes from, so that no two meet.
func MirrorName(s string) string {
	r, ok := Parse(s)
	if !ok {
		return s
	}
	host, rest, _ := strings.Cut(r.Repository, "/")
	r.Repository = strings.ReplaceAll(host, ":", "-") + "/" + rest
	return r.String()
}

// InMirror is an image as a mirror, registry[/prefix], has it; the image itself
// without one.
func InMirror(mirror, s string) string {
	if mirror == "" {
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(mirror, "oci://"), "/") + "/" + MirrorName(s)
}

// OfEidos is the image that a version of eidos was released with.
func OfEidos(version string) string { return "ghcr.io/nvidia/eidos:" + version }
