package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

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

// TestDocumentedTargets: what the pages tell to make is made, and does what they
// say: a server with a page, and its image.
func TestDocumentedTargets(t *testing.T) {
	real(t)
	named := map[string]bool{}
	for _, page := range []string{serverPage, "../../deploy/server/README.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?m)^make ([a-z-]+)").FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
	}
	for _, target := range []struct {
		name  string
		check func(*testing.T)
	}{{"run-server", runServer}, {"image-server", imageServer}} { // the image has what the first has built
		if !named[target.name] {
			t.Errorf("no page names make %s", target.name)
		}
		t.Run(target.name, target.check)
		delete(named, target.name)
	}
	for target := range named {
		t.Errorf("nothing tests make %s", target)
	}
}

func runServer(t *testing.T) {
	cmd := exec.Command("make", "-C", "../..", "run-server", "SERVERFLAGS=--address 127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(5*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop.Stop()
	ended := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // of make
		}
		ended = ended || line.Msg == "ended"
		if line.Msg != "ready" {
			continue
		}
		for _, path := range []string{"/", "/ready", "/v1/recipe?service=eks"} {
			if err := answers("http://" + line.Address + path); err != nil {
				t.Error(err)
			}
		}
		// As Ctrl-C does. Make passes SIGTERM on, so that the server gets it twice, which
		// ends it at once.
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait() // make was ended by the signal
	if !ended {
		t.Error("the server did not end")
	}
}

// answers is nil if url is answered with 200.
func answers(url string) error {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	_, errRead := io.Copy(io.Discard, r.Body)
	if err := r.Body.Close(); err != nil || errRead != nil || r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s, %w, %w", url, r.Status, errRead, err)
	}
	return nil
}

// imageServer makes the image of the binary that is there: the target itself builds
// it for two platforms, which takes minutes.
func imageServer(t *testing.T) {
	commands, err := exec.Command("make", "-n", "-C", "../..", "image-server").Output()
	if err != nil || !strings.Contains(string(commands), "go run ./tools/image ") || !strings.Contains(string(commands), "-o dist/image-server ") {
		t.Fatalf("%v\n%s", err, commands)
	}
	dir := filepath.Join(t.TempDir(), "image")
	cmd := exec.Command("go", "run", "./tools/image", "-version", "v1", "-o", dir, "linux/"+runtime.GOARCH+"=bin/eidosd")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The layout has one index, of one platform.
	index, err := layout.ImageIndexFromPath(dir)
	for err == nil {
		var m *v1.IndexManifest
		if m, err = index.IndexManifest(); err != nil || len(m.Manifests) != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
		d := m.Manifests[0]
		if d.MediaType.IsIndex() {
			index, err = index.ImageIndex(d.Digest)
			continue
		}
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if e := config.Config.Entrypoint; len(e) == 0 || filepath.Base(e[0]) != "eidosd" || config.Config.User == "" || config.Config.User == "0" {
			t.Errorf("it runs %q as %q", e, config.Config.User)
		}
		return
	}
	t.Fatal(err)
}

// A list in the environment may end with a comma, as a shell loop makes it.
func TestListInEnvironment(t *testing.T) {
	for text, want := range map[string]int{"10.0.0.0/8": 1, "10.0.0.0/8, 127.0.0.1/32,": 2} {
		o, err := readOptions(nil, func(name string) (string, bool) {
			if name == "EIDOSD_TRUSTED_PROXY" {
				return text, true
			}
			return "", false
		}, io.Discard)
		if err != nil || len(o.TrustedProxy) != want {
			t.Errorf("%q: %q, %v", text, o.TrustedProxy, err)
		}
	}
}
