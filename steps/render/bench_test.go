package render

import (
	"testing"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// A bundle of a real recipe, without writing it.
func BenchmarkRender(b *testing.B) {
	r := shipped(b, schema.Criteria{Service: "eks", Accelerator: "h100", OS: "ubuntu", Intent: "training"})
	src := Source{Manifest: recipes.Manifest}
	for b.Loop() {
		if _, err := Render(r, schema.RenderParams{Layout: "components"}, src); err != nil {
			b.Fatal(err)
		}
	}
}
