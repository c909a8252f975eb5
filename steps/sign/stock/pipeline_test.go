package stock

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

// A pipeline comes back as it was written, and oras gives it its file's name.
func TestPipelineInARegistry(t *testing.T) {
	const text = "# as it was written\nkind: Pipeline\n"
	for name, start := range registries() {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, start(t))
			ref, err := p.opts.OCI.PushPipeline(t.Context(), p.env, "lib.pipeline.yaml", []byte(text), p.host+"/team/lib:v1", oci.Access{})
			if err != nil {
				t.Fatal(err)
			}
			env := blobtest.Env(t.TempDir())
			got, err := p.opts.OCI.PullPipeline(t.Context(), env, ref.Reference, oci.Access{})
			if err != nil || string(got.Text) != text {
				t.Fatalf("got %q, %v", got, err)
			}
			dir := t.TempDir()
			p.must(t, p.env.Dir, "oras", append([]string{"pull", "-o", dir, ref.Reference}, p.orasFlags()...)...)
			if data, err := os.ReadFile(filepath.Join(dir, "lib.pipeline.yaml")); err != nil || string(data) != text {
				t.Errorf("oras pulled %q, %v", data, err)
			}
			if _, err := p.opts.OCI.PullPipeline(t.Context(), env, p.image.Reference, oci.Access{}); err == nil {
				t.Error("a bundle was taken for a pipeline")
			}
			p.stop()
			if got, err := p.opts.OCI.PullPipeline(t.Context(), env, ref.Reference, oci.Access{}); err != nil || string(got.Text) != text {
				t.Errorf("with the registry down: %v", err)
			}
		})
	}
}
