package wire

import (
	"os"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// Caches are where results are shared through other places, oci://REGISTRY/REPOSITORY
// or directories.
type Caches struct {
	From, To []string
	Access   oci.Access
}

// Open opens the places. What is opened is closed with the process.
func (f Caches) Open(w *Wiring) (from, to []engine.Cache, err error) {
	var errs []error
	each := func(flag string, uris []string) (out []engine.Cache) {
		for _, uri := range uris {
			c, err := w.OpenCache(uri, f.Access)
			if err != nil {
				errs = append(errs, schema.Errorf(schema.CodeOf(err), "--%s: %w", flag, err))
				continue
			}
			out = append(out, c)
		}
		return out
	}
	from, to = each("cache-from", f.From), each("cache-to", f.To)
	return from, to, schema.Join(errs)
}

// IsRegistry reports whether the address of a store or cache is a repository and
// not a directory.
func IsRegistry(uri string) bool {
	return strings.HasPrefix(uri, "oci://") || strings.HasPrefix(uri, "oci-layout:") || strings.HasPrefix(uri, oci.Embedded+"/")
}

// OpenCache opens a repository, or the store in a directory. Here an address decides what
// kind of cache is behind it: another backend is one more case, and an engine.Cache.
// A directory is made if it is not there; nothing is asked of a registry before the
// first key is looked up.
func (w *Wiring) OpenCache(uri string, access oci.Access) (engine.Cache, error) {
	if !IsRegistry(uri) {
		if uri == "" || strings.Contains(uri, "://") {
			return nil, schema.Errorf(schema.Invalid, "%q is neither a directory nor oci://REGISTRY/REPOSITORY", uri)
		}
		host, _, ok := strings.Cut(uri, "/")
		if _, err := os.Stat(uri); err != nil && ok && strings.ContainsAny(strings.TrimLeft(host, "."), ".:") {
			return nil, schema.Errorf(schema.Invalid, "%q is not a directory", uri).WithHint("write oci://%s, or ./%s", uri, uri)
		}
		s, err := store.Open(uri)
		if err != nil {
			return nil, err
		}
		return content.Shared{Store: s}, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return w.Registries.Cache(uri, dir, access)
}
