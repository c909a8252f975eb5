package stock

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
	"github.com/NVIDIA/eidos/steps/sign"
)

// tree reads a directory: path to mode and content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if p != "." {
			out[p] = fi.Mode().String()
		}
		if d.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(dir, p))
			out[p] += " " + string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *registry) orasFlags() []string {
	if r.plain {
		return []string{"--plain-http"}
	}
	return nil
}

// oras unpacks the same tree as eidos writes to a directory.
func TestOrasPull(t *testing.T) {
	for name, start := range registries() {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, start(t))
			_, save := address.New(address.Config{})
			want := filepath.Join(t.TempDir(), "want")
			if err := save(t.Context(), p.env, blobtest.Bundle(p.env, files()), want); err != nil {
				t.Fatal(err)
			}
			got := filepath.Join(t.TempDir(), "got")
			args := append([]string{"pull", "-o", got, p.image.Reference}, p.orasFlags()...)
			p.must(t, p.env.Dir, "oras", args...)
			if diff := cmp.Diff(tree(t, want), tree(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOrasLayout(t *testing.T) {
	p := newPlace(t, inProcess(t))
	p.push("oci-layout:layout:v1")
	got := filepath.Join(t.TempDir(), "got")
	p.must(t, p.env.Dir, "oras", "pull", "--oci-layout", "-o", got, "layout:v1")
	if _, err := os.Stat(filepath.Join(got, "templates/a/b.txt")); err != nil {
		t.Error(err)
	}
}

// A copy with its referrers is signed like the original, in a layout and in a
// registry without the referrers API.
func TestOrasCopyKeepsSignature(t *testing.T) {
	p := newPlace(t, inProcess(t))
	if _, err := p.run(sign.Kind(p.opts), map[string]any{"attest": true}); err != nil {
		t.Fatal(err)
	}
	other := debian(t)
	p.docker = other.docker
	t.Setenv("DOCKER_CONFIG", other.docker)
	p.must(t, p.env.Dir, "oras", "cp", "-r", "--from-plain-http", p.image.Reference, other.host+"/team/copy:v1")
	p.must(t, p.env.Dir, "oras", "cp", "-r", "--from-plain-http", "--to-oci-layout", p.image.Reference, "copied:v1")
	for _, at := range []string{other.host + "/team/copy:v1", "oci-layout:copied:v1"} {
		ref, err := p.opts.OCI.Resolve(t.Context(), p.env, at, oci.Access{})
		if err != nil {
			t.Fatal(err)
		}
		if ref.Digest != p.image.Digest {
			t.Errorf("%s: digest %s, want %s", at, ref.Digest, p.image.Digest)
		}
		p.image = ref
		v, err := p.run(sign.VerifyKind(p.opts), map[string]any{"attestations": []any{sign.Provenance}})
		if err != nil || !v.(*schema.Verification).Verified {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// What oras pushes to the embedded registry's handler, in chunks of its own, it
// gets back.
func TestOrasPush(t *testing.T) {
	r := inProcess(t)
	dir := t.TempDir()
	content := strings.Repeat("content ", 100_000)
	write(t, filepath.Join(dir, "file.txt"), content)
	r.must(t, dir, "oras", "push", "--plain-http", r.host+"/x/y:v1", "file.txt:text/plain")
	r.must(t, dir, "oras", "attach", "--plain-http", "--artifact-type", "text/note", r.host+"/x/y:v1", "file.txt:text/plain")
	out := r.must(t, dir, "oras", "discover", "--plain-http", "--format", "json", r.host+"/x/y:v1")
	if !strings.Contains(out, "text/note") {
		t.Errorf("discover: %s", out)
	}
	if out := r.must(t, dir, "oras", "repo", "tags", "--plain-http", r.host+"/x/y"); strings.TrimSpace(out) != "v1" {
		t.Errorf("tags: %s", out)
	}
	got := filepath.Join(dir, "got")
	r.must(t, dir, "oras", "pull", "--plain-http", "-o", got, r.host+"/x/y:v1")
	data, err := os.ReadFile(filepath.Join(got, "file.txt"))
	if err != nil || string(data) != content {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
