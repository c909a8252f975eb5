package cluster_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/tools/kube/cluster"
)

// A server that cannot start is an error with the end of its log, and nothing
// of it stays.
func TestStartSaysWhyItFailed(t *testing.T) {
	bin, dir := t.TempDir(), filepath.Join(t.TempDir(), "run")
	script := "#!/bin/sh\necho no room on the disk >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "etcd"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Start(cluster.Options{Bin: bin, Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "etcd ended before it was ready:\nno room on the disk") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// Stop never ends a process that only happens to have the id of one of ours.
func TestStopLeavesStrangersAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "etcd.pid"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Stop(dir); err != nil {
		t.Fatal(err) // and we are still here
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
