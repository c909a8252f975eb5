package imageref

import "testing"

const digits = "0123456789012345678901234567890123456789012345678901234567890123"

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"alpine":                     "docker.io/library/alpine",
		"bitnami/kubectl:latest":     "docker.io/bitnami/kubectl:latest",
		"registry.k8s.io/pause:3.10": "registry.k8s.io/pause:3.10",
		"localhost/a":                "localhost/a",
		"127.0.0.1:5000/a/b:c":       "127.0.0.1:5000/a/b:c",
		"a.io/b@sha256:" + digits:    "a.io/b@sha256:" + digits,
		"a.io/b:v1@sha256:" + digits: "a.io/b:v1@sha256:" + digits,
		"a.io/B":                     "", "": "", "a b": "", "a.io/b@sha256:1": "", "a.io//b": "", "/a": "",
	} {
		r, ok := Parse(in)
		got := ""
		if ok {
			got = r.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestVersioned(t *testing.T) {
	for in, want := range map[string]bool{"a": false, "a:latest": false, "a:1": true, "a@sha256:" + digits: true, "a:latest@sha256:" + digits: true} {
		if r, ok := Parse(in); !ok || r.Versioned() != want {
			t.Errorf("%q: %v, want %v", in, !want, want)
		}
	}
}

func TestInMirror(t *testing.T) {
	for _, tt := range []struct{ mirror, image, want string }{
		{"", "busybox:1", "busybox:1"},
		{"registry.internal/gpu", "busybox:1", "registry.internal/gpu/docker.io/library/busybox:1"},
		{"oci://registry.internal/gpu/", "10.0.0.1:5000/a:1@sha256:" + digits, "registry.internal/gpu/10.0.0.1-5000/a:1@sha256:" + digits},
	} {
		if got := InMirror(tt.mirror, tt.image); got != tt.want {
			t.Errorf("%s in %q: %s, want %s", tt.image, tt.mirror, got, tt.want)
		}
	}
}

func TestMirrorName(t *testing.T) {
	for in, want := range map[string]string{
		"alpine:3":                  "docker.io/library/alpine:3",
		"nvcr.io/nvidia/driver:580": "nvcr.io/nvidia/driver:580",
		"localhost:5000/a:b":        "localhost-5000/a:b",
	} {
		if got := MirrorName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
