package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/NVIDIA/eidos/cmd/internal/racetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"eidosd": func() { os.Exit(mainStatus()) },
		"http":   func() { os.Exit(httpMain(os.Args[1:])) },
		"unzip":  func() { os.Exit(unzipMain(os.Args[1:])) },
	})
}

// TestScripts runs every script under testdata/script: a server as its users
// start it, and requests as they send them. EIDOS_UPDATE=1 rewrites what they
// expect.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("EIDOS_UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			root, err := filepath.Abs("../..")
			if err != nil {
				return err
			}
			env.Setenv("SNAPSHOTS", filepath.Join(root, "testdata/snapshots"))
			env.Setenv("TOP", root)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command sleeps a second under -race
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveCommand, "signal": signalCommand, "ended": endedCommand, "certificates": certificatesCommand,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "race" {
				return racetest.Detector, nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
	})
}

// process is the server of a script.
type process struct {
	cmd    *exec.Cmd
	log    *os.File
	status chan error
}

// patience is how long a test waits for what must come: longer than any busy machine
// takes, because it is only used up by a fault.
const patience = 5 * time.Minute

// serveCommand starts a server and waits until it is ready: serve FLAG… Its
// address is in $URL, its log in the file log.
func serveCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve FLAG…")
	}
	log, err := os.Create(ts.MkAbs("log"))
	ts.Check(err)
	listen := []string{"--address", "127.0.0.1:0"}
	for _, a := range args {
		if a == "--socket" || a == "--address" {
			listen = nil
		}
	}
	program, err := exec.LookPath("eidosd")
	ts.Check(err)
	p := &process{cmd: exec.Command(program, append(listen, args...)...), log: log, status: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stderr = ts.MkAbs("."), log
	for _, name := range []string{"PATH", "HOME", "PORT", "K_SERVICE", "GOOGLE_CLOUD_PROJECT", "EIDOSD_RATE_LIMIT", "EIDOSD_TRUSTED_PROXY",
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if v := ts.Getenv(name); v != "" {
			p.cmd.Env = append(p.cmd.Env, name+"="+v)
		}
	}
	ts.Check(p.cmd.Start())
	go func() { p.status <- p.cmd.Wait() }()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill()
		_ = log.Close()
	})
	processes.Store(ts.MkAbs("."), p)
	line := p.wait(ts, `"ready"`, 0)
	var ready struct{ Address string }
	ts.Check(json.Unmarshal([]byte(line), &ready))
	scheme := "http"
	if strings.Contains(strings.Join(args, " "), "--tls-cert") {
		scheme = "https"
	}
	ts.Setenv("URL", scheme+"://"+strings.Replace(ready.Address, "[::]", "127.0.0.1", 1))
}

// processOf is the server of a script, nil if it has none.
func processOf(ts *testscript.TestScript) *process {
	p, _ := processes.Load(ts.MkAbs("."))
	server, _ := p.(*process)
	return server
}

// processes are the servers of scripts by their directory: scripts run in parallel.
var processes sync.Map // of *process

// wait waits until the log has a line with that text after so many bytes, and
// returns it.
func (p *process) wait(ts *testscript.TestScript, text string, after int) string {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		data, err := os.ReadFile(p.log.Name())
		ts.Check(err)
		s := bufio.NewScanner(bytes.NewReader(data[after:]))
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			if strings.Contains(s.Text(), text) {
				return s.Text()
			}
		}
		select {
		case err := <-p.status:
			ts.Fatalf("the server ended: %v\n%s", err, data)
		default:
		}
	}
	data, _ := os.ReadFile(p.log.Name())
	ts.Fatalf("no %q in the log:\n%s", text, data)
	return ""
}

// signalCommand sends a signal to the server: signal TERM|HUP [TEXT], and waits
// for TEXT in what it logs from then on.
func signalCommand(ts *testscript.TestScript, neg bool, args []string) {
	sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": os.Interrupt}
	p := processOf(ts)
	if neg || p == nil || len(args) == 0 || len(args) > 2 || sig[args[0]] == nil {
		ts.Fatalf("usage: signal TERM|HUP|INT [TEXT], after serve")
	}
	before, err := os.ReadFile(p.log.Name())
	ts.Check(err)
	ts.Check(p.cmd.Process.Signal(sig[args[0]]))
	if len(args) == 2 {
		p.wait(ts, args[1], len(before))
	}
}

// endedCommand waits until the server has ended, and checks its exit status:
// ended STATUS.
func endedCommand(ts *testscript.TestScript, neg bool, args []string) {
	p := processOf(ts)
	if neg || p == nil || len(args) != 1 {
		ts.Fatalf("usage: ended STATUS, after serve")
	}
	select {
	case <-p.status:
	case <-time.After(patience):
		ts.Fatalf("the server did not end")
	}
	if got := p.cmd.ProcessState.ExitCode(); args[0] != strconv.Itoa(got) {
		data, _ := os.ReadFile(p.log.Name())
		ts.Fatalf("exit status %d, not %s:\n%s", got, args[0], data)
	}
}
