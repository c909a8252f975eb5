// Package watch tells when files are no longer what they were. It looks at them
// again and again instead of asking the kernel to be told: that works on every
// file system (NFS, overlays, a ConfigMap's symbolic links), through the renames
// that editors save by, and for files that are not there yet; for the few files
// of a pipeline it costs a stat each.
package watch

import (
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema/userfile"
)

// Set is what to look at.
type Set struct {
	Paths  []string // files, and directories with all that is in them but hidden files
	Except []string // files and directories that are passed over
}

// Sight is what was seen at one time, by path.
type Sight map[string]Mark

// Mark is what one file held. The zero Mark is a file that is not there.
type Mark struct {
	stat stat
	sum  [sha256.Size]byte
	info fs.FileInfo // to tell one file from another of the same age and size
}

// stat is what a file that was not touched keeps.
type stat struct {
	mode  fs.FileMode
	size  int64
	mtime time.Time
}

// Of is the mark of a file that held data.
func Of(data []byte) Mark { return Mark{sum: sha256.Sum256(data)} }

const (
	// most files of one set; what is beyond is not looked at.
	most = 10000
	// maxHashed bounds what is read of a file, in bytes; a longer one is told by
	// its size and time.
	maxHashed = 64 << 20
	// fresh is how old a time of change must be to be trusted: file systems keep
	// it as coarsely as two seconds.
	fresh = 3 * time.Second
)

// Look looks at the files of s. What before saw unchanged is not read again.
func (s Set) Look(before Sight) Sight {
	now := Sight{}
	for _, p := range s.Paths {
		p = filepath.Clean(p)
		info, err := os.Stat(p)
		switch {
		case s.passes(p):
		case err != nil:
			now[p] = Mark{}
		case info.IsDir():
			s.walk(p, before, now)
		default:
			now.add(p, info, before)
		}
	}
	return now
}

func (s Set) walk(dir string, before, now Sight) {
	// A directory that cannot be read is told by the run.
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case len(now) >= most:
			return fs.SkipAll
		case err != nil:
			return nil
		case p != dir && strings.HasPrefix(d.Name(), "."), s.passes(p):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir():
			if info, err := os.Stat(p); err == nil {
				now.add(p, info, before)
			}
		}
		return nil
	})
}

// passes reports whether p is, or is in, one of the exceptions.
func (s Set) passes(p string) bool {
	for _, e := range s.Except {
		if e = filepath.Clean(e); p == e || strings.HasPrefix(p, e+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

func (s Sight) add(p string, info fs.FileInfo, before Sight) {
	if !info.Mode().IsRegular() { // a pipe is not read by those who look
		s[p] = Mark{stat: stat{mode: info.Mode()}, info: info}
		return
	}
	m := Mark{stat: stat{info.Mode(), info.Size(), info.ModTime()}, info: info}
	was := before[p]
	if was.info != nil && os.SameFile(was.info, info) && was.stat == m.stat && time.Since(m.stat.mtime) > fresh {
		s[p] = was
		return
	}
	if info.Size() <= maxHashed {
		m.sum = digest(p)
	}
	s[p] = m
}

// digest is of a file's content; zero if it cannot be read.
func digest(p string) (sum [sha256.Size]byte) {
	f, err := userfile.Open(p)
	if err != nil {
		return sum
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum
	}
	h.Sum(sum[:0])
	return sum
}

// same reports whether two marks are of the same content.
func (m Mark) same(o Mark) bool {
	return m.sum == o.sum && (m.sum != [sha256.Size]byte{} || m.stat == o.stat)
}

// Changed lists what is not in now as it was before, sorted.
func (s Set) Changed(before, now Sight) []string {
	var out []string
	for p, m := range now {
		if !m.same(before[p]) {
			out = append(out, p)
		}
	}
	for p := range before {
		if _, ok := now[p]; !ok && !s.passes(p) {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}

// settles is how often a set that keeps changing is looked at again before it
// is told all the same.
const settles = 10

// Wait looks each interval, until something is not as before and has stayed so
// for an interval. It returns what changed; the error is that of ctx.
func (s Set) Wait(ctx context.Context, before Sight, interval time.Duration) ([]string, error) {
	last, moving := before, 0
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		now := s.Look(last)
		still := len(s.Changed(last, now)) == 0
		last = now
		if changed := s.Changed(before, now); len(changed) > 0 {
			if moving++; moving > 1 && still || moving > settles {
				return changed, nil
			}
		} else {
			moving = 0
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
