package stock

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/sign"
)

// TestReleaseImages pushes the images of a release as its workflow does, but with a key:
// each is in the registry under its version, signed, with its provenance and its bills.
func TestReleaseImages(t *testing.T) {
	p := newPlace(t, inProcess(t))
	bin, dist := buildRelease(t), t.TempDir()
	command := func(name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Env = append(os.Environ(), "VERSION="+releaseVersion, "REGISTRY="+p.host+"/team", "OUT="+dist, "EIDOS="+filepath.Join(bin, "eidos"),
			"KEY="+filepath.Join(p.env.Dir, "cosign.key"), "COSIGN_PASSWORD="+secret, "FLAGS=--plain-http")
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	for _, program := range []string{"eidos", "eidosd"} {
		name := filepath.Join(dist, program+"_1.2.3_image")
		write(t, name+".provenance.json", `{"predicate": {"buildDefinition": {"buildType": "https://example.com/`+program+`"}}}`)
		write(t, name+".spdx.json", `{"spdxVersion": "SPDX-2.3"}`)
		write(t, name+".cdx.json", `{"bomFormat": "CycloneDX"}`)
		// What is in the image does not matter here.
		layout := filepath.Join(t.TempDir(), "layout")
		command("go", "run", "../../../tools/image", "-version", releaseVersion, "-o", layout, "-attach", "application/spdx+json="+name+".spdx.json",
			"linux/"+runtime.GOARCH+"="+filepath.Join(bin, "eidos-sigstore"))
		command("tar", "-cf", name+".tar", "-C", layout, ".")
	}
	images := strings.Fields(command("../../../scripts/release-images"))
	if len(images) != 2 || !strings.HasPrefix(images[0], p.host+"/team/eidos@sha256:") || !strings.HasPrefix(images[1], p.host+"/team/eidosd@sha256:") {
		t.Fatalf("images %q", images)
	}
	if got := command("../../../scripts/release-latest"); !strings.Contains(got, "latest") || strings.Contains(got, "stays") {
		t.Errorf("latest: %s", got)
	}
	write(t, filepath.Join(p.env.Dir, "policy.yaml"), `kind: TrustPolicy
apiVersion: eidos.nvidia.com/v1alpha1
signers: [{name: release, key: cosign.pub}]
signature: {from: [release]}
attestations:
  - {type: slsaprovenance1, buildType: "https://example.com/eidosd"}
  - {type: spdxjson}
  - {type: cyclonedx}
`)
	for i, image := range images {
		repository, digest, _ := strings.Cut(image, "@")
		for _, reference := range []string{image, repository + ":" + releaseVersion, repository + ":latest"} {
			p.image = &schema.Reference{Reference: reference, Digest: schema.Digest(digest)}
			v, err := p.run(sign.VerifyKind(p.opts), map[string]any{"policy": "policy.yaml"})
			if i == 1 && (err != nil || !v.(*schema.Verification).Verified) {
				t.Errorf("%s: %+v, %v", reference, v, err)
			}
			if i == 0 && (err == nil || !strings.Contains(err.Error(), "found https://example.com/eidos, the policy requires")) {
				t.Errorf("%s: %v", reference, err)
			}
		}
	}
}
