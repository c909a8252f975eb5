// Package rendertest puts bundles that hold charts of a test into directories, and
// runs their scripts with the stock helm and kubectl.
package rendertest

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/chartlock/charttest"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/render"
)

// Tool finds a program under $EIDOS_CACHE, else .cache of the repository, and skips
// the test if it has not been built.
func Tool(t testing.TB, pattern string) string {
	t.Helper()
	cache := os.Getenv("EIDOS_CACHE")
	for dir := "."; cache == "" && len(dir) < 30; dir = filepath.Join("..", dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			cache = filepath.Join(dir, ".cache")
		}
	}
	found, err := filepath.Glob(filepath.Join(cache, pattern))
	if err != nil || len(found) == 0 {
		t.Skipf("no %s: run scripts/real", pattern)
	}
	path, err := filepath.Abs(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Bundle is a bundle in a directory of its own.
type Bundle struct {
	Dir string
	Env []string // of its scripts
	// Shell makes the command that runs sh with arguments; sh itself if nil.
	Shell func(args ...string) *exec.Cmd
}

// New renders a recipe with charts in place of those that it names, by component, for
// the cluster of a kubeconfig.
func New(t testing.TB, kubeconfig string, r *schema.RecipeResult, p schema.RenderParams, s render.Source, charts map[string]charttest.Chart) *Bundle {
	t.Helper()
	helm, kubectl := Tool(t, "tools/helm@v3*/bin/helm"), Tool(t, "kube/*/bin/kubectl")
	home := t.TempDir()
	b := &Bundle{Dir: filepath.Join(t.TempDir(), "bundle")}
	b.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+filepath.Dir(helm)+":"+filepath.Dir(kubectl)+":"+os.Getenv("PATH"),
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "PAUSE=0")
	blobs := blobtest.Env(t.TempDir()).Blobs
	s.Charts = &schema.BundleLock{Kind: "BundleLock", APIVersion: schema.APIVersion}
	for _, c := range r.ComponentRefs {
		if c.Chart == "" {
			continue
		}
		d, n, err := blobs.Put(context.Background(), bytes.NewReader(charts[c.Name].Pack()))
		if err != nil {
			t.Fatal(err)
		}
		s.Charts.Charts = append(s.Charts.Charts, schema.LockedChart{Component: c.Name, Repository: c.Source, Chart: c.Chart, Version: c.Version, Digest: d, Size: n})
	}
	tree, err := render.Render(r, p, s)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := render.Store(context.Background(), blobs, tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range stored.Files {
		rc, err := blobs.Open(context.Background(), f.Digest)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(rc)
		rc.Close()
		if err != nil {
			t.Fatal(err)
		}
		b.Write(t, f.Path, string(data))
		if f.Executable {
			if err := os.Chmod(filepath.Join(b.Dir, f.Path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

// Write makes or replaces a file, with its directories.
func (b *Bundle) Write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(b.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Command is sh with arguments, in the bundle's directory. It is killed when ctx ends.
func (b *Bundle) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Env = b.Env
	if b.Shell != nil {
		cmd = b.Shell(args...)
	}
	cmd.Dir = b.Dir
	return cmd
}

// Run runs a script, compares its exit status and parts of its output, and returns
// the output.
func (b *Bundle) Run(t testing.TB, status int, has []string, args ...string) string {
	t.Helper()
	cmd := b.Command(t.Context(), args...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%v: status %d, %v\n%s", args, got, err, out)
	}
	for _, h := range has {
		if !strings.Contains(string(out), h) {
			t.Errorf("%v: no %q in\n%s", args, h, out)
		}
	}
	return string(out)
}
