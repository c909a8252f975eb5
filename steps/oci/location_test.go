package oci

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func TestParseLocation(t *testing.T) {
	digest := schema.Digest("sha256:" + strings.Repeat("a", 64))
	for s, want := range map[string]Location{
		"embedded/a/b":                            {Registry: "embedded", Repository: "a/b"},
		"oci://embedded/a:v1":                     {Registry: "embedded", Repository: "a", Tag: "v1"},
		"localhost/a":                             {Registry: "localhost", Repository: "a"},
		"localhost:5000/a/b:v1":                   {Registry: "localhost:5000", Repository: "a/b", Tag: "v1"},
		"docker.io/a/b:v1@" + string(digest):      {Registry: "docker.io", Repository: "a/b", Tag: "v1", Digest: digest},
		"[::1]:5000/a":                            {Registry: "[::1]:5000", Repository: "a"},
		"oci-layout:dir":                          {Dir: "dir"},
		"oci-layout:/abs/dir:v1":                  {Dir: "/abs/dir", Tag: "v1"},
		"oci-layout:./a/b@" + string(digest):      {Dir: "./a/b", Digest: digest},
		"oci://oci-layout:x:v1@" + string(digest): {Dir: "x", Tag: "v1", Digest: digest},
	} {
		got, err := ParseLocation(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", s, diff)
		}
		if back := strings.TrimPrefix(s, "oci://"); got.String() != back {
			t.Errorf("%s prints as %s", s, got)
		}
	}
}

func TestParseLocationRefuses(t *testing.T) {
	for s, want := range map[string][2]string{
		"":                       {`reference "" is not registry/repository[:tag]`, "for example"},
		"embedded":               {"is not registry/repository[:tag]", "for example"},
		"embeded/a":              {`"embeded" is not a registry host`, "did you mean embedded?"},
		"team/bundle:v1":         {`"team" is not a registry host`, "write the host too: docker.io/team/bundle, or embedded/team/bundle"},
		"localhost:5000/Upper":   {"is not registry/repository[:tag]", "lower case"},
		"localhost/a:b:c":        {"is not registry/repository[:tag]", ""},
		"localhost/a:-x":         {`"-x" is not a tag`, "letters, digits"},
		"localhost/a@sha256:abc": {`"sha256:abc" is not a digest`, "64 hexadecimal digits"},
		"localhost/a@sha512:abc": {`is not a digest`, ""},
		"oci-layout:":            {"names no directory", "oci-layout:DIR[:tag]"},
		"localhost/../a":         {"is not registry/repository[:tag]", ""},
		"user:pass@localhost/a":  {"is not a digest", ""},
	} {
		_, err := ParseLocation(s)
		if err == nil || !strings.Contains(err.Error(), want[0]) || schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%s: error %v, want %q", s, err, want[0])
			continue
		}
		if hint := err.(*schema.Error).Hint; !strings.Contains(hint, want[1]) {
			t.Errorf("%s: hint %q, want %q", s, hint, want[1])
		}
	}
}

func FuzzParseLocation(f *testing.F) {
	for _, s := range []string{"embedded/a:v1", "oci-layout:d:v1", "localhost:5000/a@sha256:" + strings.Repeat("a", 64), "oci://x.y/z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLocation(s)
		if err != nil {
			if l != (Location{}) {
				t.Fatalf("%q: %+v beside %v", s, l, err)
			}
			return
		}
		again, err := ParseLocation(l.String())
		if err != nil || again != l {
			t.Fatalf("%q is %+v, which prints as %q, which is %+v, %v", s, l, l, again, err)
		}
	})
}

func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "/x", "a//b", "a/../b", `a\b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckPath(s) != nil {
			return
		}
		for _, bad := range []string{"\\", "\x00", "//"} {
			if strings.Contains(s, bad) {
				t.Fatalf("%q passes", s)
			}
		}
		if strings.HasPrefix(s, "/") || strings.Contains("/"+s+"/", "/../") || strings.Contains("/"+s+"/", "/./") {
			t.Fatalf("%q passes", s)
		}
	})
}
