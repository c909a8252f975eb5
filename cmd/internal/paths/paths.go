// Package paths finds where eidos keeps what belongs to a user: runs and results, the
// embedded registry and the user's signing key, and compiled catalogues. These are three
// directories, as they differ in what their loss means: a key cannot be made again,
// results can be by running again, and a cache costs only time.
//
// The directories are those of the XDG base directory specification
// (https://specifications.freedesktop.org/basedir-spec/latest/). Nothing here makes one;
// whoever writes to it does.
package paths

import (
	"path/filepath"

	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// Paths are the user's directories, by environment and flags. Env is os.LookupEnv outside
// tests.
type Paths struct {
	Env       func(string) (string, bool)
	StateFlag string // --state
}

// State holds runs and results: --state, $EIDOS_STATE, or the user's state directory, the
// first that is set. The path is absolute.
func (p Paths) State() (string, error) {
	if p.StateFlag != "" {
		return filepath.Abs(p.StateFlag)
	}
	if v, _ := p.Env("EIDOS_STATE"); v != "" {
		return filepath.Abs(v)
	}
	return p.dir("XDG_STATE_HOME", ".local/state")
}

// Data holds the embedded registry and the user's signing key.
func (p Paths) Data() (string, error) {
	if v, _ := p.Env("EIDOS_DATA"); v != "" {
		return filepath.Abs(v)
	}
	return p.dir("XDG_DATA_HOME", ".local/share")
}

// Cache is where compiled catalogues are kept.
func (p Paths) Cache() (string, error) { return p.dir("XDG_CACHE_HOME", ".cache") }

// dir is the user's directory for one purpose: $XDG_…_HOME/eidos, else below the home
// directory. A relative $XDG_…_HOME is ignored, as the specification demands. Where
// neither is set, as in a minimal container, there is no good place: the error says so
// rather than write to the working directory.
func (p Paths) dir(xdg, fallback string) (string, error) {
	if v, ok := p.Env(xdg); ok && filepath.IsAbs(v) {
		return filepath.Join(v, "eidos"), nil
	}
	home, _ := p.Env("HOME")
	if home == "" {
		return "", schema.Errorf(schema.Invalid, "neither %s nor HOME is set", xdg).WithHint("name a directory with --state DIR")
	}
	return filepath.Join(home, fallback, "eidos"), nil
}

// WithStore opens the state directory for f, to read and write, and closes it when f has
// returned: f must not keep the store. The directory is made if it does not exist.
func (p Paths) WithStore(f func(*store.Directory) error) error { return p.with(store.Open, f) }

// ReadStore opens the state directory for f, which only reads: the directory may be
// read-only, or not exist yet, in which case the store is empty.
func (p Paths) ReadStore(f func(*store.Directory) error) error { return p.with(store.ReadStore, f) }

func (p Paths) with(open func(dir string) (*store.Directory, error), f func(*store.Directory) error) error {
	dir, err := p.State()
	if err != nil {
		return err
	}
	s, err := open(dir)
	if err != nil {
		return err
	}
	err = f(s)
	if cerr := s.Close(); err == nil { // a file system may report a failed write as late as that
		err = cerr
	}
	return err
}
