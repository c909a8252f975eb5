package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
)

// archive packs entries; the content of a file is its size in bytes.
func archive(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for _, h := range entries {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(tw, zeros{}, h.Size); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func small() limits { return limits{files: 20, bytes: 10 << 20, ratio: 10, slack: 64 << 10} }

// hostile lists archives that must not be taken, and what is said of them.
func hostile() map[string]struct {
	entries []tar.Header
	want    string
} {
	good := tar.Header{Name: "a.yaml", Size: 3}
	many := make([]tar.Header, small().files+1)
	for i := range many {
		many[i].Name = fmt.Sprint("f", i)
	}
	return map[string]struct {
		entries []tar.Header
		want    string
	}{
		"parent":               {[]tar.Header{good, {Name: "../x"}}, `file "../x": the path leaves the tree`},
		"parent inside":        {[]tar.Header{good, {Name: "a/../../x"}}, `file "a/../../x": the path leaves the tree`},
		"parent directory":     {[]tar.Header{good, {Name: "../d/", Typeflag: tar.TypeDir}}, `file "../d": the path leaves the tree`},
		"absolute":             {[]tar.Header{good, {Name: "/etc/passwd"}}, `file "/etc/passwd": the path is absolute`},
		"backslash":            {[]tar.Header{good, {Name: `..\x`}}, "backslash"},
		"drive":                {[]tar.Header{good, {Name: `C:x`}}, "colon"},
		"control":              {[]tar.Header{good, {Name: "a\x1b[2Jb"}}, "cannot be shown"},
		"not clean":            {[]tar.Header{good, {Name: "a//b"}}, "not in its shortest form"},
		"symbolic link":        {[]tar.Header{good, {Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a.yaml"}}, `entry "l" is a symbolic link`},
		"symbolic link out":    {[]tar.Header{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, {Name: "l/passwd"}}, `entry "l" is a symbolic link`},
		"hard link":            {[]tar.Header{good, {Name: "l", Typeflag: tar.TypeLink, Linkname: "a.yaml"}}, `entry "l" is a hard link`},
		"character device":     {[]tar.Header{good, {Name: "null", Typeflag: tar.TypeChar}}, `entry "null" is a device`},
		"block device":         {[]tar.Header{good, {Name: "sda", Typeflag: tar.TypeBlock}}, `entry "sda" is a device`},
		"pipe":                 {[]tar.Header{good, {Name: "p", Typeflag: tar.TypeFifo}}, `entry "p" is a pipe`},
		"set-user-id":          {[]tar.Header{good, {Name: "sh", Mode: 0o4755}}, `entry "sh" is set-user-id`},
		"set-group-id":         {[]tar.Header{good, {Name: "d/", Typeflag: tar.TypeDir, Mode: 0o2755}}, `entry "d/" is set-user-id, set-group-id or sticky`},
		"twice":                {[]tar.Header{good, {Name: "b"}, good}, `file "a.yaml" is there twice`},
		"twice, written apart": {[]tar.Header{good, {Name: "./a.yaml"}}, `file "a.yaml" is there twice`},
		"directory twice":      {[]tar.Header{{Name: "d/", Typeflag: tar.TypeDir}, {Name: "d", Typeflag: tar.TypeDir}}, `directory "d" is there twice`},
		"file and parent":      {[]tar.Header{good, {Name: "a.yaml/b"}}, `file "a.yaml/b": "a.yaml" is a file too`},
		"file and directory":   {[]tar.Header{good, {Name: "a.yaml/", Typeflag: tar.TypeDir}}, `"a.yaml" is a file and a directory`},
		"only case":            {[]tar.Header{good, {Name: "A.yaml"}}, `"a.yaml" and "A.yaml" differ only in case`},
		"only case, directory": {[]tar.Header{{Name: "d/x"}, {Name: "D/y"}}, `"d" and "D" differ only in case`},
		"too many":             {many, "more than 20 files"},
		"far too large":        {[]tar.Header{{Name: "bomb", Size: 1 << 20}}, "unpacks to far more than it should"},
	}
}

func TestHostileArchives(t *testing.T) {
	for name, tt := range hostile() {
		t.Run(name, func(t *testing.T) {
			store := &blobtest.Store{}
			data := archive(t, tt.entries...)
			files, err := small().unpack(t.Context(), bytes.NewReader(data), int64(len(data)), "", store)
			if err == nil || !strings.Contains(err.Error(), tt.want) || schema.CodeOf(err) != schema.Invalid {
				t.Errorf("error %v (%s), want %q", err, schema.CodeOf(err), tt.want)
			}
			if files != nil || store.Len() != 0 {
				t.Errorf("it left %d files and %d blobs", len(files), store.Len())
			}
		})
	}
}

func TestDamagedArchives(t *testing.T) {
	good := archive(t, tar.Header{Name: "a.yaml", Size: 3000})
	for name, data := range map[string][]byte{
		"empty":     nil,
		"not gzip":  []byte("hello"),
		"cut":       good[:len(good)-12],
		"a bit":     append(append(bytes.Clone(good[:len(good)/2]), good[len(good)/2]^1), good[len(good)/2+1:]...),
		"not a tar": gzipped(t, strings.Repeat("x", 2000)),
	} {
		t.Run(name, func(t *testing.T) {
			store := &blobtest.Store{}
			_, err := small().unpack(t.Context(), bytes.NewReader(data), int64(len(data)), "", store)
			if schema.CodeOf(err) != schema.Invalid || !strings.Contains(err.Error(), "the archive is damaged") {
				t.Errorf("error %v", err)
			}
			if store.Len() != 0 {
				t.Errorf("it left %d blobs", store.Len())
			}
		})
	}
}

// sparse is an archive with one entry in the PAX form of GNU tar 1.0: a map of
// no data at all, and a real size of a GiB.
func sparse(t *testing.T) []byte {
	t.Helper()
	body := make([]byte, 512)
	copy(body, "1\n1073741824\n0\n")
	record := func(k, v string) string {
		n := len(k) + len(v) + 4
		if n >= 10 {
			n = len(k) + len(v) + 5
		}
		return fmt.Sprintf("%d %s=%s\n", n, k, v)
	}
	pax := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.name", "bomb") + record("GNU.sparse.realsize", "1073741824")
	return append(append(raw(t, "x", 'x', []byte(pax)), raw(t, "bomb", '0', body)...), make([]byte, 1024)...)
}

// raw is an entry as no writer of tar makes it.
func raw(t *testing.T, name string, kind byte, body []byte) []byte {
	t.Helper()
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], fmt.Sprintf("%07o\x00%07o\x00%07o\x00%011o\x00%011o\x00        ", 0o644, 0, 0, len(body), 0))
	h[156] = kind
	copy(h[257:], "ustar\x0000")
	var sum int
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	out := append(h, body...)
	return append(out, make([]byte, (512-len(body)%512)%512)...)
}

// gnuSparse is an archive with one entry in the old form of GNU tar.
func gnuSparse(t *testing.T) []byte {
	t.Helper()
	h := raw(t, "bomb", 'S', nil)
	copy(h[257:], "ustar  \x00")
	copy(h[386:], fmt.Sprintf("%011o\x00%011o\x00", 1<<30, 0))
	copy(h[483:], fmt.Sprintf("%011o\x00", 1<<30))
	copy(h[148:], "        ")
	var sum int
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(h, make([]byte, 1024)...)
}

// What two readers of one archive could take for two archives, or that comes to
// more than it takes to send, is refused; nothing of it is stored.
func TestAmbiguousArchives(t *testing.T) {
	var plain bytes.Buffer
	good := archive(t, tar.Header{Name: "a.yaml", Size: 3})
	gz, err := gzip.NewReader(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&plain, gz); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data []byte
		tree string
		want string
	}{
		"as made":             {good, "", ""},
		"as stated":           {good, digestOf(plain.Bytes()).String(), ""},
		"other than stated":   {good, digestOf(nil).String(), "its descriptor states sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"more padding":        {gzipped(t, plain.String()+strings.Repeat("\x00", 9000)), "", ""},
		"sparse":              {gzipped(t, string(sparse(t))), "", `entry "bomb" is sparse`},
		"sparse of GNU":       {gzipped(t, string(gnuSparse(t))), "", `entry "bomb" is sparse`},
		"entry after the end": {gzipped(t, plain.String()+plain.String()), "", "entries after its end"},
		"garbage in the end":  {gzipped(t, plain.String()+"x"), "", "entries after its end"},
		"second member":       {append(bytes.Clone(good), good...), "", "goes on after its end"},
		"empty second member": {append(bytes.Clone(good), gzipped(t, "")...), "", "goes on after its end"},
		"zeros after the end": {append(bytes.Clone(good), 0), "", "goes on after its end"},
		"cut in two members":  {append(gzipped(t, plain.String()[:513]), gzipped(t, plain.String()[513:])...), "", "the archive is damaged"},
		"endless padding":     {gzipped(t, plain.String()+strings.Repeat("\x00", 11<<20)), "", "unpacks to far more than it should"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &blobtest.Store{}
			_, err := small().unpack(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data)), schema.Digest(tt.tree), store)
			if tt.want == "" {
				if err != nil || store.Len() != 1 {
					t.Errorf("error %v, %d blobs", err, store.Len())
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || schema.CodeOf(err) != schema.Invalid {
				t.Errorf("error %v (%s), want %q", err, schema.CodeOf(err), tt.want)
			}
			if store.Len() != 0 {
				t.Errorf("it left %d blobs", store.Len())
			}
		})
	}
}

func gzipped(t testing.TB, s string) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	if _, err := io.WriteString(gz, s); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// A hostile artefact is refused by name, whole, and nothing of it is kept.
func TestPullHostile(t *testing.T) {
	env := blobtest.Env(t.TempDir())
	b := blobtest.Bundle(env, nil)
	meta, err := json.Marshal(b.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	pulled := func(layers ...[]byte) error {
		t.Helper()
		blobs := map[v1.Hash]layerContent{}
		var descs []v1.Descriptor
		for _, l := range layers {
			d := v1.Descriptor{MediaType: layerType, Digest: digestOf(l), Size: int64(len(l))}
			blobs[d.Digest] = layerContent{d, bytes.NewReader(l)}
			descs = append(descs, d)
		}
		raw, err := json.Marshal(Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: BundleType,
			Config: EmptyConfig(), Layers: descs, Annotations: map[string]string{MetadataAnnotation: string(meta)},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Options{}.openTarget("oci-layout:x:v1", env.Dir, Access{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.write(t.Context(), env, newArtifact(raw, blobs, nil)); err != nil {
			t.Fatal(err)
		}
		store := &blobtest.Store{}
		env.Blobs = store
		_, err = Options{}.Pull(t.Context(), env, "oci-layout:x:v1", Access{})
		if store.Len() != 0 {
			t.Errorf("it left %d blobs", store.Len())
		}
		return err
	}
	good := archive(t, tar.Header{Name: "a.yaml", Size: 3})
	err = pulled(archive(t, tar.Header{Name: "a", Size: 1}, tar.Header{Name: "../b", Size: 1}))
	if schema.CodeOf(err) != schema.Invalid || !strings.HasPrefix(err.Error(), "oci-layout:x@sha256:") || !strings.HasSuffix(err.Error(), `: file "../b": the path leaves the tree`) {
		t.Errorf("hostile layer: %v", err)
	}
	if err := pulled(good, gzipped(t, "other")); err == nil || !strings.Contains(err.Error(), "not exactly one tar+gzip layer") {
		t.Errorf("two layers: %v", err)
	}
	if err := pulled(); err == nil || !strings.Contains(err.Error(), "not exactly one tar+gzip layer") {
		t.Errorf("no layer: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "a.yaml", Size: 3}, tar.Header{Name: "d/", Typeflag: tar.TypeDir}, tar.Header{Name: "d/x", Mode: 0o755}))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		store := &blobtest.Store{}
		files, err := small().unpack(context.Background(), bytes.NewReader(data), int64(len(data)), "", store)
		if err != nil {
			if files != nil || schema.CodeOf(err) != schema.Invalid {
				t.Fatalf("%d files with %v (%s)", len(files), err, schema.CodeOf(err))
			}
			return
		}
		if err := CheckFiles(files); err != nil {
			t.Fatalf("it took what it should refuse: %v", err)
		}
		for _, f := range files {
			if _, err := store.Open(t.Context(), f.Digest); err != nil {
				t.Fatal(err)
			}
		}
	})
}
