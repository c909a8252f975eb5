package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// usage is what one run took: processor time of the whole process and of all
// that it started, in seconds, and the most memory that any one of these held,
// in bytes.
type usage struct {
	CPU  float64
	Peak int64
}

var errLimit = errors.New("over the limit")

// measure runs args in dir for up to limit.
//
// The kernel counts to a process what its parent held when it began, so it is
// started by a small one, this program's launch, and not by this process.
func measure(dir string, limit time.Duration, args []string) (usage, string, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, "", err
	}
	ctx, stop := context.WithTimeout(context.Background(), limit)
	defer stop()
	c := exec.CommandContext(ctx, self, append([]string{"launch"}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	r, w, err := os.Pipe()
	if err != nil {
		return usage{}, "", err
	}
	defer r.Close()
	c.ExtraFiles = []*os.File{w}
	err = c.Run()
	w.Close()
	if ctx.Err() != nil {
		return usage{}, "", errLimit
	}
	if err != nil {
		return usage{}, "", fmt.Errorf("%v: %w\n%s", args, err, tail(said.Bytes()))
	}
	var u usage
	if err := json.NewDecoder(r).Decode(&u); err != nil {
		return usage{}, "", fmt.Errorf("reading what %v took: %w", args, err)
	}
	return u, out.String(), nil
}

// tail is the end of what a program said.
func tail(b []byte) []byte { return bytes.TrimSpace(b[max(0, len(b)-300):]) }

// launch runs args and writes to file 3 what that took.
func launch(args []string) error {
	c := exec.Command(args[0], args[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return err
	}
	ru := c.ProcessState.SysUsage().(*syscall.Rusage)
	u := usage{float64(ru.Utime.Nano()+ru.Stime.Nano()) / 1e9, ru.Maxrss << 10}
	return json.NewEncoder(os.NewFile(3, "usage")).Encode(u)
}

// median is that of each figure by itself.
func median(all []usage) usage {
	var cpu []float64
	var peak []int64
	for _, u := range all {
		cpu, peak = append(cpu, u.CPU), append(peak, u.Peak)
	}
	slices.Sort(cpu)
	slices.Sort(peak)
	return usage{cpu[len(cpu)/2], peak[len(peak)/2]}
}
