package stock

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/internal/oidctest"
)

// GitHub's issuer of tokens for workflows, and what it writes into them.
const (
	actionsHost    = "token.actions.githubusercontent.com"
	actionsURL     = "https://" + actionsHost
	releaseVersion = "v1.2.3"
	workflows      = "NVIDIA/eidos/.github/workflows/"
)

// buildRelease builds the programs of a release, and returns their directory.
func buildRelease(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.versionString="+releaseVersion, "-o", bin+"/",
		"github.com/NVIDIA/eidos/cmd/eidos", "github.com/NVIDIA/eidos/cmd/eidos-sigstore")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// serveActions answers under the name of GitHub's issuer, which Fulcio asks for the
// keys of its tokens: over a proxy, for a test may not change whose name that is.
func (s *sigstore) serveActions() {
	s.t.Helper()
	var err error
	if s.actions, err = oidctest.New(actionsURL, "repo:NVIDIA/eidos:ref:refs/tags/"+releaseVersion); err != nil {
		s.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: s.actions}
	go func() {
		_ = server.ServeTLS(listener, filepath.Join(authority, "cert.pem"), filepath.Join(authority, "key.pem"))
	}()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != actionsHost+":443" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		there, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here) }()
		_, _ = io.Copy(here, there)
	}))
	s.proxy = proxy.URL
	s.t.Cleanup(func() {
		_ = server.Close()
		proxy.Close()
	})
}

// release signs the checksums of a release as its workflow does, with the programs
// of that release, and returns what proves the program by them as a user does.
func (s *sigstore) release(t *testing.T) (proven func()) {
	bin := os.Getenv("EIDOS_OWN_NETWORK")
	eidos := func(args ...string) (string, error) {
		c := exec.Command(filepath.Join(bin, "eidos"), args...)
		c.Dir, c.Env = s.env.Dir, []string{"HOME=" + s.env.Dir, "NO_COLOR=1"}
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		err := c.Run()
		return out.String(), err
	}
	hex := func(data []byte) string { return strings.TrimPrefix(string(blobtest.Digest(data)), "sha256:") }
	program, err := os.ReadFile(filepath.Join(bin, "eidos"))
	if err != nil {
		t.Fatal(err)
	}
	provenance, err := json.Marshal(map[string]any{
		"subject":   []any{map[string]any{"name": "eidos_1.2.3_linux_amd64/eidos", "digest": map[string]string{"sha256": hex(program)}}},
		"predicate": map[string]any{"buildDefinition": map[string]any{"externalParameters": map[string]string{"version": releaseVersion}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := eidos("trust", "init", "--trusted-root", "trusted_root.json", "--signing-config", "signing_config.json"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, workflow := range []string{"on-tag", "on-push"} {
		if err := os.Mkdir(s.path(workflow), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, s.path(workflow+"/provenance.json"), string(provenance))
		write(t, s.path(workflow+"/checksums.txt"), hex(provenance)+"  provenance.json\n")
		ref := workflows + workflow + ".yml@refs/tags/" + releaseVersion
		write(t, s.path(workflow+"/token"), s.actions.Sign(map[string]any{
			"email": nil, "job_workflow_ref": ref, "workflow_ref": ref, "ref": "refs/tags/" + releaseVersion,
			"sha": strings.Repeat("a", 40), "job_workflow_sha": strings.Repeat("a", 40), "workflow_sha": strings.Repeat("a", 40),
			"event_name": "push", "repository": "NVIDIA/eidos", "repository_id": "1", "repository_owner": "NVIDIA", "repository_owner_id": "2",
			"repository_visibility": "public", "workflow": workflow, "runner_environment": "github-hosted", "run_id": "3", "run_attempt": "1",
		}))
		if out, err := eidos("sign", workflow+"/checksums.txt", "--keyless", "--identity-token", workflow+"/token"); err != nil {
			t.Fatalf("%s: %v\n%s", workflow, err, out)
		}
	}
	return func() {
		t.Helper()
		want := "verified " + filepath.Join(bin, "eidos") + ", " + string(blobtest.Digest(program)) + "\n" +
			"  ok      it is eidos_1.2.3_linux_amd64/eidos of release v1.2.3\n" +
			"  ok      the release is signed by https://github.com/" + workflows + "on-tag.yml@refs/tags/v1.2.3 (issuer " + actionsURL + ")\n"
		if out, err := eidos("version", "--verify", "on-tag"); err != nil || out != want {
			t.Errorf("%v\n%s\nand not\n%s", err, out, want)
		}
		if out, err := eidos("version", "--verify", "on-push"); err == nil || !strings.Contains(out, "it was signed by https://github.com/"+workflows+"on-push.yml") {
			t.Errorf("another workflow: %v\n%s", err, out)
		}
	}
}
