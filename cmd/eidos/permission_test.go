package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What may not be read or written ends with the same status wherever it is met,
// says "permission denied" or what may not be read, and never that another try
// may help. Root may do everything, so the commands run as nobody then.
func TestPermissionErrorsAgree(t *testing.T) {
	work := t.TempDir()
	for d := work; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	eidos := filepath.Join(work, "eidos")
	copySelf(t, eidos)
	t.Chdir(work)
	const head = "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
	const step = "{uses: resolve, with: {criteria: {service: eks}, allowGeneric: true}"
	for name, text := range map[string]string{
		"closed.yaml":  head + "steps: {r: " + step + "}}\n",
		"out.yaml":     head + "steps: {r: " + step + ", out: closed/r.yaml}}\n",
		"files.yaml":   head + "steps: {r: " + step + ", files: [closed.yaml]}}\n",
		"secret.yaml":  head + "secrets: {t: {file: closed.yaml}}\nsteps: {r: " + step + ", secrets: [t]}}\n",
		"include.yaml": head + "steps: {r: {include: ./closed.yaml}}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{"recipe --service eks --allow-generic -o r.yaml", "bundle -r r.yaml -o b"} {
		if exit, _, errs := tryMain(t, strings.Fields(line)...); exit != 0 {
			t.Fatal(line, errs)
		}
	}
	for name, mode := range map[string]os.FileMode{"state": 0o777, "closed": 0o555} {
		if err := errors.Join(os.Mkdir(name, mode), os.Chmod(name, mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod("closed.yaml", 0); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"run closed.yaml", "run out.yaml", "run files.yaml", "run secret.yaml", "run include.yaml", "plan closed.yaml", "vet closed.yaml",
		"run out.yaml --params-file closed.yaml", "run out.yaml --state closed/state",
		"recipe --service eks --allow-generic -o closed/r.yaml", "recipe --criteria closed.yaml", "recipe -s closed.yaml",
		"validate -r closed.yaml -s closed.yaml", "bundle -r closed.yaml -o x", "bundle -r r.yaml -o closed/b",
		"bundle -r r.yaml -o x --values closed.yaml", "bundle -r r.yaml -o x --set-file cert-manager:+x=closed.yaml",
		"bundle -r r.yaml -o embedded/x:v1", "bundle -r r.yaml -o oci-layout:closed/x:v1",
		"push b embedded/x:v1", "push b oci-layout:closed/x:v1", "push closed.yaml embedded/x:v1", "key generate",
		"query -r closed.yaml --selector x", "graph out.yaml -o closed/x", "graph -r r.yaml -o closed/x", "compile out.yaml -o closed/x",
		"snapshot --collectors k8s --require k8s --kubeconfig closed.yaml",
		"step run --plan closed.yaml --run a --step r --store state/s",
	} {
		cmd := exec.Command(eidos, strings.Fields(line)...)
		cmd.Env = []string{"HOME=" + work, "EIDOS_STATE=" + filepath.Join(work, "state"), "EIDOS_DATA=" + filepath.Join(work, "closed", "data"), "NO_COLOR=1"}
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 5 {
			t.Errorf("eidos %s: %v, want status 5\n%s", line, err, &errs)
		}
		said := errs.String()
		if !strings.Contains(said, "permission denied") && !strings.Contains(said, "may not be read") {
			t.Errorf("eidos %s does not say why:\n%s", line, said)
		}
		for _, wrong := range []string{"again later", "internal server error", "writes one to start from", "out of the way"} {
			if strings.Contains(said, wrong) {
				t.Errorf("eidos %s says %q:\n%s", line, wrong, said)
			}
		}
	}
}

// copySelf copies this test's program, which is eidos by that name.
func copySelf(t *testing.T, to string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}
