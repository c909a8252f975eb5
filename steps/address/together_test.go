package address_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// writers is how many processes write to one output directory at once, each
// rounds times.
const (
	writers = 30
	rounds  = 4
)

// variant is one of the bundles that they write.
func variant(n int) map[string]string {
	files := map[string]string{}
	for i := range 25 {
		files[fmt.Sprintf("templates/%d-%d.yaml", n, i)] = strings.Repeat(fmt.Sprintln("value:", n), 50)
	}
	return files
}

// TestWriter is one of the processes of TestWritersTogether.
func TestWriter(t *testing.T) {
	dir := os.Getenv("EIDOS_WRITER_DIR")
	if dir == "" {
		t.Skip("a part of TestWritersTogether")
	}
	env := blobtest.Env(t.TempDir())
	load, save := address.New(address.Config{})
	var bundles []*schema.Bundle
	for n := range 3 {
		bundles = append(bundles, blobtest.Bundle(env, variant(n)))
	}
	env.Dir = dir
	for i := range rounds {
		if err := save(t.Context(), env, bundles[(os.Getpid()+i)%len(bundles)], "out"); err != nil {
			t.Fatal(err)
		}
		v, err := load(t.Context(), env, "out", bundles[0].MediaType())
		if err != nil {
			t.Fatal(err)
		}
		whole := slices.ContainsFunc(bundles, func(b *schema.Bundle) bool { return cmp.Equal(schema.Value(b), v) })
		if !whole {
			t.Fatalf("read a bundle that nobody wrote, of %d files", len(v.(*schema.Bundle).Files))
		}
	}
}

// TestWritersTogether: processes that write bundles to the same place all end
// well, whoever reads it sees one of the bundles whole, and nothing else is
// left.
func TestWritersTogether(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range writers {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriter$")
		cmd.Env = append(os.Environ(), "EIDOS_WRITER_DIR="+dir)
		all.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "out" {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestOneOfManyIsNew: of those that are to make a directory which must not be
// there, one does.
func TestOneOfManyIsNew(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for n := range 8 {
		all.Go(func() {
			env := blobtest.Env(t.TempDir())
			b := blobtest.Bundle(env, variant(n))
			env.Dir = dir
			_, save := address.New(address.Config{New: true})
			err := save(t.Context(), env, b, "out")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !strings.Contains(err.Error(), `output directory "out" is not empty`):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d made it", won)
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "bundle.yaml")); err != nil {
		t.Error(err)
	}
}
