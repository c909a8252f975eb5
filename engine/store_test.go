package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

func TestMemory(t *testing.T) {
	testStore(t, func() engine.Store { return store.NewMemory() })
}

func TestDirectory(t *testing.T) {
	testStore(t, func() engine.Store { return open(t, t.TempDir()) })
}

func open(t testing.TB, dir string) *store.Directory {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sum(data []byte) schema.Digest {
	h := sha256.Sum256(data)
	return schema.Digest("sha256:" + hex.EncodeToString(h[:]))
}

// testStore is what every Store does.
func testStore(t *testing.T, fresh func() engine.Store) {
	ctx := context.Background()
	texts := map[string][]byte{
		"empty": {}, "newline": []byte("\n"), "line": []byte("{\"a\":1}\n"), "no newline": []byte("{}"),
		"lines": []byte("a\nb\n"), "binary": {0, 1, '\n', 255}, "at the limit": append(bytes.Repeat([]byte{'x'}, 4095), '\n'),
		"over the limit": append(bytes.Repeat([]byte{'x'}, 4096), '\n'), "big": bytes.Repeat([]byte("0123456789"), 100_000),
	}
	t.Run("what is put is read", func(t *testing.T) {
		s := fresh()
		for name, data := range texts {
			for range 2 {
				d, n, err := s.Put(ctx, iotestReader{bytes.NewReader(data)})
				if err != nil || d != sum(data) || n != int64(len(data)) {
					t.Fatalf("%s: %s, %d, %v", name, d, n, err)
				}
			}
			r, err := s.Open(ctx, sum(data))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, data) || r.Close() != nil {
				t.Fatalf("%s: read %d of %d bytes, %v", name, len(got), len(data), err)
			}
			if !s.Has(ctx, sum(data), int64(len(data))) || s.Has(ctx, sum(data), int64(len(data))+1) {
				t.Errorf("%s: Has", name)
			}
		}
	})
	t.Run("what is not there", func(t *testing.T) {
		s := fresh()
		d := sum([]byte("nothing"))
		if _, err := s.Open(ctx, d); schema.CodeOf(err) != schema.NotFound {
			t.Errorf("Open: %v", err)
		}
		if s.Has(ctx, d, 7) {
			t.Error("Has")
		}
		if _, ok, err := s.Lookup(d); ok || err != nil {
			t.Error("Lookup", ok, err)
		}
		if _, ok, err := s.Last("p", "s"); ok || err != nil {
			t.Error("Last", ok, err)
		}
	})
	t.Run("the newest entry counts", func(t *testing.T) {
		s := fresh()
		var want engine.Entry
		for i := range 3 {
			want = engine.Entry{Key: sum([]byte("k")), Pipeline: "p", Step: "s", Run: fmt.Sprint(i), Time: time.Date(2026, 1, i+1, 0, 0, 0, 0, time.UTC),
				Artifact: engine.Artifact{MediaType: "m", Digest: sum([]byte{byte(i)}), Size: 1}, Parts: []engine.Part{{Name: "with", Value: "{\"a\":\"\\n\"}"}}}
			if err := s.Record(want); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Record(engine.Entry{Key: sum([]byte("other")), Pipeline: "p2", Step: "s"}); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.Lookup(want.Key)
		if d := cmp.Diff(want, got); d != "" || !ok || err != nil {
			t.Error(ok, err, d)
		}
		got, ok, err = s.Last("p", "s")
		if d := cmp.Diff(want, got); d != "" || !ok || err != nil {
			t.Error(ok, err, d)
		}
		if err := s.Sync(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a reader that fails leaves nothing", func(t *testing.T) {
		s := fresh()
		if _, _, err := s.Put(ctx, io.MultiReader(strings.NewReader("half"), failingReader{})); err == nil || !strings.Contains(err.Error(), "no more") {
			t.Errorf("got %v", err)
		}
		if s.Has(ctx, sum([]byte("half")), 4) {
			t.Error("half is there")
		}
	})
	t.Run("many at once", func(t *testing.T) {
		s := fresh()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				data := fmt.Appendf(nil, "{\"n\":%d}\n", i%4)
				d, _, err := s.Put(ctx, bytes.NewReader(data))
				if err != nil || d != sum(data) {
					t.Error(err)
				}
				if err := s.Record(engine.Entry{Key: d, Step: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
				if _, ok, err := s.Lookup(d); !ok || err != nil {
					t.Error(ok, err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("a cancelled context", func(t *testing.T) {
		s := fresh()
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, _, err := s.Put(gone, strings.NewReader("x")); err == nil {
			t.Error("put in spite of it")
		}
	})
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, fmt.Errorf("no more") }

// iotestReader gives few bytes at a time.
type iotestReader struct{ r io.Reader }

func (r iotestReader) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), 1000)]) }

func TestDirectoryKeepsWhatItHad(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	var digests []schema.Digest
	for i := range 10 {
		d, n, err := s.Put(ctx, strings.NewReader(strings.Repeat(fmt.Sprint(i), 3000*(i%2)+3)+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d)
		if err := s.Record(engine.Entry{Key: d, Pipeline: "p", Step: fmt.Sprint(i), Artifact: engine.Artifact{Digest: d, Size: n}}); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, dir) // while the first is open
	for i, d := range digests {
		if e, ok, err := again.Last("p", fmt.Sprint(i)); !ok || err != nil || e.Key != d {
			t.Errorf("%d: %v %v", i, ok, err)
		}
		if !again.Has(ctx, d, int64(3000*(i%2)+4)) {
			t.Errorf("%d: gone", i)
		}
	}
}

func TestTornLastLineIsIgnored(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{"keys.log", "small.log"} {
		for _, cut := range []int{2, 10, 80, 200} {
			dir := t.TempDir()
			s := open(t, dir)
			put := func(s *store.Directory, text string) schema.Digest {
				d, _, err := s.Put(ctx, strings.NewReader(text+strings.Repeat(" ", 300)+"\n"))
				if err == nil {
					err = s.Record(engine.Entry{Key: d, Pipeline: "p", Step: text, Parts: []engine.Part{{Name: "x", Value: strings.Repeat("y", 300)}}})
				}
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			first, second := put(s, "first"), put(s, "second")
			s.Close()
			path := filepath.Join(dir, name)
			fi, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, fi.Size()-int64(cut)); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			third := put(s, "third")
			s.Close()
			s = open(t, dir)
			has := func(d schema.Digest) bool {
				if name == "keys.log" {
					_, ok, err := s.Lookup(d)
					return ok && err == nil
				}
				_, err := s.Open(ctx, d)
				return err == nil
			}
			if !has(first) || has(second) || !has(third) {
				t.Errorf("%s cut by %d: %v %v %v", name, cut, has(first), has(second), has(third))
			}
			s.Close()
		}
	}
}

func TestDamagedBlobIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	text := "steps:\n  a: {uses: echo, with: {text: \"" + strings.Repeat("x", 5000) + "\"}}\n  b: {uses: upper, in: {text: a}}\n"
	runner := func(force ...string) (*run.Result, error) {
		s := open(t, filepath.Join(dir, "state"))
		defer s.Close()
		r := run.Runner{Store: s, Force: force}
		return r.Run(context.Background(), compile(t, newWorld(), text))
	}
	res, err := runner()
	if err != nil {
		t.Fatal(err)
	}
	h := strings.TrimPrefix(string(res.Step("a").Artifact.Digest), "sha256:")
	path := filepath.Join(dir, "state", "blobs", "sha256", h[:2], h)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if res, err = runner("b"); err != nil || res.Step("a").Decision.Code != engine.CodeResultLost {
		t.Fatalf("got %v, %v", res.Step("a").Decision, err)
	}
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	if res, err = runner("b"); err != nil || res.Step("a").Decision.Code != engine.CodeResultLost {
		t.Fatalf("truncated: got %v, %v", res.Step("a").Decision, err)
	}
}

func TestUmaskDoesNotMatter(t *testing.T) {
	old := syscall.Umask(0o777)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(filepath.Dir(dir)+"/x", 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Put(context.Background(), strings.NewReader("two\nlines\n")); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(engine.Entry{Key: sum(nil), Step: "s"}); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if e.Name() != "lock" && fi.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, fi.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadOnlyHome(t *testing.T) {
	if os.Getuid() == 0 {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(filepath.Join(file, "state")); err == nil || !strings.Contains(err.Error(), "file") {
			t.Errorf("got %v", err)
		}
		return // root writes everywhere
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(filepath.Join(dir, "state"))
	if err == nil || !strings.Contains(err.Error(), "the state directory cannot be written") {
		t.Errorf("got %v", err)
	}
}

func TestGC(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	runner := func(text string) *run.Result {
		s := open(t, dir)
		defer s.Close()
		r := run.Runner{Store: s, Clock: func() time.Time { return now }}
		res, err := r.Run(context.Background(), compile(t, newWorld(), text))
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	big := strings.Repeat("x", 5000)
	first := runner("steps:\n  a: {uses: echo, with: {text: " + big + "}}\n  b: {uses: echo, with: {text: small}}\n")
	now = now.Add(48 * time.Hour)
	second := runner("steps:\n  a: {uses: echo, with: {text: " + big + "y}}\n  b: {uses: echo, with: {text: little}}\n")
	s := open(t, dir)
	other := open(t, dir)
	if _, err := s.GC(now, 0); schema.CodeOf(err) != schema.Unavailable {
		t.Errorf("while another uses it: %v", err)
	}
	other.Close()
	free, err := s.GC(now, 24*time.Hour)
	if err != nil || free < 5000 {
		t.Errorf("freed %d, %v", free, err)
	}
	for _, id := range []string{"a", "b"} {
		if a := first.Step(id).Artifact; s.Has(context.Background(), a.Digest, a.Size) {
			t.Errorf("the old %s is there", id)
		}
		if a := second.Step(id).Artifact; !s.Has(context.Background(), a.Digest, a.Size) {
			t.Errorf("the new %s is gone", id)
		}
	}
	runs, err := history.List(s)
	if err != nil || len(runs) != 1 || runs[0].ID != second.Run || runs[0].Ran != 2 {
		t.Errorf("runs: %+v, %v", runs, err)
	}
	if wrong, err := s.Verify(context.Background()); err != nil || len(wrong) > 0 {
		t.Error(wrong, err)
	}
	if u, err := s.Usage(); err != nil || u.Entries != 2 || u.Blobs != 2 || u.Runs != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	h, err := history.Explain(s, second.Run, "a", "")
	if err != nil || h.Event.Code != engine.CodeChanged || h.Parts == nil || !strings.HasPrefix(h.Event.Reason, "with.text changed: xxx") {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := history.Explain(s, second.Run, "aa", ""); schema.CodeOf(err) != schema.NotFound {
		t.Error(err)
	}
	if err := s.RemoveRun(second.Run); err != nil {
		t.Error(err)
	}
	if _, err := history.Find(s, second.Run); schema.CodeOf(err) != schema.NotFound {
		t.Error(err)
	}
	if _, err := s.Events("../../etc"); schema.CodeOf(err) != schema.Invalid {
		t.Error(err)
	}
}
