package mirror

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/internal/blobtest"
	"github.com/NVIDIA/eidos/steps/oci"
)

// All of it goes to a registry, once; the same goes through a directory to
// another registry, with the same digests and what was attached.
func TestMirror(t *testing.T) {
	s := newSetup(t)
	to := newRegistry(t)
	ref, err := s.mirror(t, schema.MirrorParams{To: to.host + "/gpu"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(ref.Reference, to.host+"/gpu/release/eks-training@sha256:") {
		t.Errorf("release %s", ref.Reference)
	}
	v, err := s.check(t, ref, true)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.ReplaceAll(s.from.host, ":", "-")
	var names []string
	for _, c := range v.Checks {
		if !c.Passed {
			t.Errorf("%s: %s", c.Name, c.Detail)
		}
		names = append(names, strings.Split(c.Name, "@")[0])
	}
	want := []string{host + "/team/app:1", host + "/team/pinned:2", "bundle/eks-training:1.0.0", "charts/operator:1.2.3_b1"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("in the mirror (-want +got):\n%s", diff)
	}
	sent := to.uploads.Load()
	again, err := s.mirror(t, schema.MirrorParams{To: to.host + "/gpu"})
	if err != nil || again.Digest != ref.Digest || to.uploads.Load() != sent {
		t.Errorf("the second time: %v %v, %d uploads more", again, err, to.uploads.Load()-sent)
	}

	disk := filepath.Join(t.TempDir(), "disk")
	onDisk, err := s.mirror(t, schema.MirrorParams{To: "oci-layout:" + disk})
	if err != nil {
		t.Fatal(err)
	}
	if onDisk.Digest != ref.Digest {
		t.Errorf("the release is %s in a directory, %s in a registry", onDisk.Digest, ref.Digest)
	}
	if v, err := s.check(t, onDisk, true); err != nil {
		t.Error(v, err)
	}
	// One file is the same, whatever was in the way: nothing is sent twice.
	file := filepath.Join(t.TempDir(), "disk.tar")
	var sums []schema.Digest
	for range 2 {
		packed, err := s.mirror(t, schema.MirrorParams{To: "oci-layout:" + file, Jobs: 3})
		if err != nil || packed.Digest != ref.Digest {
			t.Fatalf("%v: the release is %v in one file, %s in a registry", err, packed, ref.Digest)
		}
		sums = append(sums, fileDigest(t, file))
	}
	packed, err := run(Kind(oci.Options{}), s.env, &schema.MirrorParams{To: "oci-layout:" + file + ".tar"}, engine.Inputs{"release": {onDisk}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.check(t, packed, true); err != nil {
		t.Error(v, err)
	}
	if sums = append(sums, fileDigest(t, file+".tar")); sums[0] != sums[1] || sums[0] != sums[2] {
		t.Errorf("the files differ: %v", sums)
	}
	_, err = (oci.Options{}).Push(context.Background(), s.env, blobtest.Bundle(s.env, map[string]string{"a": "b"}), schema.PushParams{To: "oci-layout:" + file + ":v1"})
	if err == nil || !strings.Contains(err.Error(), "an archive is not changed") {
		t.Error(err)
	}

	far := newRegistry(t)
	there, err := run(Kind(oci.Options{}), s.env, &schema.MirrorParams{To: far.host}, engine.Inputs{"release": {packed}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.check(t, there, true); err != nil || there.Digest != ref.Digest {
		t.Error(v, err, there)
	}
	r, err := (oci.Options{}).Open(mustLocation(t, far.host+"/bundle/eks-training:1.0.0"), "", oci.Access{})
	if err != nil {
		t.Fatal(err)
	}
	desc, err := r.Resolve(context.Background())
	if err != nil || schema.Digest(desc.Digest.String()) != s.pushed.Digest {
		t.Error(desc, err)
	}
	if list, _, err := r.Referrers(context.Background(), s.pushed.Digest); err != nil || len(list) != 1 || list[0].ArtifactType != "application/x" {
		t.Errorf("referrers %v %v", list, err)
	}
	if _, err := r.Tagged(strings.Replace(string(s.pushed.Digest), ":", "-", 1) + ".sig").Resolve(context.Background()); err != nil {
		t.Errorf("the older signature: %v", err)
	}
	// Helm's way to a chart.
	c, err := (oci.Options{}).FindChart(context.Background(), far.host+"/charts/operator:1.2.3_b1", "", oci.Access{})
	if err != nil || c.Digest != s.charts.Charts[0].Digest {
		t.Error(c, err)
	}
}

func fileDigest(t *testing.T, path string) schema.Digest {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return blobtest.Digest(data)
}

// A file that is not the archive of a layout, or not a whole one, is neither read
// nor replaced.
func TestNotAnArchive(t *testing.T) {
	s := newSetup(t)
	file := filepath.Join(t.TempDir(), "disk.tar")
	ref, err := s.mirror(t, schema.MirrorParams{To: "oci-layout:" + file})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const block = 512 // two empty ones are the end
	for _, data := range [][]byte{[]byte("something else"), whole[:len(whole)/2], whole[:len(whole)/block/2*block], whole[:len(whole)-2*block]} {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.check(t, ref, false); err == nil || !strings.Contains(err.Error(), "disk.tar") {
			t.Error(err)
		}
		if _, err := s.mirror(t, schema.MirrorParams{To: "oci-layout:" + file}); err == nil || !strings.Contains(err.Error(), "disk.tar") {
			t.Error(err)
		}
		if got, err := os.ReadFile(file); err != nil || len(got) != len(data) {
			t.Errorf("%v: it has %d bytes now", err, len(got))
		}
	}
}

// One platform is copied if that is asked for, but what is pinned stays what it
// is.
func TestPlatform(t *testing.T) {
	s := newSetup(t)
	to := newRegistry(t)
	if _, err := s.mirror(t, schema.MirrorParams{To: to.host, Platform: "linux/arm64"}); err != nil {
		t.Fatal(err)
	}
	host := strings.ReplaceAll(s.from.host, ":", "-")
	for path, want := range map[string]types.MediaType{"/team/app:1": types.DockerManifestSchema2, "/team/pinned:2": types.OCIImageIndex} {
		r, err := (oci.Options{}).Open(mustLocation(t, to.host+"/"+host+path), "", oci.Access{})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := r.Resolve(context.Background()); err != nil || d.MediaType != want {
			t.Errorf("%s is %v %v", path, d.MediaType, err)
		}
	}
	if _, err := s.mirror(t, schema.MirrorParams{To: newRegistry(t).host, Platform: "linux/s390x"}); err == nil || !strings.Contains(err.Error(), "has no image for linux/s390x") {
		t.Error(err)
	}
}

// A mirror that was broken off is resumed: what arrived is not sent again, and
// without all of it there is no release.
func TestResumed(t *testing.T) {
	s := newSetup(t)
	to := newRegistry(t)
	to.refuse.Store(6)
	if _, err := s.mirror(t, schema.MirrorParams{To: to.host, Jobs: 1}); err == nil {
		t.Fatal("it was not broken off")
	}
	if _, err := os.Stat(filepath.Join(to.dir, "registry", "release+eks-training")); err == nil {
		t.Error("there is a release")
	}
	to.refuse.Store(0)
	whole := newRegistry(t)
	if _, err := s.mirror(t, schema.MirrorParams{To: whole.host, Jobs: 1}); err != nil {
		t.Fatal(err)
	}
	to.uploads.Store(0)
	ref, err := s.mirror(t, schema.MirrorParams{To: to.host, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.check(t, ref, true); err != nil {
		t.Error(v, err)
	}
	if to.uploads.Load() > whole.uploads.Load()-5 {
		t.Errorf("%d uploads after 5 of %d", to.uploads.Load(), whole.uploads.Load())
	}
}

// What is missing, or was damaged, is found.
func TestCheckFinds(t *testing.T) {
	for _, deep := range []bool{false, true} {
		s := newSetup(t)
		dir := filepath.Join(t.TempDir(), "disk")
		ref, err := s.mirror(t, schema.MirrorParams{To: "oci-layout:" + dir})
		if err != nil {
			t.Fatal(err)
		}
		hex, _ := s.charts.Charts[0].Digest.Hex()
		blob := filepath.Join(dir, "blobs", "sha256", hex)
		if deep {
			data, err := os.ReadFile(blob)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2]++
			err = os.WriteFile(blob, data, 0o644)
			if err != nil {
				t.Fatal(err)
			}
		} else if err := os.Remove(blob); err != nil {
			t.Fatal(err)
		}
		v, err := s.check(t, ref, deep)
		if schema.CodeOf(err) != schema.Unsatisfied || v == nil || v.Verified || !strings.Contains(err.Error(), "charts/operator:1.2.3_b1: ") {
			t.Errorf("deep %v: %v %v", deep, v, err)
		}
		if _, err := s.mirror(t, schema.MirrorParams{To: "oci-layout:" + dir}); err != nil {
			t.Error(err)
		}
	}
}
