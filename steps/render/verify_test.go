package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// FS is the tree as a file system.
func (t *Tree) FS() fstest.MapFS {
	out := fstest.MapFS{}
	for p, f := range t.files {
		mode := fs.FileMode(0o644)
		if f.executable {
			mode = 0o755
		}
		out[p] = &fstest.MapFile{Data: f.data, Mode: mode}
	}
	return out
}

func TestVerifyTree(t *testing.T) {
	sum := strings.Repeat("0", 64)
	tests := map[string]struct {
		change func(fstest.MapFS)
		want   []Finding
		err    string
	}{
		"as made":     {func(fstest.MapFS) {}, nil, ""},
		"changed":     {func(m fstest.MapFS) { m["values.yaml"] = &fstest.MapFile{Data: []byte("x")} }, []Finding{{"values.yaml", "changed"}}, ""},
		"emptied":     {func(m fstest.MapFS) { m["Chart.yaml"] = &fstest.MapFile{} }, []Finding{{"Chart.yaml", "changed"}}, ""},
		"added":       {func(m fstest.MapFS) { m["templates/x.yaml"] = &fstest.MapFile{} }, []Finding{{"templates/x.yaml", "added"}}, ""},
		"hidden file": {func(m fstest.MapFS) { m[".x"] = &fstest.MapFile{} }, []Finding{{".x", "added"}}, ""},
		"missing":     {func(m fstest.MapFS) { delete(m, "recipe.yaml") }, []Finding{{"recipe.yaml", "missing"}}, ""},
		"renamed": {func(m fstest.MapFS) { m["x.yaml"] = m["values.yaml"]; delete(m, "values.yaml") },
			[]Finding{{"values.yaml", "missing"}, {"x.yaml", "added"}}, ""},
		"executable":           {func(m fstest.MapFS) { m["values.yaml"].Mode |= 0o111 }, []Finding{{"values.yaml", "executable, and was not"}}, ""},
		"executable by others": {func(m fstest.MapFS) { m["checksums.txt"].Mode |= 0o001 }, []Finding{{"checksums.txt", "executable, and was not"}}, ""},
		"not executable":       {func(m fstest.MapFS) { m["deploy.sh"].Mode = 0o644 }, []Finding{{"deploy.sh", "no longer executable"}}, ""},
		"set-user-id":          {func(m fstest.MapFS) { m["deploy.sh"].Mode |= fs.ModeSetuid }, []Finding{{"deploy.sh", "set-user-id, set-group-id or sticky"}}, ""},
		"empty directory":      {func(m fstest.MapFS) { m["empty"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755} }, []Finding{{"empty/", "an empty directory"}}, ""},
		"only case": {func(m fstest.MapFS) { m["Values.yaml"] = m["values.yaml"] },
			[]Finding{{"Values.yaml", "added"}, {"values.yaml", `like "Values.yaml" but for case`}}, ""},
		"link":         {func(m fstest.MapFS) { m["values.yaml"].Mode |= fs.ModeSymlink }, []Finding{{"values.yaml", "not a file"}}, ""},
		"no checksums": {func(m fstest.MapFS) { delete(m, checksums) }, nil, "no checksums.txt: not a bundle"},
		"hostile checksums": {func(m fstest.MapFS) {
			m[checksums].Data = []byte(sum + "  ../x\n" + sum + "  /etc/passwd\nx\n" + sum + "  a\n" + sum + "  a\n" + sum + "  checksums.txt\n")
		}, nil, "\"../x\" is not a path in a bundle (checksums.txt:1:1)\n\"/etc/passwd\" is not a path in a bundle (checksums.txt:2:1)\n" +
			"not a line of sha256sum (checksums.txt:3:1)\n\"a\" is listed twice (checksums.txt:5:1)\n\"checksums.txt\" is not a path in a bundle (checksums.txt:6:1)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := mustRender(t, full()).FS()
			test.change(tree)
			got, err := VerifyTree(tree)
			if (err != nil || test.err != "") && (err == nil || err.Error() != test.err) {
				t.Fatalf("error %v, want %s", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// A single changed byte anywhere is found.
func TestVerifyEveryFile(t *testing.T) {
	made := mustRender(t, full())
	for _, p := range made.Paths() {
		if p == checksums || len(made.Data(p)) == 0 {
			continue
		}
		tree := made.FS()
		data := bytes.Clone(made.Data(p))
		data[len(data)/2] ^= 1
		tree[p] = &fstest.MapFile{Data: data, Mode: tree[p].Mode}
		got, err := VerifyTree(tree)
		if err != nil || len(got) != 1 || got[0] != (Finding{p, "changed"}) {
			t.Errorf("%s: %v, %v", p, got, err)
		}
	}
}

func TestReadMetadata(t *testing.T) {
	made := mustRender(t, schema.RenderParams{})
	got, err := ReadMetadata(made.FS())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made.Metadata, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ReadMetadata(fstest.MapFS{}); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("an empty directory: %v", err)
	}
}

// The stock tools read what we write: sha256sum, and a shell the scripts.
func TestStockTools(t *testing.T) {
	for _, p := range everything() {
		made := mustRender(t, p)
		dir := write(t, made)
		if out, err := inDir(dir, "sha256sum", "--check", "--strict", "--quiet", checksums); err != nil {
			t.Errorf("%s: %v\n%s", p.Deployer, err, out)
		}
		for _, script := range []string{"deploy.sh", "undeploy.sh"} {
			if made.Data(script) == nil {
				continue
			}
			out, err := inDir(dir, "./"+script, "--dry-run")
			if err != nil {
				t.Errorf("%s --dry-run: %v\n%s", script, err, out)
			}
			for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
				if !strings.HasPrefix(line, "+ helm ") && !strings.HasPrefix(line, "+ kubectl ") && !strings.HasPrefix(line, "+ cp ") {
					t.Errorf("%s --dry-run says %q", script, line)
				}
			}
			for _, args := range [][]string{{"--dryrun"}, {"--dry-run", "x"}} {
				out, err := inDir(dir, append([]string{"./" + script}, args...)...)
				if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || !strings.Contains(out, "usage: ") {
					t.Errorf("%s %v: %v\n%s", script, args, err, out)
				}
			}
		}
		if found, err := VerifyTree(os.DirFS(dir)); err != nil || found != nil {
			t.Errorf("after all that the bundle is another: %v %v", found, err)
		}
	}
}

func inDir(dir string, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// memory is a store of blobs for one test.
type memory struct {
	mu    sync.Mutex
	blobs map[schema.Digest][]byte
}

func (m *memory) Put(_ context.Context, r io.Reader) (schema.Digest, int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	sum := sha256.Sum256(data)
	d := schema.Digest("sha256:" + hex.EncodeToString(sum[:]))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[d] = data
	return d, int64(len(data)), nil
}

func (m *memory) Open(_ context.Context, d schema.Digest) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m.blobs[d])), nil
}

func TestKind(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "v.yaml")
	if err := os.WriteFile(file, []byte("gpu-operator: {driver: {version: a}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	kind := Kind(fixtures().Manifest)
	env := engine.Env{Dir: dir, Blobs: &memory{blobs: map[schema.Digest][]byte{}}}
	params := &schema.RenderParams{Values: []string{"v.yaml"}, SetFile: []string{"gpu-operator:driver.version=v.yaml"}}
	parts, err := kind.Parts(env, params)
	if err != nil {
		t.Fatal(err)
	}
	v, err := kind.Run(context.Background(), env, params, engine.Inputs{"recipe": {fixture(t)}})
	if err != nil {
		t.Fatal(err)
	}
	b := v.(*schema.Bundle)
	data, err := schema.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Decode("bundle", data, &schema.Bundle{}); err != nil {
		t.Errorf("the bundle is no document: %v", err)
	}
	for i, f := range b.Files {
		r, err := env.Blobs.Open(context.Background(), f.Digest)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		if int64(len(data)) != f.Size || f.Executable != strings.HasSuffix(f.Path, ".sh") || i > 0 && b.Files[i-1].Path >= f.Path {
			t.Errorf("%+v with %d bytes", f, len(data))
		}
	}
	if err := os.WriteFile(file, []byte("gpu-operator: {driver: {version: b}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	changed, err := kind.Parts(env, params)
	if err != nil || cmp.Equal(parts, changed) {
		t.Errorf("a changed file is in no part of the key: %v, %v", changed, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := kind.Parts(env, params); schema.CodeOf(err) != schema.NotFound {
		t.Errorf("a missing file: %v", err)
	}
}
