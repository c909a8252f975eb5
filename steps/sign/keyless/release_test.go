package keyless_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// A program of a release proves itself by what the workflow of its tag has signed,
// and by nothing that another workflow, tag, issuer or Sigstore vouches for: eidos
// version --verify as users type it, with the program beside it.
func TestReleaseVerifiesItself(t *testing.T) {
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set: make test runs it")
	}
	const (
		version  = "v1.2.3"
		workflow = "https://github.com/NVIDIA/eidos/.github/workflows/on-tag.yml@refs/tags/"
		github   = "https://token.actions.githubusercontent.com"
	)
	o := newOffice(t)
	bin := filepath.Join(o.env.Dir, "bin")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.versionString="+version, "-o", bin+"/",
		"github.com/NVIDIA/eidos/cmd/eidos", "github.com/NVIDIA/eidos/cmd/eidos-sigstore")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(bin, "eidos"))
	if err != nil {
		t.Fatal(err)
	}
	eidos := func(args ...string) (string, error) {
		c := exec.Command(filepath.Join(bin, "eidos"), args...)
		c.Dir = o.env.Dir
		c.Env = []string{"HOME=" + o.env.Dir, "NO_COLOR=1"}
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		err := c.Run()
		return out.String(), err
	}
	if out, err := eidos("trust", "init", "--trusted-root", "root.json"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hex := func(data []byte) string { return strings.TrimPrefix(string(blobtest.Digest(data)), "sha256:") }
	provenance, err := json.Marshal(map[string]any{
		"subject":   []any{map[string]any{"name": "eidos_1.2.3_linux_amd64/eidos", "digest": map[string]string{"sha256": hex(program)}}},
		"predicate": map[string]any{"buildDefinition": map[string]any{"externalParameters": map[string]string{"version": version}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	list := hex(provenance) + "  provenance.json\n"
	stranger := newOffice(t)
	for _, tt := range []struct {
		name           string
		by             *office
		identity, from string
		about          string // what is signed
		want           string // "" if it is refused
		refused        string
	}{
		{"the workflow of the tag", o, workflow + version, github, list, "it is eidos_1.2.3_linux_amd64/eidos of release " + version, ""},
		{"another tag", o, workflow + "v1.2.2", github, list, "", "it was signed by " + workflow + "v1.2.2"},
		{"another workflow", o, strings.Replace(workflow, "on-tag", "on-push", 1) + version, github, list, "", "it was signed by "},
		{"a fork", o, strings.Replace(workflow, "NVIDIA", "somebody", 1) + version, github, list, "", "it was signed by "},
		{"another issuer", o, workflow + version, "https://issuer.example.com", list, "", "it was signed by "},
		{"another Sigstore", stranger, workflow + version, github, list, "", "not enough verified log entries"},
		{"another list", o, workflow + version, github, list + "more\n", "", "it is about something else"},
	} {
		dir := fmt.Sprintf("evidence-%s", strings.ReplaceAll(tt.name, " ", "-"))
		if err := os.Mkdir(filepath.Join(o.env.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		b, err := protojson.Marshal(tt.by.signature(tt.identity, tt.from, tt.about, soon))
		if err != nil {
			t.Fatal(err)
		}
		o.write(filepath.Join(dir, "checksums.txt"), []byte(list))
		o.write(filepath.Join(dir, "checksums.txt.sigstore.json"), b)
		o.write(filepath.Join(dir, "provenance.json"), provenance)
		out, err := eidos("version", "--verify", dir)
		if tt.want != "" && (err != nil || !strings.Contains(out, tt.want) || !strings.Contains(out, "the release is signed by "+tt.identity+" (issuer "+tt.from+")\n")) {
			t.Errorf("%s: %v\n%s", tt.name, err, out)
		}
		if tt.want == "" && (err == nil || !strings.Contains(out, tt.refused)) {
			t.Errorf("%s: %v\n%s", tt.name, err, out)
		}
	}
}
