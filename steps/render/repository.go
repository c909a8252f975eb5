package render

import (
	"path"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// repository is where a GitOps deployer reads the bundle from.
type repository struct {
	url      string
	oci      bool
	revision string // branch, tag, commit; for OCI a tag or digest
	dir      string // of the bundle in it, "" for the root
}

var (
	gitForm      = pattern.New(`^(https://|ssh://)[A-Za-z0-9._~:/@%+-]+$`)
	ociForm      = pattern.New(`^oci://[A-Za-z0-9.:-]+(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$`)
	revisionForm = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._/:-]*$`)
)

// parseRepository checks --repo and what belongs to it.
func parseRepository(url, revision, dir string) (repository, error) {
	var errs []error
	bad := func(param, format string, args ...any) *schema.Error {
		return schema.Errorf(schema.Invalid, format, args...).At("", param)
	}
	r := repository{url: url, revision: revision, oci: strings.HasPrefix(url, "oci://")}
	if r.oci {
		named := ""
		if base, digest, ok := strings.Cut(url, "@"); ok {
			r.url, named = base, digest
		}
		if i := strings.LastIndexByte(r.url, ':'); i > strings.LastIndexByte(r.url, '/') {
			if named == "" {
				named = r.url[i+1:]
			}
			r.url = r.url[:i]
		}
		if r.revision == "" {
			r.revision = named
		}
		if named != "" && r.revision != named {
			errs = append(errs, bad("revision", "%q is not the revision that repo names, %q", revision, named))
		}
		if !ociForm.MatchString(r.url) {
			errs = append(errs, bad("repo", "%q is no OCI repository", url).WithHint("write oci://REGISTRY/REPOSITORY:TAG, in lower case"))
		} else if r.revision == "" {
			errs = append(errs, bad("revision", "%q names no tag or digest", url).WithHint("write oci://REGISTRY/REPOSITORY:TAG, or add %s", schema.Parameter("revision")))
		}
	} else if !gitForm.MatchString(url) {
		errs = append(errs, bad("repo", "%q is not a repository", url).WithHint("write https://HOST/PATH or ssh://… for Git, oci://REGISTRY/REPOSITORY:TAG for a pushed bundle"))
	} else if userinfo.MatchString(url) {
		errs = append(errs, bad("repo", "the repository's address holds a password, which would be written into the bundle").WithHint("give the deployer its credentials in a Secret"))
	}
	if r.revision != "" && !revisionForm.MatchString(r.revision) {
		errs = append(errs, bad("revision", "%q is not a revision", r.revision))
	}
	if dir != "" {
		r.dir = path.Clean(dir)
		if strings.HasPrefix(r.dir, "/") || strings.HasPrefix(r.dir, "..") || !dirForm.MatchString(r.dir) {
			errs = append(errs, bad("repoPath", "%q is not a directory inside a repository", dir))
		}
		if r.dir == "." {
			r.dir = ""
		}
	}
	return r, schema.Join(errs)
}

var (
	dirForm  = pattern.New(`^[A-Za-z0-9._][A-Za-z0-9._/-]*$`)
	userinfo = pattern.New(`^[a-z]+://[^/@]*:[^/@]*@`)
)

// path returns where a file of the bundle stands in the repository.
func (r repository) path(name string) string { return path.Join(r.dir, name) }
