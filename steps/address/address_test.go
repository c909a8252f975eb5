package address_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/address"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

func document() *schema.Verification {
	return &schema.Verification{
		Kind: "Verification", APIVersion: schema.APIVersion, Subject: "x", Verified: true,
		Checks: []schema.VerificationCheck{{Name: "a", Passed: true, Detail: "0123"}},
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	configMaps := map[string][]byte{}
	var std bytes.Buffer
	load, save := address.New(address.Config{
		Stdin: &std, Stdout: &std, OCI: oci.Options{Data: t.TempDir()},
		LoadConfigMap: func(_ context.Context, ns, name, _ string) ([]byte, error) { return configMaps[ns+"/"+name], nil },
		SaveConfigMap: func(_ context.Context, ns, name string, v schema.Value) error {
			data, err := schema.EncodeYAML(v)
			configMaps[ns+"/"+name] = data
			return err
		},
	})
	v := document()
	for _, uri := range []string{"out/x.yaml", "x.json", "file://" + env.Dir + "/y", "-", "cm://ns/name", "oci://embedded/docs/x:v1", "oci-layout:docs:v1"} {
		for _, mediaType := range []string{v.MediaType(), ""} {
			if err := save(t.Context(), env, v, uri); err != nil {
				t.Errorf("%s: %v", uri, err)
				continue
			}
			got, err := load(t.Context(), env, uri, mediaType)
			if err != nil {
				t.Errorf("%s: %v", uri, err)
				continue
			}
			if diff := cmp.Diff(schema.Value(v), got); diff != "" {
				t.Errorf("%s: %s", uri, diff)
			}
		}
	}
	for name, start := range map[string]string{"out/x.yaml": "kind: Verification\n", "x.json": "{\n  \"kind\"", "y": "kind: Verification\n"} {
		if data, err := os.ReadFile(filepath.Join(env.Dir, name)); err != nil || !strings.HasPrefix(string(data), start) {
			t.Errorf("%s holds %.30q, %v", name, data, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	for name, content := range map[string]string{
		"odd.yaml":   "kind: Verfication\n",
		"none.yaml":  "a: b\n",
		"wrong.yaml": "kind: Verification\napiVersion: eidos.nvidia.com/v1alpha1\nsubject: x\nverifed: true\nchecks: []\n",
		"bad.yaml":   "a: [\n",
	} {
		if err := os.WriteFile(filepath.Join(env.Dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	big, err := os.Create(filepath.Join(env.Dir, "big.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(big.Truncate(65<<20), big.Close()); err != nil {
		t.Fatal(err)
	}
	load, save := address.New(address.Config{})
	verification := document().MediaType()
	for _, tt := range []struct {
		uri, mediaType string
		code           schema.Code
		want, hint     string
	}{
		{"missing.yaml", verification, schema.NotFound, `no file "missing.yaml"`, ""},
		{"odd.yaml/x", verification, schema.NotFound, `no file "odd.yaml/x"`, ""},
		{"odd.yaml", "", schema.Invalid, `kind: unknown kind "Verfication" (odd.yaml:1:7)`, "did you mean Verification?"},
		{"none.yaml", "", schema.Invalid, "no kind: not a document of eidos", "the kinds are Snapshot, "},
		{"wrong.yaml", verification, schema.Invalid, "(wrong.yaml:4:1)", ""},
		{"bad.yaml", verification, schema.Invalid, "bad.yaml:", ""},
		{"big.yaml", verification, schema.Invalid, "big.yaml has more than 64 MiB", ""},
		{".", verification, schema.Invalid, `"." is a directory, and a verification is wanted`, "name a file in it"},
		{".", "", schema.NotFound, "not a bundle", ""},
		{"htps://x", "", schema.Invalid, `unknown scheme "htps"`, "did you mean https?"},
		{"cm://x", "", schema.Invalid, "is not cm://namespace/name", ""},
		{"cm://x/y", "", schema.Unavailable, "there is no cluster to reach", "--kubeconfig"},
		{"-", "", schema.Invalid, "there is no standard input", ""},
		{"oci://embeded/x:v1", "", schema.Invalid, `"embeded" is not a registry host`, "did you mean embedded?"},
		{"oci-layout:none:v1", "", schema.NotFound, "it is not there", ""},
	} {
		_, err := load(t.Context(), env, tt.uri, tt.mediaType)
		check(t, tt.uri, err, tt.code, tt.want, tt.hint)
	}
	for _, tt := range []struct {
		uri        string
		code       schema.Code
		want, hint string
	}{
		{"https://user:pw@x/y?token=1", schema.Invalid, `cannot write to "https://x/y"`, "write to a path"},
		{"-", schema.Invalid, "there is no standard output", ""},
		{"cm://x/y", schema.Unavailable, "there is no cluster to reach", ""},
		{"odd.yaml/x", schema.Invalid, "a parent of it is a file", ""},
		{".", schema.Invalid, "it is a directory", "name a file in it"},
		{"s3://x", schema.Invalid, `unknown scheme "s3"`, ""},
	} {
		check(t, "saving "+tt.uri, save(t.Context(), env, document(), tt.uri), tt.code, tt.want, tt.hint)
	}
	_, save = address.New(address.Config{Format: "xml"})
	check(t, "format", save(t.Context(), env, document(), "x"), schema.Invalid, `unknown format "xml"`, "use json or yaml")
}

func check(t *testing.T, what string, err error, code schema.Code, want, hint string) {
	t.Helper()
	if err == nil || schema.CodeOf(err) != code || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v (%s), want %q (%s)", what, err, schema.CodeOf(err), want, code)
		return
	}
	var e *schema.Error
	if errors.As(err, &e) && !strings.Contains(e.Hint, hint) {
		t.Errorf("%s: hint %q, want %q", what, e.Hint, hint)
	}
}

func bundleFiles() map[string]string {
	return map[string]string{"deploy.sh": "#!/bin/sh\n", "templates/a/b.yaml": "a: b\n"}
}

func TestBundleRoundTrip(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // says nothing of the owner's bits
	env := blobtest.Env(t.TempDir())
	load, save := address.New(address.Config{OCI: oci.Options{Data: t.TempDir()}})
	b := blobtest.Bundle(env, bundleFiles())
	for _, uri := range []string{"out/bundle", "oci://embedded/team/x:v1"} {
		for _, mediaType := range []string{b.MediaType(), ""} {
			if err := save(t.Context(), env, b, uri); err != nil { // the second time over its own
				t.Fatal(err)
			}
			got, err := load(t.Context(), env, uri, mediaType)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(schema.Value(b), got); diff != "" {
				t.Errorf("%s: %s", uri, diff)
			}
		}
	}
	ref, err := load(t.Context(), env, "oci://embedded/team/x:v1", (*schema.Reference)(nil).MediaType())
	if err != nil {
		t.Fatal(err)
	}
	again, err := load(t.Context(), env, ref.(*schema.Reference).Reference, (*schema.Reference)(nil).MediaType())
	if err != nil || again.(*schema.Reference).Digest != ref.(*schema.Reference).Digest {
		t.Errorf("%v, %v", again, err)
	}
	_, err = load(t.Context(), env, "oci://embedded/team/x:v1", document().MediaType())
	check(t, "another type", err, schema.Invalid, "holds a bundle, and a verification is wanted", "")
}

// What may be replaced, and that what may not stays as it was.
func TestSaveBundleOverOthers(t *testing.T) {
	for _, tt := range []struct {
		name string
		prep func(dir string) error
		want string
	}{
		{"nothing there", func(dir string) error { return os.RemoveAll(dir) }, ""},
		{"empty", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)) }, ""},
		{"its own", func(dir string) error { return nil }, ""},
		{"not a bundle", func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755), os.WriteFile(dir+"/thesis.tex", nil, 0o644))
		}, "is not empty, and not a bundle of eidos"},
		{"file added", func(dir string) error { return os.WriteFile(dir+"/notes.txt", nil, 0o644) }, "was changed since (notes.txt: added)"},
		{"file changed", func(dir string) error { return os.WriteFile(dir+"/deploy.sh", nil, 0o755) }, "was changed since (deploy.sh: changed)"},
		{"file missing", func(dir string) error { return os.Remove(dir + "/deploy.sh") }, "was changed since (deploy.sh: missing)"},
		{"several", func(dir string) error {
			return errors.Join(os.Remove(dir+"/deploy.sh"), os.Symlink("x", dir+"/link"))
		}, "was changed since (deploy.sh: missing and 1 more)"},
		{"no checksums", func(dir string) error { return os.Remove(dir + "/checksums.txt") }, "checksums.txt cannot be read"},
		{"a file", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o644)) }, "it is a file, and a directory is to be written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := blobtest.Env(t.TempDir())
			_, save := address.New(address.Config{})
			if err := save(t.Context(), env, blobtest.Bundle(env, bundleFiles()), "out"); err != nil {
				t.Fatal(err)
			}
			if err := tt.prep(filepath.Join(env.Dir, "out")); err != nil {
				t.Fatal(err)
			}
			before := listing(t, env.Dir)
			b := blobtest.Bundle(env, map[string]string{"new.yaml": "a: 1\n"})
			err := save(t.Context(), env, b, "out")
			if tt.want != "" {
				check(t, "saving", err, schema.Invalid, tt.want, "")
				if diff := cmp.Diff(before, listing(t, env.Dir)); diff != "" {
					t.Error(diff)
				}
				if tt.name == "a file" {
					return
				}
				_, save = address.New(address.Config{Force: true})
				err = save(t.Context(), env, b, "out")
			}
			if err != nil {
				t.Fatal(err)
			}
			want := []string{".", "out", "out/bundle.yaml", "out/checksums.txt", "out/new.yaml"}
			if diff := cmp.Diff(want, listing(t, env.Dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func listing(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, p)
		out = append(out, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// interrupter ends a context while a blob is being read.
type interrupter struct {
	engine.Blobs
	cancel context.CancelFunc
}

func (i interrupter) Open(ctx context.Context, d schema.Digest) (io.ReadCloser, error) {
	i.cancel()
	return i.Blobs.Open(ctx, d)
}

func TestSaveBundleInterrupted(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	_, save := address.New(address.Config{})
	b := blobtest.Bundle(env, bundleFiles())
	ctx, cancel := context.WithCancel(t.Context())
	env.Blobs = interrupter{env.Blobs, cancel}
	if err := save(ctx, env, b, "out"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{"."}, listing(t, env.Dir)); diff != "" {
		t.Error(diff)
	}
}

// What a bundle's directory should not hold is refused, and without waiting for
// it or reading it: a pipe has no writer, and 20 GiB take their time.
func TestLoadHostileBundle(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"link":           {func(dir string) error { return os.Symlink("/etc/passwd", dir+"/link") }, `"out/link" is a symbolic link, not a regular file`},
		"pipe":           {func(dir string) error { return syscall.Mkfifo(dir+"/x", 0o644) }, `"out/x" is a pipe, not a regular file`},
		"pipe as bundle": {func(dir string) error { return pipeAt(dir + "/bundle.yaml") }, `is a pipe, not a file`},
		"pipe as sums":   {func(dir string) error { return pipeAt(dir + "/checksums.txt") }, `"out/checksums.txt" is a pipe`},
		"link to a pipe": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/bundle.yaml"), syscall.Mkfifo(dir+"/p", 0o644), os.Symlink("p", dir+"/bundle.yaml"))
		}, "is a pipe, not a file"},
		"set-user-id":     {func(dir string) error { return os.Chmod(dir+"/deploy.sh", 0o755|fs.ModeSetuid) }, `"out/deploy.sh" is set-user-id`},
		"sticky":          {func(dir string) error { return os.Chmod(dir+"/deploy.sh", 0o755|fs.ModeSticky) }, `"out/deploy.sh" is set-user-id, set-group-id or sticky`},
		"empty directory": {func(dir string) error { return os.MkdirAll(dir+"/a/b", 0o755) }, `"out/a/b" is an empty directory`},
		"only case":       {func(dir string) error { return os.WriteFile(dir+"/Deploy.sh", nil, 0o755) }, "differ only in case"},
		"20 GiB": {func(dir string) error {
			return errors.Join(os.WriteFile(dir+"/large", nil, 0o644), os.Truncate(dir+"/large", 20<<30))
		},
			"bytes in all; at most 8589934592 are taken"},
		"20 GiB as bundle": {func(dir string) error { return os.Truncate(dir+"/bundle.yaml", 20<<30) }, "is over the limit of"},
	} {
		t.Run(name, func(t *testing.T) {
			env := blobtest.Env(t.TempDir())
			load, save := address.New(address.Config{})
			if err := save(t.Context(), env, blobtest.Bundle(env, bundleFiles()), "out"); err != nil {
				t.Fatal(err)
			}
			if err := tt.change(filepath.Join(env.Dir, "out")); err != nil {
				t.Fatal(err)
			}
			_, err := load(t.Context(), env, "out", "")
			check(t, "loading", err, schema.Invalid, tt.want, "")
			// It is not replaced as an untouched one would be, either.
			if err := save(t.Context(), env, blobtest.Bundle(env, bundleFiles()), "out"); schema.CodeOf(err) != schema.Invalid {
				t.Errorf("saving over it: %v", err)
			}
		})
	}
}

func pipeAt(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) }

// A document may come from a pipe, as the shell makes one, and from nothing else
// that is not a file.
func TestLoadDocumentFrom(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	load, save := address.New(address.Config{})
	data, err := schema.EncodeYAML(document())
	if err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(env.Dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go os.WriteFile(pipe, data, 0o600)
	if _, err := load(t.Context(), env, pipe, ""); err != nil {
		t.Errorf("from a pipe: %v", err)
	}
	_, err = load(t.Context(), env, "/dev/zero", "")
	check(t, "from a device", err, schema.Invalid, "is a device, not a file", "")
	go os.ReadFile(pipe)
	if err := save(t.Context(), env, document(), pipe); err != nil {
		t.Errorf("to a pipe: %v", err)
	}
}
