package address

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema/userfile"
)

// Written remembers in a directory what was saved to which file, so that one
// that was edited since is told from one that was not. A bundle says so itself,
// by its checksums.txt.
//
// It holds a file for each path, with a digest a line, the newest last. A digest
// is there before the file has it, and stays, so that a run that was killed and
// runs beside each other find what they left.
type Written struct{ Dir string }

const (
	maxWritten  = 64 << 10 // bytes of a list; then the older ones go
	keepWritten = 100
)

// edited reports whether path holds something that nobody saved there; false if
// it is not known who wrote it.
func (w *Written) edited(path string, now []byte) (bool, error) {
	if w == nil {
		return false, nil
	}
	digests, err := w.of(path)
	if err != nil || len(digests) == 0 {
		return false, err
	}
	return !slices.Contains(digests, digest(now)), nil
}

// note notes that data is about to be saved to path.
func (w *Written) note(path string, data []byte) error {
	if w == nil {
		return nil
	}
	digests, err := w.of(path)
	if err != nil {
		return err
	}
	if n := len(digests); n > 0 && digests[n-1] == digest(data) {
		return nil
	}
	name, err := w.list(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.Dir, 0o777); err != nil {
		return fmt.Errorf("noting what is saved to %q: %w", path, err)
	}
	if len(digests) > maxWritten/(2*sha256.Size+1) {
		return writeFile(name, []byte(strings.Join(append(digests[len(digests)-keepWritten:], digest(data)), "\n")+"\n"))
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err == nil {
		_, err = io.WriteString(f, digest(data)+"\n") // one write: processes beside this one append too
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("noting what is saved to %q: %w", path, err)
	}
	return nil
}

// of returns the digests of what was saved to path, the newest last.
func (w *Written) of(path string) ([]string, error) {
	name, err := w.list(path)
	if err != nil {
		return nil, err
	}
	data, err := userfile.Read(name, 2*maxWritten)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading what was saved to %q: %w", path, err)
	}
	return strings.Fields(string(data)), nil
}

func (w *Written) list(path string) (string, error) {
	abs, err := filepath.Abs(path)
	return filepath.Join(w.Dir, digest([]byte(abs))), err
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
