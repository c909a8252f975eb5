package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCommand measures whole processes, as users pay for them: CPU of the
// median run and peak memory. `make bench` prints the table.
func BenchmarkCommand(b *testing.B) {
	dir := b.TempDir()
	bin := filepath.Join(dir, "eidos")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		b.Fatal(err)
	}
	snapshot, err := filepath.Abs("../../testdata/snapshots/h100-eks.yaml")
	if err != nil {
		b.Fatal(err)
	}
	recipe := filepath.Join(dir, "recipe.yaml")
	env := []string{"HOME=" + dir, "EIDOS_STATE=" + dir + "/state", "EIDOS_DATA=" + dir + "/data", "KUBECONFIG=/dev/null"}
	run := func(args ...string) (cpu time.Duration, peak int64) {
		c := exec.Command(bin, args...)
		c.Env, c.Dir = env, dir
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("eidos %v: %v\n%s", args, err, out)
		}
		u := c.ProcessState.SysUsage().(*syscall.Rusage)
		return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), u.Maxrss
	}
	run("recipe", "-s", snapshot, "--intent", "training", "-o", recipe)
	run("key", "generate")
	for _, bc := range []struct {
		name string
		args []string
	}{
		{"version", []string{"version"}},
		{"recipe", []string{"recipe", "--service", "eks", "--accelerator", "gb200", "--os", "ubuntu", "--intent", "training"}},
		{"recipe-snapshot", []string{"recipe", "-s", snapshot, "--intent", "training"}},
		{"validate", []string{"validate", "-r", recipe, "-s", snapshot, "--fail-on-error=false"}},
		{"bundle", []string{"bundle", "-r", recipe, "-o", filepath.Join(dir, "bundle"), "--force"}},
		{"snapshot-os", []string{"snapshot", "--collectors", "os"}},
		{"run-again", []string{"run", "eidos"}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			run(bc.args...)
			var cpu time.Duration
			var peak int64
			for b.Loop() {
				c, p := run(bc.args...)
				cpu += c
				peak = max(peak, p)
			}
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
		})
	}
}

// BenchmarkSign measures signing and verifying a file with a key, beside stock
// cosign where the tools for tests are there.
func BenchmarkSign(b *testing.B) {
	dir := b.TempDir()
	bin := filepath.Join(dir, "eidos")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, 1<<20), 0o644); err != nil {
		b.Fatal(err)
	}
	programs := map[string]string{"eidos": bin}
	if os.Getenv("EIDOS_REAL_TOOLS") != "" {
		path, err := exec.Command("../../scripts/tool", "cosign3").Output()
		if err != nil {
			b.Fatal(err)
		}
		programs["cosign"] = strings.TrimSpace(string(path))
	}
	run := func(program string, args ...string) time.Duration {
		c := exec.Command(programs[program], args...)
		c.Dir, c.Env = dir, []string{"HOME=" + dir, "EIDOS_STATE=" + dir + "/state", "EIDOS_DATA=" + dir, "COSIGN_PASSWORD=x"}
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%s %v: %v\n%s", program, args, err, out)
		}
		return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	run("eidos", "key", "generate")
	key, public := filepath.Join("keys", "cosign.key"), filepath.Join("keys", "cosign.pub")
	for _, bc := range []struct {
		name, program string
		args          []string
	}{
		{"sign", "eidos", []string{"sign", "file", "--key", key}},
		{"sign-cosign", "cosign", []string{"sign-blob", "--yes", "--tlog-upload=false", "--use-signing-config=false", "--key", key, "--bundle", "theirs", "file"}},
		{"verify", "eidos", []string{"verify", "file", "--key", public}},
		{"verify-cosign", "cosign", []string{"verify-blob", "--insecure-ignore-tlog", "--key", public, "--bundle", "theirs", "file"}},
	} {
		if programs[bc.program] == "" {
			continue
		}
		b.Run(bc.name, func(b *testing.B) {
			var cpu time.Duration
			for b.Loop() {
				cpu += run(bc.program, bc.args...)
			}
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
