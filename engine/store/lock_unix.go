//go:build unix

package store

import (
	"os"
	"syscall"
)

// lockAlone takes f for this process alone, and fails at once if another has
// it.
func lockAlone(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// lockShared takes f together with others; it waits for one who has it alone.
func lockShared(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH)
}

// lockTried takes f together with others, and fails at once if another has it
// alone.
func lockTried(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
}
