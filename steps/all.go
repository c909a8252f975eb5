// Package steps lists the kinds of steps.
package steps

import (
	"context"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/steps/chartlock"
	"github.com/NVIDIA/eidos/steps/check"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/steps/drift"
	"github.com/NVIDIA/eidos/steps/images"
	"github.com/NVIDIA/eidos/steps/inspect"
	"github.com/NVIDIA/eidos/steps/mirror"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/resolve"
	"github.com/NVIDIA/eidos/steps/sign"
	"github.com/NVIDIA/eidos/steps/validate"
)

// Needs is what the kinds need of their surroundings.
type Needs struct {
	Collect collect.Options
	Data    resolve.Data // opens --data catalogues; nil refuses them
	Charts  chartlock.Options
	OCI     oci.Options
	Sign    sign.Options
	Check   check.Needs
}

// All lists every kind of step. A test checks that no folder is missing.
func All(n Needs) []engine.Kind {
	known := images.Options{Manifest: recipes.Manifest, Facts: charts.Builtin(), OCI: n.OCI, Version: n.Check.Version,
		Checks: func(ctx context.Context, dir, data string) (map[string]recipes.Check, error) {
			return n.Check.Checks(ctx, dir, data, "")
		}}
	return append(append(resolve.Kinds(n.Data),
		collect.Kind(n.Collect),
		validate.Kind(),
		chartlock.Kind(n.Charts),
		inspect.Kind(n.Charts),
		images.Kind(known),
		images.RelocateKind(known),
		mirror.Kind(n.OCI),
		mirror.CheckKind(n.OCI),
		render.Kind(recipes.Manifest),
		oci.PushKind(n.OCI, sign.CheckBundle),
		drift.Kind(),
		check.Kind(n.Check),
		check.EvidenceKind(n.Check),
	), sign.Kinds(n.Sign)...)
}
