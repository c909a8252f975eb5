package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/schema"
)

// Usage is what a store holds.
type Usage struct {
	Entries    int   `json:"entries"`
	Blobs      int   `json:"blobs"`
	BlobBytes  int64 `json:"blobBytes"`
	LogBytes   int64 `json:"logBytes"` // of entries and small documents
	Runs       int   `json:"runs"`
	RunBytes   int64 `json:"runBytes"`
	TotalBytes int64 `json:"totalBytes"`
}

// Usage adds up what is in the store.
func (s *Directory) Usage() (Usage, error) {
	u := Usage{Entries: len(s.keys.keys), Blobs: len(s.docs.at)}
	err := s.eachBlob(func(_ schema.Digest, _ string, size int64) error {
		u.Blobs++
		u.BlobBytes += size
		return nil
	})
	if err != nil {
		return u, err
	}
	for _, l := range []string{s.keys.path, s.docs.path} {
		if fi, err := os.Stat(l); err == nil {
			u.LogBytes += fi.Size()
		}
	}
	runs, err := s.RunIDs()
	if err != nil {
		return u, err
	}
	for _, r := range runs {
		u.Runs++
		if fi, err := os.Stat(filepath.Join(s.dir, "runs", r, "events.jsonl")); err == nil {
			u.RunBytes += fi.Size()
		}
	}
	u.TotalBytes = u.BlobBytes + u.LogBytes + u.RunBytes
	return u, nil
}

// eachBlob visits the blobs that are files.
func (s *Directory) eachBlob(f func(d schema.Digest, path string, size int64) error) error {
	root := filepath.Join(s.dir, "blobs", "sha256")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if path == root && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		d := schema.Digest("sha256:" + e.Name())
		fi, err := e.Info()
		if _, herr := d.Hex(); err != nil || herr != nil {
			return err
		}
		return f(d, path, fi.Size())
	})
	if err != nil {
		return storeError("reading", root, err)
	}
	return nil
}

// alone runs f while nobody else uses the store. flock gives a shared lock up before it
// tries for the exclusive one, so it is taken again also where that was refused.
func (s *Directory) alone(f func() error) error {
	if lockAlone(s.lock) != nil {
		busy := schema.Errorf(schema.Unavailable, "another eidos uses %q", s.dir).WithHint("try again when its run has ended")
		return schema.Join([]error{busy, lockShared(s.lock)})
	}
	err := f()
	return errors.Join(err, lockShared(s.lock))
}

// GC removes the runs older than keep, and what neither those that are left nor
// any step's newest result consist of, except what is younger than keep. It
// returns the bytes that are free by that. Unavailable while another process
// uses the store.
func (s *Directory) GC(now time.Time, keep time.Duration) (int64, error) {
	var freed int64
	err := s.alone(func() error {
		before, err := s.Usage()
		if err != nil {
			return err
		}
		if err := s.collect(now.Add(-keep)); err != nil {
			return err
		}
		after, err := s.Usage()
		freed = before.TotalBytes - after.TotalBytes
		return err
	})
	return freed, err
}

// collect does the work of GC: first the runs, for what they name is in use; then
// entries and blobs. A crash in between leaves entries without content, which count as
// missing, and nothing else.
func (s *Directory) collect(old time.Time) error {
	// What was added since the store was opened is in the files, not in memory.
	if err := s.reload(); err != nil {
		return err
	}
	if _, err := s.KeepRuns(0, old); err != nil {
		return err
	}
	used, keys, err := s.usedByRuns()
	if err != nil {
		return err
	}
	lines, newest := map[int]bool{}, map[int]bool{}
	for _, at := range s.keys.steps {
		newest[at] = true
	}
	for at := range s.keys.live() {
		e, err := s.keys.entryAt(at)
		if err != nil || !newest[at] && !keys[key.Short(e.Key)] && e.Time.Before(old) {
			continue
		}
		lines[at] = true
		used[e.Artifact.Digest] = true
		for _, b := range e.Blobs {
			used[b.Digest] = true
		}
	}
	err = s.eachBlob(func(d schema.Digest, path string, _ int64) error {
		if used[d] {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil {
		return err
	}
	docs := map[int]bool{}
	for d := range used {
		if k, err := key32(d); err == nil {
			if at, ok := s.docs.at[k]; ok {
				docs[at] = true
			}
		}
	}
	if err := errors.Join(s.docs.keep(docs), s.keys.keep(lines)); err != nil {
		return storeError("writing", s.dir, err)
	}
	return s.reload()
}

// usedByRuns returns what the runs name: the results of their steps, their
// pipelines, and how the keys of their steps begin.
func (s *Directory) usedByRuns() (used map[schema.Digest]bool, keys map[string]bool, err error) {
	used, keys = map[schema.Digest]bool{}, map[string]bool{}
	heads, err := s.Heads()
	if err != nil {
		return nil, nil, err
	}
	for _, h := range heads {
		events, err := s.Events(h.Run)
		if err != nil {
			return nil, nil, err
		}
		if h.Source != nil {
			used[h.Source.Text] = true
			for _, d := range h.Source.Included {
				used[d] = true
			}
		}
		for _, e := range events {
			used[e.Digest], keys[e.Key] = true, true
		}
	}
	return used, keys, nil
}

// reload reads the logs again. It is called with the store alone: nobody of this
// process may use it meanwhile.
func (s *Directory) reload() error {
	if err := errors.Join(s.keys.close(), s.docs.close()); err != nil {
		return err
	}
	keys, err := openKeyLog(s.keys.path, true)
	if err != nil {
		return storeError("opening", s.keys.path, err)
	}
	docs, err := openSmallLog(s.docs.path)
	if err != nil {
		return storeError("opening", s.docs.path, err)
	}
	s.keys, s.docs = keys, docs
	return nil
}
