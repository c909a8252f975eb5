//go:build linux

package render

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// A bundle that nobody may write to is deployed all the same, and the copy that
// sub-charts are fetched into is removed.
func TestReadOnly(t *testing.T) {
	dir := write(t, mustRender(t, schema.RenderParams{}))
	bin, own := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(bin, "helm"), `#!/bin/sh
case "$*" in
version*) echo v3.22.0 ;;
"dependency update"*) mkdir "$3/charts" && echo >"$3/charts/x.tgz" ;;
esac
`)
	writeFile(t, filepath.Join(bin, "kubectl"), "#!/bin/sh\nprintf 'serverVersion:\\n  gitVersion: v1.99.0\\n'\n")
	for _, p := range []string{bin + "/helm", bin + "/kubectl"} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Dir(own), 0o755), os.Chmod(own, 0o777)); err != nil {
		t.Fatal(err)
	}
	mode := func(dirs, files os.FileMode) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				return os.Chmod(path, dirs)
			}
			return errors.Join(err, os.Chmod(path, files))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mode(0o555, 0o555)
	t.Cleanup(func() { mode(0o755, 0o644) })
	cmd := exec.Command("sh", "deploy.sh")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+own)
	if os.Getuid() == 0 { // who may write everywhere
		for up := filepath.Dir(dir); up != "/"; up = filepath.Dir(up) {
			if at, err := os.Stat(up); err != nil || at.Mode()&0o001 == 0 {
				t.Skipf("others cannot reach %s", up)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), ": installed in ") {
		t.Errorf("%v\n%s", err, out)
	}
	if left, err := os.ReadDir(own); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
