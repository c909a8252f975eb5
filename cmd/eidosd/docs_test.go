package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

const serverPage = "../../docs/server.md"

// TestDocumentedExamples runs every example of the page about the server, one
// after the other, as its readers do.
func TestDocumentedExamples(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		real(t) // which installs it
		t.Fatal(err)
	}
	text, err := os.ReadFile(serverPage)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 6 {
		t.Fatalf("%d examples", len(blocks))
	}
	s := startServer(t)
	dir := t.TempDir()
	snapshot, err := os.ReadFile("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "snapshot.yaml"), snapshot, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		cmd := exec.Command("sh", "-ec", strings.ReplaceAll(b[1], "localhost:8080", s.address))
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s%s", err, b[1], out)
		} else if strings.Contains(string(out), `"code":`) && !strings.Contains(b[1], "servise") {
			t.Errorf("refused:\n%s%s", b[1], out)
		}
	}
}

// TestDocumentedSettings: the page has every flag, and none that there is not.
func TestDocumentedSettings(t *testing.T) {
	text, err := os.ReadFile(serverPage)
	if err != nil {
		t.Fatal(err)
	}
	props, err := schema.Properties("ServeParams")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range props {
		flag := "--" + schema.FlagName(p.Name)
		known[flag] = true
		if !strings.Contains(string(text), "`"+flag+"`") {
			t.Errorf("the page does not have %s", flag)
		}
	}
	for _, m := range regexp.MustCompile("`(--[a-z-]+)`").FindAllStringSubmatch(string(text), -1) {
		if !known[m[1]] {
			t.Errorf("the page has %s, which eidosd does not", m[1])
		}
	}
}
