package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/cmd/internal/api"
	"github.com/NVIDIA/eidos/schema"
)

const document = "../internal/api/openapi.yaml"

// real skips a test of what needs tools from npm or the Go proxy.
func real(t *testing.T) {
	t.Helper()
	if os.Getenv("EIDOS_REAL_TOOLS") == "" {
		t.Skip("EIDOS_REAL_TOOLS is not set")
	}
}

func script(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("../../scripts/"+args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestPublicValidators: redocly and swagger-parser have nothing to say about the
// document, and have about a broken one.
func TestPublicValidators(t *testing.T) {
	real(t)
	dir := script(t, "npm", "openapi")
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	text := strings.Replace(string(api.OpenAPI()), "#/components/responses/Invalid", "#/components/responses/Nothing", 1)
	if text == string(api.OpenAPI()) {
		t.Fatal("nothing to break")
	}
	if err := os.WriteFile(broken, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	good, err := filepath.Abs(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range [][]string{
		{filepath.Join(dir, "node_modules/.bin/redocly"), "lint", "--extends", "recommended", "--max-problems", "20"},
		{"node", filepath.Join(dir, "check.mjs")},
	} {
		for file, want := range map[string]bool{good: true, broken: false} {
			cmd := exec.Command(tool[0], append(tool[1:], file)...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "CI=true")
			out, err := cmd.CombinedOutput()
			if (err == nil) != want {
				t.Errorf("%s %s: %v\n%s", tool[0], file, err, out)
			}
			if want && strings.Contains(string(out), "Warning was generated") {
				t.Errorf("%s: %s", tool[0], out)
			}
		}
	}
}

// TestGeneratedClient: a client that is generated from the document understands
// every answer.
func TestGeneratedClient(t *testing.T) {
	real(t)
	client := script(t, "api-client")
	s := startServer(t, "--rate-limit", "0")
	var snapshot schema.Snapshot
	data, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Decode("h100-eks.yaml", data, &snapshot); err != nil {
		t.Fatal(err)
	}
	if data, err = json.Marshal(snapshot); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "snapshot.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(client, "http://"+s.address, file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
