package kube

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: dev
clusters:
- {name: dev, cluster: {server: "https://dev.example:6443/prefix"}}
contexts:
- {name: dev, context: {cluster: dev, user: me}}
- {name: prod, context: {cluster: gone, user: me}}
- {name: old, context: {cluster: dev, user: gcp}}
users:
- {name: me, user: {token: abc}}
- {name: gcp, user: {auth-provider: {name: gcp}}}
`

// alone makes this process see no cluster but what the test gives it.
func alone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("KUBECONFIG", "")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBERNETES_SERVICE_PORT", "")
	return dir
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConnect(t *testing.T) {
	dir := alone(t)
	path := write(t, filepath.Join(dir, "config.yaml"), kubeconfig)
	none := write(t, filepath.Join(dir, "none.yaml"), strings.Replace(kubeconfig, "current-context: dev", "", 1))
	bad := write(t, filepath.Join(dir, "bad.yaml"), "clusters: [")
	empty := write(t, filepath.Join(dir, "empty.yaml"), "")
	list := write(t, filepath.Join(dir, "list.yaml"), "[1, 2]")
	other := write(t, filepath.Join(dir, "other.yaml"), "kind: Snapshot\napiVersion: eidos.nvidia.com/v1alpha1\n")
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		cfg     Config
		code    schema.Code
		message string
		hint    string
	}{
		{"current context", Config{Kubeconfig: path}, "", "", ""},
		{"wrong context", Config{Kubeconfig: path, Context: "produ"}, schema.NotFound, `no context "produ"`, "its contexts are dev, old, prod"},
		{"no current context", Config{Kubeconfig: none}, schema.Invalid, "no current context", "choose one with --context: dev, old, prod"},
		{"a context without its cluster", Config{Kubeconfig: path, Context: "prod"}, schema.Invalid, "does not work", ""},
		{"an auth provider of old", Config{Kubeconfig: path, Context: "old"}, schema.Invalid, "does not work", "exec plugin"},
		{"no file", Config{Kubeconfig: filepath.Join(dir, "nowhere")}, schema.NotFound, "does not exist", ""},
		{"no YAML", Config{Kubeconfig: bad}, schema.Invalid, "bad.yaml", ""},
		{"a pipe", Config{Kubeconfig: pipe}, schema.Invalid, `pipe" is a pipe, not a file`, ""},
		{"a device", Config{Kubeconfig: "/dev/zero"}, schema.Invalid, `"/dev/zero" is a device, not a file`, ""},
		{"a directory", Config{Kubeconfig: dir}, schema.Invalid, "is a directory, not a file", ""},
		{"nothing in it", Config{Kubeconfig: empty}, schema.Invalid, `empty.yaml" has no contexts`, ""},
		{"a list", Config{Kubeconfig: list}, schema.Invalid, `list.yaml" is not a kubeconfig`, ""},
		{"another document", Config{Kubeconfig: other}, schema.Invalid, `other.yaml" is not a kubeconfig: it holds a Snapshot`, ""},
		{"no cluster", Config{}, schema.NotFound, "no kubeconfig, and not in a cluster", "--kubeconfig"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Connect(tt.cfg)
			if schema.CodeOf(err) != tt.code {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				if c.Host() != "dev.example:6443" || c.base.Path != "/prefix" {
					t.Errorf("got %s", c.base)
				}
				return
			}
			if e := err.(*schema.Error); !strings.Contains(e.Error(), tt.message) || !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("got %q, hint %q", e.Error(), e.Hint)
			}
		})
	}
}

func TestKubeconfigPlaces(t *testing.T) {
	dir := alone(t)
	write(t, filepath.Join(dir, ".kube", "config"), kubeconfig)
	if c, err := Connect(Config{}); err != nil || c.Host() != "dev.example:6443" {
		t.Errorf("~/.kube/config: %v", err)
	}
	first := write(t, filepath.Join(dir, "a"), strings.ReplaceAll(kubeconfig, "dev.example", "first.example"))
	t.Setenv("KUBECONFIG", first+string(os.PathListSeparator)+filepath.Join(dir, "missing"))
	if c, err := Connect(Config{}); err != nil || c.Host() != "first.example:6443" {
		t.Errorf("KUBECONFIG: %v", err)
	}
	t.Setenv("KUBECONFIG", os.DevNull) // none, whatever is in the home directory
	if _, err := Connect(Config{}); schema.CodeOf(err) != schema.NotFound || !errors.Is(err, ErrNoCluster) {
		t.Errorf("no KUBECONFIG: %v", err)
	}
	if _, err := Connect(Config{Kubeconfig: os.DevNull}); schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "has no contexts") {
		t.Errorf("no kubeconfig: %v", err)
	}
}
