package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// caches are the flags about results that are shared through other places.
type caches struct {
	from, to []string
	access   oci.Access
}

func (f *caches) bind(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVar(&f.from, "cache-from", nil, "take results from here, oci://REGISTRY/REPOSITORY or a directory (may be repeated)")
	fl.StringArrayVar(&f.to, "cache-to", nil, "give results to here, oci://REGISTRY/REPOSITORY or a directory (may be repeated)")
	bindAccess(c, &f.access)
}

// bindAccess binds how the registries of caches and stores are spoken to.
func bindAccess(c *cobra.Command, to *oci.Access) {
	c.Flags().BoolVar(&to.PlainHTTP, "plain-http", false, "talk HTTP instead of HTTPS to caches and stores")
	c.Flags().BoolVar(&to.InsecureTLS, "insecure-tls", false, "do not verify the certificates of caches and stores")
}

// open opens the places that the flags name. What is opened is closed with the
// process.
func (f *caches) open(w *wired) (from, to []engine.Cache, err error) {
	var errs []error
	each := func(flag string, uris []string) (out []engine.Cache) {
		for _, uri := range uris {
			c, err := w.openCache(uri, f.access)
			if err != nil {
				errs = append(errs, schema.Errorf(schema.CodeOf(err), "--%s: %w", flag, err).WithHint("%s", hintOf(err)))
				continue
			}
			out = append(out, c)
		}
		return out
	}
	from, to = each("cache-from", f.from), each("cache-to", f.to)
	return from, to, schema.Join(errs)
}

// isRegistry says whether the address of a store or cache is a repository and
// not a directory.
func isRegistry(uri string) bool {
	return strings.HasPrefix(uri, "oci://") || strings.HasPrefix(uri, "oci-layout:") || strings.HasPrefix(uri, oci.Embedded+"/")
}

// openCache opens a repository, or the store in a directory.
func (w *wired) openCache(uri string, access oci.Access) (engine.Cache, error) {
	if !isRegistry(uri) {
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
	return w.registries.Cache(uri, dir, access)
}

func hintOf(err error) string {
	for _, e := range schema.List(err) {
		if se, ok := e.(*schema.Error); ok {
			return se.Hint
		}
	}
	return ""
}
