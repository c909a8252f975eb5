package oci

import (
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/NVIDIA/eidos/schema"
)

// Embedded is the host part that stands for the embedded registry.
const Embedded = "embedded"

// layoutPrefix marks a reference into an OCI image layout directory.
const layoutPrefix = "oci-layout:"

// Location is a repository, and perhaps a tag or a digest in it.
type Location struct {
	Dir        string // OCI layout, a directory or one tar file; "" for a registry
	Registry   string // host[:port], or Embedded
	Repository string // path in the registry
	Tag        string
	Digest     schema.Digest
}

// ParseLocation reads
//
//	registry/repository[:tag][@sha256:…]
//	embedded/repository[:tag][@sha256:…]
//	oci-layout:DIR[:tag][@sha256:…]   or the one file FILE.tar that a layout is in
//
// each also with oci:// before it. The host must look like one (a dot, a port,
// localhost), so that a misspelt word does not become somebody's repository on
// a public registry. Errors are Invalid.
func ParseLocation(s string) (Location, error) {
	rest := strings.TrimPrefix(s, "oci://")
	var l Location
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if _, err := parseDigest(rest[at+1:]); err != nil {
			return Location{}, schema.Errorf(schema.Invalid, "reference %q: %q is not a digest", s, rest[at+1:]).
				WithHint("a digest is sha256: and 64 hexadecimal digits")
		}
		l.Digest = schema.Digest(rest[at+1:])
		rest = rest[:at]
	}
	// A tag has no slash; the last colon of host:port/path stands before one.
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, '/') &&
		!(strings.HasPrefix(rest, layoutPrefix) && colon == len(layoutPrefix)-1) {
		l.Tag = rest[colon+1:]
		rest = rest[:colon]
		if !tagPattern.MatchString(l.Tag) {
			return Location{}, schema.Errorf(schema.Invalid, "reference %q: %q is not a tag", s, l.Tag).
				WithHint("a tag has letters, digits, dots, dashes and underscores, at most 128")
		}
	}
	if dir, ok := strings.CutPrefix(rest, layoutPrefix); ok {
		if dir == "" {
			return Location{}, schema.Errorf(schema.Invalid, "reference %q names no directory", s).WithHint("write oci-layout:DIR[:tag]")
		}
		l.Dir = dir
		return l, nil
	}
	host, repo, _ := strings.Cut(rest, "/")
	l.Registry, l.Repository = host, repo
	if host == "" || repo == "" || len(repo) > 255 || !repoPattern.MatchString(repo) {
		return Location{}, schema.Errorf(schema.Invalid, "reference %q is not registry/repository[:tag]", s).
			WithHint("for example registry.example.com/team/bundle:v1, embedded/bundle:v1 or oci-layout:DIR:v1; repositories are lower case")
	}
	if host == Embedded {
		return l, nil
	}
	if !strings.ContainsAny(host, ".:") && host != "localhost" {
		return Location{}, schema.Errorf(schema.Invalid, "reference %q: %q is not a registry host", s, host).
			WithHint("%s", hostHint(host, rest))
	}
	if _, err := name.NewRepository(rest); err != nil {
		return Location{}, schema.Errorf(schema.Invalid, "reference %q: %w", s, err)
	}
	return l, nil
}

func hostHint(host, rest string) string {
	if schema.Nearest(host, []string{Embedded}) != "" {
		return "did you mean " + Embedded + "?"
	}
	return "write the host too: docker.io/" + rest + ", or embedded/" + rest + " for the registry that eidos brings"
}

// String is the location as ParseLocation reads it, without oci://.
func (l Location) String() string {
	s := l.base()
	if l.Tag != "" {
		s += ":" + l.Tag
	}
	if l.Digest != "" {
		s += "@" + string(l.Digest)
	}
	return s
}

// At is the reference to digest d at this location, without tag.
func (l Location) At(d schema.Digest) string { return l.base() + "@" + string(d) }

func (l Location) base() string {
	if l.Dir != "" {
		return layoutPrefix + l.Dir
	}
	return l.Registry + "/" + l.Repository
}

// Beside is the reference to digest d where a reference is.
func Beside(reference string, d schema.Digest) (string, error) {
	l, err := ParseLocation(reference)
	return l.At(d), err
}

// In makes a relative layout directory relative to dir.
func (l Location) in(dir string) string {
	if filepath.IsAbs(l.Dir) {
		return l.Dir
	}
	return filepath.Join(dir, l.Dir)
}
