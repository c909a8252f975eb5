package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one server. Its output goes to NAME.log in the cluster's folder
// and its id to NAME.pid.
type process struct {
	name string
	log  string
	pid  int
	done chan struct{} // closed when it has ended
}

// run starts a server. With detach it outlives this process; without, the
// kernel kills it when this process ends, however that happens.
func run(dir, name, path string, detach bool, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !detach {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	started := make(chan error)
	go func() {
		// The kernel sends the death signal when the thread that started the
		// process ends, so that thread waits here and ends with this process.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // its log says why
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p.pid = cmd.Process.Pid
	return p, os.WriteFile(filepath.Join(dir, name+".pid"), []byte(strconv.Itoa(p.pid)), 0o600)
}

// wait polls ready until it is true, the process ends or the time is up; the
// last two are errors that carry the end of its log.
func (p *process) wait(ready func() bool, limit time.Duration) error {
	end := time.After(limit)
	for {
		if ready() {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready:\n%s", p.name, p.tail())
		case <-end:
			return fmt.Errorf("%s was not ready within %s:\n%s", p.name, limit, p.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail is the last 4 KiB of the log.
func (p *process) tail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > 4096 {
		if _, err := f.Seek(-4096, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// kill ends the servers whose ids stand in dir and waits until they are gone.
// Test data is worth no orderly end. A process that got the same id later is
// left alone: ours name dir on their command line.
func kill(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.pid"))
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f, err))
			continue
		}
		for ours(pid, dir) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				errs = append(errs, fmt.Errorf("ending %s: %w", f, err))
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		errs = append(errs, os.Remove(f))
	}
	return errors.Join(errs...)
}

// ours is false for a process that has ended, also while it waits to be
// reaped: its command line is empty then.
func ours(pid int, dir string) bool {
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(cmdline, []byte(dir))
}
