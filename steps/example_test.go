package steps_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps"
	"github.com/NVIDIA/eidos/steps/collect"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/sign"
	"github.com/NVIDIA/eidos/steps/validate"
)

// gb200 is what the examples ask for. They name a release of the catalogue, whose
// answers do not change any more.
func gb200() *schema.RecipeResult {
	catalogue, err := recipes.Release("2026-03")
	if err != nil {
		panic(err)
	}
	recipe, err := catalogue.Resolve(schema.Criteria{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training"}, false)
	if err != nil {
		panic(err)
	}
	return recipe
}

// A snapshot of a host, here of files that stand for one.
func Example_snapshot() {
	host := fstest.MapFS{"etc/os-release": {Data: []byte("ID=ubuntu\nVERSION_ID=\"24.04\"\n")}}
	snapshot, err := collect.Run(context.Background(), schema.CollectParams{Collectors: []schema.Collector{"os"}}, collect.Options{
		Version: "v1", Now: func() time.Time { return time.Unix(0, 0).UTC() },
		Host:    func() (string, error) { return "node-1", nil },
		Sources: []collect.Source{collect.OS(host)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range snapshot.Measurements {
		for _, s := range m.Subtypes {
			fmt.Println(m.Type, s.Subtype, s.Data)
		}
	}
	// Output:
	// OS release map[ID:ubuntu VERSION_ID:24.04]
}

// Criteria are resolved to a recipe.
func Example_resolve() {
	recipe := gb200()
	for _, layer := range recipe.Metadata.AppliedOverlays {
		if strings.HasPrefix(layer, "gb200") {
			fmt.Println(layer)
		}
	}
	fmt.Println(slices.Index(recipe.DeploymentOrder, "cert-manager") < slices.Index(recipe.DeploymentOrder, "gpu-operator"))
	// Output:
	// gb200-eks-training
	// gb200-eks-ubuntu-training
	// true
}

// Who set a value, and where.
func Example_explain() {
	catalogue, err := recipes.Release("2026-03")
	if err != nil {
		fmt.Println(err)
		return
	}
	recipe := gb200()
	if recipe.Provenance, err = catalogue.Provenance(recipe); err != nil {
		fmt.Println(err)
		return
	}
	explained, err := view.Explain(recipe, []string{"components.gpu-operator.version"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range explained {
		fmt.Println(e.Path, "=", e.Value)
	}
	// Output:
	// components.gpu-operator.version = v25.10.1
}

// A recipe is checked against a snapshot. What the snapshot does not have is
// unknown, which is not passed.
func Example_validate() {
	var snapshot schema.Snapshot
	err := schema.Decode("snapshot.yaml", []byte(`
kind: Snapshot
apiVersion: eidos.nvidia.com/v1alpha1
metadata: {timestamp: "2026-01-01T00:00:00Z", version: v1, source: node-1}
measurements:
  - type: K8s
    subtypes:
      - {subtype: server, data: {version: v1.30.0-eks-1}}
`), &snapshot)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := validate.Run(gb200(), &snapshot, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		if r.Name == "K8s.server.version" {
			fmt.Println(r.Name, r.Status)
		}
	}
	fmt.Println(report.Summary.Status)
	// Output:
	// K8s.server.version failed
	// fail
}

// A recipe is rendered to the files that a deployer takes.
func Example_render() {
	tree, err := render.Render(gb200(), schema.RenderParams{Deployer: "flux", Repo: "https://git.example.com/gpu"}, render.Source{Manifest: recipes.Manifest})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range tree.Paths() {
		if strings.HasPrefix(path, "releases/gpu-operator") {
			fmt.Println(path)
		}
	}
	// Output:
	// releases/gpu-operator.yaml
}

// runPipeline compiles the text of a pipeline and runs it in a directory, where
// what it names lies.
func runPipeline(dir, text string) (*run.Result, error) {
	var pipeline schema.Pipeline
	doc, err := schema.Parse("pipeline.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	if err := doc.Decode(&pipeline); err != nil {
		return nil, err
	}
	kinds := steps.All(steps.Needs{OCI: oci.Options{Data: dir}, Sign: sign.Options{OCI: oci.Options{Data: dir}}})
	compiled, err := plan.Compile(&pipeline, doc, kinds, plan.Options{})
	if err != nil {
		return nil, err
	}
	runner := run.Runner{Store: store.NewMemory(), Dir: dir}
	return runner.Run(context.Background(), compiled)
}

// workshop makes a directory with a key pair, team.key and team.pub.
func workshop() string {
	dir, err := os.MkdirTemp("", "eidos")
	if err != nil {
		panic(err)
	}
	if err := sign.GenerateKey(filepath.Join(dir, "team.key"), nil); err != nil {
		panic(err)
	}
	return dir
}

// A bundle is pushed, here to a directory in the OCI image layout. It has the same
// digest wherever it is pushed to, on every machine.
func Example_push() {
	dir := workshop()
	defer os.RemoveAll(dir)
	result, err := runPipeline(dir, `
kind: Pipeline
apiVersion: eidos.nvidia.com/v1alpha1
metadata: {name: push}
steps:
  recipe:
    uses: resolve
    with: {catalogue: "2026-03", criteria: {service: eks, accelerator: gb200, os: ubuntu, intent: training}}
  bundle: {uses: render, in: {recipe: recipe}}
  here: {uses: push, in: {bundle: bundle}, with: {to: "oci-layout:here:v1"}}
  there: {uses: push, in: {bundle: bundle}, with: {to: "oci-layout:there:v2"}}
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	var digests []schema.Digest
	for _, step := range []string{"here", "there"} {
		v, err := result.Value(context.Background(), step)
		if err != nil {
			fmt.Println(err)
			return
		}
		digests = append(digests, v.(*schema.Reference).Digest)
	}
	fmt.Println(digests[0] == digests[1])
	// Output:
	// true
}

// A file is signed with a key, and its signature is verified.
func Example_sign() {
	dir := workshop()
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "values.yaml"), []byte("replicas: 2\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	result, err := runPipeline(dir, `
kind: Pipeline
apiVersion: eidos.nvidia.com/v1alpha1
metadata: {name: sign}
steps:
  signed: {uses: sign, with: {file: values.yaml, signatures: values.yaml.sigstore.json, key: team.key}}
  verified: {uses: verify, needs: [signed], with: {file: values.yaml, signatures: values.yaml.sigstore.json, key: team.pub}}
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := result.Value(context.Background(), "verified")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.(*schema.Verification).Verified, v.(*schema.Verification).TrustLevel)
	// Output:
	// true attested
}

// A pipeline: resolve, render, push to an OCI layout, sign and verify. The engine
// runs what does not wait for one another at once, and a second run of it with a
// store that is kept reuses what is as it was.
func Example_run() {
	dir := workshop()
	defer os.RemoveAll(dir)
	result, err := runPipeline(dir, `
kind: Pipeline
apiVersion: eidos.nvidia.com/v1alpha1
metadata: {name: deliver}
steps:
  recipe:
    uses: resolve
    with: {catalogue: "2026-03", criteria: {service: eks, accelerator: gb200, os: ubuntu, intent: training}}
  bundle: {uses: render, in: {recipe: recipe}}
  image: {uses: push, in: {bundle: bundle}, with: {to: "oci-layout:images:v1"}}
  signed: {uses: sign, in: {image: image}, with: {key: team.key, attest: true}}
  verified: {uses: verify, in: {image: image}, needs: [signed], with: {key: team.pub}}
`)
	if err != nil {
		for _, e := range schema.List(err) {
			fmt.Println(e)
		}
		return
	}
	v, err := result.Value(context.Background(), "verified")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.State, v.(*schema.Verification).Verified, v.(*schema.Verification).TrustLevel)
	// Output:
	// done true verified
}
