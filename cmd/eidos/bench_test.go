package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
