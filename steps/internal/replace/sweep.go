package replace

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// What is being written has a name of its own beside what it will replace:
//
//	.NAME.eidos-HEX
//
// and the process that writes it holds it locked. After a kill the name stays
// and the lock does not.

// leftover is such a name.
var leftover = pattern.New(`^\..+\.eidos-[0-9a-f]{16}$`)

// beside is a new name beside path, hidden, that nobody else has.
func beside(path string) string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	base := filepath.Base(path)
	// Names have at most 255 bytes.
	return filepath.Join(filepath.Dir(path), "."+base[:min(len(base), 200)]+".eidos-"+hex.EncodeToString(b[:]))
}

// own locks f, which was just made as name, until it is closed, and reports
// whether it is still there: a Sweep may have come before the lock.
func own(f *os.File, name string) bool {
	// On a file system without locks nobody sweeps.
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	is, err := f.Stat()
	if err != nil {
		return true
	}
	at, err := os.Lstat(name)
	return err == nil && os.SameFile(is, at)
}

// Sweep removes from dir what killed processes were writing, and nothing that
// a living one writes. What cannot be removed stays: it harms nobody. Nothing is
// removed while somebody has dir locked, who may never let go of it.
func Sweep(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close() // and with it the lock
	if errors.Is(syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return
	}
	names, _ := d.Readdirnames(-1) // those that could be read
	for _, n := range names {
		if leftover.MatchString(n) {
			sweep(filepath.Join(dir, n))
		}
	}
}

func sweep(path string) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		_ = os.RemoveAll(path)
	}
}
