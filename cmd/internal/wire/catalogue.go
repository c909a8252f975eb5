package wire

import (
	"context"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/compile"
)

// Catalogue is which catalogue of recipes is looked at.
type Catalogue struct {
	Release string // YYYY-MM; the newest if ""
	Data    string // directory of CUE files unified with it; "" for none
}

// Open opens the catalogue; cache keeps what --data compiles to, which takes a second:
// by the digests of all its files, so that an edit is seen at once.
func (k Catalogue) Open(ctx context.Context, cache string) (*recipes.Catalog, error) {
	if k.Data == "" {
		return recipes.Release(k.Release)
	}
	return compile.Data(cache)(ctx, k.Release, k.Data)
}

// Source is the CUE that the catalogue is compiled from.
func (k Catalogue) Source() (compile.Source, error) {
	src, err := compile.Shipped(k.Release)
	if err != nil || k.Data == "" {
		return src, err
	}
	return src.With(k.Data)
}
