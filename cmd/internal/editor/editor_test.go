package editor

import (
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cuejson "cuelang.org/go/encoding/json"
	"cuelang.org/go/encoding/jsonschema"
	cueyaml "cuelang.org/go/encoding/yaml"

	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/steps"
)

// The schema for editors, read by somebody else's implementation of JSON
// Schema, takes the pipelines that eidos brings and refuses misspelt ones.
func TestSchema(t *testing.T) {
	cat, err := recipes.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	words, err := cat.Words()
	if err != nil {
		t.Fatal(err)
	}
	text, err := Schema("Pipeline", steps.All(steps.Needs{}), words)
	if err != nil {
		t.Fatal(err)
	}
	ctx := cuecontext.New()
	expr, err := cuejson.Extract("Pipeline.json", text)
	if err != nil {
		t.Fatal(err)
	}
	file, err := jsonschema.Extract(ctx.BuildExpr(expr), &jsonschema.Config{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	def := ctx.BuildFile(file)
	if err := def.Err(); err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		f, err := cueyaml.Extract("p.yaml", text)
		if err != nil {
			return err
		}
		return def.Unify(ctx.BuildFile(f)).Validate(cue.Concrete(true))
	}
	for _, name := range pipelines.Names() {
		good, err := pipelines.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(string(good)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, err = pipelines.Read("eidos")
	if err != nil {
		t.Fatal(err)
	}
	const head = "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps: {r: {uses: resolve, with: {criteria: {accelerator: "
	if err := check(head + "gb300}}}}\n"); err != nil {
		t.Errorf("a word is refused: %v", err)
	}
	if check(head+"gb3000}}}}\n") == nil {
		t.Error("what is not a word is accepted")
	}
	for _, change := range [][2]string{
		{"steps:", "stpes:"},
		{"uses: collect", "uses: colect"},
		{"deployer: helm", "deployer: hlem"},
		{"with: {deployer: helm}", "with: {deployr: helm}"},
		{"needs: [check]", "needs: check"},
		{"cache: {ttl: 15m}", "cache: {tl: 15m}"},
	} {
		bad := strings.Replace(string(text), change[0], change[1], 1)
		if bad == string(text) {
			t.Fatalf("%q is not in the pipeline", change[0])
		}
		if check(bad) == nil {
			t.Errorf("%q is accepted", change[1])
		}
	}
}
