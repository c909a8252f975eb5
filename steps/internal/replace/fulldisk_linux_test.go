package replace

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A full disk, a real one: a small tmpfs in namespaces of the test's own.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("EIDOS_TEST_TMPFS"); dir != "" {
		fullDisk(t, dir)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), "EIDOS_TEST_TMPFS="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 && err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestFullDisk") {
		t.Errorf("%v\n%s", err, out)
	}
}

func fullDisk(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	file, tree := filepath.Join(dir, "x"), filepath.Join(dir, "d")
	if err := errors.Join(File(file, 0o666, text("old")), Dir(t.Context(), tree, always, fill(map[string]string{"a": "old"}))); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 1<<20)
	for doing, err := range map[string]error{
		"file":      File(file, 0o666, text(big)),
		"directory": Dir(t.Context(), tree, always, fill(map[string]string{"a": big})),
		"new":       New(filepath.Join(dir, "new"), 0o666, []byte(big)),
	} {
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(hint(err), "what was there is unchanged") {
			t.Errorf("%s: %v (%s)", doing, err, hint(err))
		}
	}
	if got := read(t, file) + read(t, filepath.Join(tree, "a")); got != "oldold" {
		t.Errorf("it holds %.20q", got)
	}
	if diff := cmp.Diff([]string{"d", "x"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}
