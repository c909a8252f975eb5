package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// journalTries is how often, a millisecond apart, the lock of a journal is
// tried while others share it.
const journalTries = 5000

// runDir is the directory of a run. Invalid if the id is not one: ids come from the
// command line, and this one becomes a path.
func (s *Directory) runDir(id string) (string, error) {
	if id == "" || len(id) > 64 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
		return "", schema.Errorf(schema.Invalid, "%q is not the id of a run", id)
	}
	return filepath.Join(s.dir, "runs", id), nil
}

// ownJournal locks f for the process of its run. Who asks whether the run is
// active shares the lock for a moment: that is waited for, also on a machine so
// busy that the moment is long. Who has it alone is the process of the run.
func ownJournal(f *os.File) error {
	var err error
	for range journalTries {
		if err = lockAlone(f); err == nil {
			return nil
		}
		if err := lockTried(f); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

// Journal implements Store. An active run holds its journal locked, which ends with its
// process, however that ends: nobody has to look whether a process id is alive. The
// journal of a run that is resumed is appended to. Unavailable if another process has
// it.
func (s *Directory) Journal(run string) (engine.Journal, error) {
	dir, err := s.runDir(run)
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, storeError("making", dir, err)
	}
	path := filepath.Join(dir, "events.jsonl")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return nil, storeError("writing", path, err)
	}
	if ownJournal(f) != nil {
		_ = f.Close()
		return nil, schema.Errorf(schema.Unavailable, "run %s is active in another process", run)
	}
	if err := mend(f); err != nil {
		return nil, storeError("writing", path, errors.Join(err, f.Close()))
	}
	return &fileJournal{f: f, path: path}, nil
}

// fileJournal gathers lines and writes them in groups. One goroutine uses it, that of
// the scheduler. What is gathered and not flushed is lost with kill -9.
type fileJournal struct {
	f    *os.File
	path string
	half bool // see appendLines
	buf  []byte
}

// journalGroup is how many bytes are gathered before they are written.
const journalGroup = 32 << 10

func (j *fileJournal) Append(line []byte) error {
	j.buf = append(j.buf, line...)
	if len(j.buf) < journalGroup {
		return nil
	}
	return j.Flush()
}

func (j *fileJournal) Flush() error {
	if len(j.buf) == 0 {
		return nil
	}
	err := appendLines(j.f, &j.half, j.buf)
	j.buf = j.buf[:0]
	if err != nil {
		return storeError("writing", j.path, err)
	}
	return nil
}

func (j *fileJournal) Close() error {
	err := j.Flush()
	if cerr := j.f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("closing %q: %w", j.path, cerr)
	}
	return err
}
