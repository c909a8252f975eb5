package address

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// A file that was edited since it was saved is replaced only by force; what was
// saved there before, by whichever run, is replaced.
func TestEditedFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	c := Config{Written: &Written{Dir: filepath.Join(dir, "outputs")}, ForceFlag: "--overwrite"}
	value := func(name string) *schema.RecipeResult {
		return &schema.RecipeResult{Kind: "RecipeResult", APIVersion: schema.APIVersion, Metadata: schema.RecipeMetadata{Version: name}}
	}
	save := func(c Config, name string) error {
		return c.save(context.Background(), engine.Env{Dir: dir}, value(name), "r.yaml")
	}
	file := filepath.Join(dir, "r.yaml")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(save(c, "a"))
	first, err := os.ReadFile(file)
	must(err)
	must(save(c, "b")) // untouched since
	must(os.WriteFile(file, first, 0o644))
	must(save(c, "c")) // as a run left it that was killed between the two
	must(os.WriteFile(file, append(first, "# mine\n"...), 0o644))
	err = save(c, "d")
	if schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "was edited since") || !strings.Contains(err.(*schema.Error).Hint, "--overwrite") {
		t.Fatalf("got %v", err)
	}
	if got := c.Refuses(dir, "r.yaml", value("d").MediaType()); got == nil || got.Error() != err.Error() {
		t.Errorf("the plan says %v, and the run %v", got, err)
	}
	if now, _ := os.ReadFile(file); !strings.HasSuffix(string(now), "# mine\n") {
		t.Errorf("it is lost: %s", now)
	}
	forced := c
	forced.Force = true
	must(save(forced, "d"))
	must(save(c, "e"))

	// Where nobody remembers, a document of the same kind is replaced.
	must(os.WriteFile(file, append(first, "# mine\n"...), 0o644))
	must(save(Config{}, "f"))
}

// Runs beside each other that save to one file never take what another has
// written for an edit.
func TestRunsBesideEachOtherSave(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			c := Config{Written: &Written{Dir: filepath.Join(dir, "outputs")}}
			for k := range 20 {
				v := &schema.RecipeResult{Kind: "RecipeResult", APIVersion: schema.APIVersion, Metadata: schema.RecipeMetadata{Version: string(rune('a'+i)) + string(rune('a'+k))}}
				if err := c.save(context.Background(), engine.Env{Dir: dir}, v, "r.yaml"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// The list of what was saved does not grow without end.
func TestWrittenIsBounded(t *testing.T) {
	w := &Written{Dir: filepath.Join(t.TempDir(), "outputs")}
	path := filepath.Join(t.TempDir(), "f")
	for i := range 3 * maxWritten / 65 {
		if err := w.note(path, []byte{byte(i), byte(i >> 8)}); err != nil {
			t.Fatal(err)
		}
	}
	name, err := w.list(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxWritten+100 {
		t.Errorf("%v bytes, %v", info.Size(), err)
	}
}

// What a killed command left half-written beside an output goes with the next that writes
// there; files whose names are only alike stay.
func TestLeftoversOfFilesGo(t *testing.T) {
	write := map[string]func(path string) error{
		"a file":      func(p string) error { return WriteFile(p, []byte("new")) },
		"a directory": func(p string) error { return WriteDir(t.Context(), p, map[string][]byte{"a": nil}) },
	}
	for name, write := range write {
		dir := t.TempDir()
		for _, left := range []string{".old.eidos-0123456789abcdef", ".old.eidos-mine"} {
			if err := os.WriteFile(filepath.Join(dir, left), []byte("ha"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := write(filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, ".old*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || filepath.Base(found[0]) != ".old.eidos-mine" {
			t.Errorf("%s: there are %q", name, found)
		}
	}
}
