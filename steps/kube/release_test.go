package kube

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stored packs a release as Helm does.
func stored(text string) []byte {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, _ = zw.Write([]byte(text)) // to memory
	_ = zw.Close()
	return []byte(base64.StdEncoding.EncodeToString(buf.Bytes()))
}

func TestReleaseData(t *testing.T) {
	tests := []struct {
		name   string
		stored []byte
		want   data
		err    string
	}{
		{"plain", stored(`{"info":{"status":"deployed"},"chart":{"metadata":{"name":"c","version":"1.2.3"}}}`), data{"r.ns": "c-1.2.3, deployed"}, ""},
		{"umbrella", stored(`{"info":{"status":"deployed"},"chart":{"metadata":{"name":"u","version":"1.0.0","dependencies":[{"name":"a","version":"2.0.0"},{"name":"b","version":">1","alias":"bee"}]},
			"lock":{"dependencies":[{"name":"b","version":"1.5.0"}]}}}`), data{"r.ns": "u-1.0.0, deployed", "r.ns/a": "a-2.0.0, deployed", "r.ns/bee": "b-1.5.0, deployed"}, ""},
		{"uninstalled", stored(`{"info":{"status":"uninstalled"}}`), data{}, ""},
		{"not base64", []byte("???"), data{}, "not a Helm release"},
		{"not gzip", []byte(base64.StdEncoding.EncodeToString([]byte("hello, this is text"))), data{}, "not a Helm release"},
		{"cut off", stored(`{"info":{}}`)[:30], data{}, "a Helm release"},
		{"not JSON", stored("x"), data{}, "reading a Helm release"},
		{"nothing", nil, data{}, "not a Helm release"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := data{}
			err := releaseData(got, "r.ns", tt.stored)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v", err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReleaseBomb(t *testing.T) {
	if _, err := unpackRelease(stored(strings.Repeat(" ", 1001)), 1000); err == nil || !strings.Contains(err.Error(), "over 1000 bytes unpacked") {
		t.Errorf("got %v", err)
	}
}

func FuzzUnpackRelease(f *testing.F) {
	f.Add(stored(`{"info":{"status":"deployed"},"chart":{"metadata":{"name":"c"}}}`))
	f.Add([]byte("H4sI"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := unpackRelease(b, 1<<20); (r == nil) == (err == nil) {
			t.Errorf("got %v, %v", r, err)
		}
	})
}

func FuzzSplitImage(f *testing.F) {
	f.Add("nvcr.io/nvidia/driver:570@sha256:ab")
	f.Add("localhost:5000/x")
	f.Add("@:/")
	f.Fuzz(func(t *testing.T, image string) {
		repo, tag := splitImage(image)
		if tag == "" || strings.Contains(repo, "@") {
			t.Errorf("%q is %q and %q", image, repo, tag)
		}
	})
}
