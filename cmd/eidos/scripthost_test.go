package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/oci"
)

// setup gives a script a host of its own: state, data and home are in its work
// directory, and nothing of the machine's configuration is seen.
func setup(env *testscript.Env) error {
	snapshots, err := filepath.Abs("../../testdata/snapshots")
	if err != nil {
		return err
	}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("EIDOS_STATE", filepath.Join(env.WorkDir, ".state"))
	env.Setenv("EIDOS_DATA", filepath.Join(env.WorkDir, ".data"))
	env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "no-kubeconfig"))
	env.Setenv("SNAPSHOTS", snapshots)
	env.Setenv("NO_COLOR", "1")
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command sleeps a second under -race
	return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o755)
}

// commands are the verbs that scripts have beside testscript's own.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"action":   runAction,
		"github":   copyGitHub,
		"guide":    runGuide,
		"internet": startInternet,
		"registry": startRegistry,
		"tmpfs":    mountTmpfs,
		"readonly": mountReadOnly,
		"sha256":   sumTree,
		"slow":     startSlow,
		"web":      startWeb,
		"charts":   serveCharts,
		"workflow": runWorkflow,
		"steps":    writeSteps,
		"tool":     runTool,
		"onpath":   toolOnPath,

		"collector": startCollector,
	}
}

// startRegistry starts a registry on loopback and puts its address in $REGISTRY:
// registry [user password]
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 && len(args) != 2 {
		ts.Fatalf("usage: registry [user password]")
	}
	h := oci.Handler(ts.MkAbs(".registry"))
	if len(args) == 2 {
		inner := h
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if u, p, ok := r.BasicAuth(); !ok || u != args[0] || p != args[1] {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			inner.ServeHTTP(w, r)
		})
	}
	s := httptest.NewServer(h)
	ts.Defer(s.Close)
	ts.Setenv("REGISTRY", strings.TrimPrefix(s.URL, "http://"))
}

// writeSteps writes the commands of the workflow in a page of the documentation
// to step-1.sh, step-2.sh, …, and the workflow to workflow.yaml: steps PAGE, from
// this package's directory. Each job of a pipeline of GitLab is written to JOB.sh.
func writeSteps(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: steps PAGE")
	}
	text, err := os.ReadFile(filepath.Join("testdata/script", args[0]))
	ts.Check(err)
	n := 0
	script := func(name, commands string) {
		n++
		ts.Check(os.WriteFile(ts.MkAbs(name+".sh"), []byte("set -e\n"+commands+"\n"), 0o644))
	}
	for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		doc, err := schema.Parse(args[0], []byte(m[1]))
		ts.Check(err)
		if jobs := doc.At("jobs"); jobs != nil {
			ts.Check(os.WriteFile(ts.MkAbs("workflow.yaml"), []byte(m[1]), 0o644))
			steps := 0
			for _, job := range jobs.Children() {
				for _, step := range job.At("steps").Children() {
					if run := step.At("run"); run != nil {
						steps++
						script(fmt.Sprintf("step-%d", steps), fmt.Sprint(run.Value()))
					}
				}
			}
			continue
		}
		var gitlab map[string]struct{ Script []string }
		if yaml.Unmarshal([]byte(m[1]), &gitlab) != nil {
			continue
		}
		for name, job := range gitlab {
			if len(job.Script) > 0 {
				script(name, strings.Join(job.Script, "\n"))
			}
		}
	}
	if n == 0 {
		ts.Fatalf("%s has no workflow", args[0])
	}
}

// runGuide runs the shell blocks of a page in order, as its readers type them; the
// first that fails ends the script: guide PAGE [HOST=ADDRESS...], from this
// package's directory. A block that starts with "```sh exits 2" must end with that
// status; registries of examples are replaced by those that the script has.
func runGuide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: guide PAGE [HOST=ADDRESS...]")
	}
	page, err := os.ReadFile(args[0])
	ts.Check(err)
	var hosts []string
	for _, arg := range args[1:] {
		host, address, _ := strings.Cut(arg, "=")
		hosts = append(hosts, host, address)
	}
	example := strings.NewReplacer(hosts...)
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 3 {
		ts.Fatalf("%s has %d blocks of commands", args[0], len(blocks))
	}
	for _, b := range blocks {
		want, commands := cmp.Or(b[1], "0"), example.Replace(b[2])
		ts.Logf("%s", commands)
		err := ts.Exec("bash", "-euo", "pipefail", "-c", commands)
		status, exited := 0, (*exec.ExitError)(nil)
		if errors.As(err, &exited) {
			status, err = exited.ExitCode(), nil
		}
		if err != nil || strconv.Itoa(status) != want {
			ts.Fatalf("%s: exit status %d, want %s: %v\n%s", args[0], status, want, err, commands)
		}
	}
}

var shellBlock = regexp.MustCompile("(?s)```sh(?: exits ([0-9]+))?\n(.*?)```")

// runTool runs a pinned tool, built by scripts/tool if it is not there: tool NAME
// [ARG...]. Scripts that use it start with "[!tools] skip".
func runTool(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: tool NAME [ARG...]")
	}
	if err := ts.Exec(findTool(ts, args[0]), args[1:]...); (err == nil) == neg {
		ts.Fatalf("%s: %v, and the script says otherwise", strings.Join(args, " "), err)
	}
}

// findTool is the path of a pinned tool.
func findTool(ts *testscript.TestScript, name string) string {
	find := exec.Command("../../scripts/tool", name)
	find.Stderr = os.Stderr
	path, err := find.Output()
	ts.Check(err)
	return strings.TrimSpace(string(path))
}

// toolOnPath puts a pinned tool on the path of programs that the script runs:
// onpath NAME.
func toolOnPath(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: onpath NAME")
	}
	ts.Setenv("PATH", filepath.Dir(findTool(ts, args[0]))+string(os.PathListSeparator)+ts.Getenv("PATH"))
}

// mountTmpfs mounts a file system of so many KiB: tmpfs DIR KIB. Scripts that
// use it start with "[!root] skip".
func mountTmpfs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tmpfs DIR KIB")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]+"k"))
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// mountReadOnly makes a directory read-only, also for root: readonly DIR.
// Scripts that use it start with "[!root] skip".
func mountReadOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: readonly DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(syscall.Mount(dir, dir, "", syscall.MS_BIND, ""))
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	ts.Check(syscall.Mount(dir, dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
}

// sumTree writes a digest of a tree to stdout's place in a file: sha256 DIR FILE
func sumTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sha256 DIR FILE")
	}
	sum, err := digestTree(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(fmt.Sprintln(sum)), 0o644))
}

// startWeb serves the files of a directory and puts its address in $WEB: web DIR
func startWeb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: web DIR")
	}
	s := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Defer(s.Close)
	ts.Setenv("WEB", s.URL)
}

// startSlow starts a server that sends one byte of a document and then nothing,
// until the script ends, and puts its address in $SLOW. The file asked gets a
// line for each request that came: slow
func startSlow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: slow")
	}
	asked, err := os.OpenFile(ts.MkAbs("asked"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	ts.Check(err)
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("k"))
		w.(http.Flusher).Flush()
		fmt.Fprintln(asked, r.URL)
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	ts.Defer(func() { close(done); s.Close(); asked.Close() })
	ts.Setenv("SLOW", strings.TrimPrefix(s.URL, "http://"))
}
