package single

import (
	"context"

	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
)

// Recipe reads a recipe from anywhere, for commands that show it and run no step.
func (r Runner) Recipe(ctx context.Context, from string, o wire.Options) (*schema.RecipeResult, error) {
	v, err := wire.New(r.Host, o).Load(ctx, r.Here(), URI(from), (*schema.RecipeResult)(nil).MediaType())
	if err != nil {
		return nil, err
	}
	res, ok := v.(*schema.RecipeResult)
	if !ok {
		return nil, schema.Errorf(schema.Invalid, "%q is not a recipe", from)
	}
	return res, nil
}
