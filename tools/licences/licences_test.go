package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The list is of what is linked today, and every licence in it is allowed.
func TestList(t *testing.T) {
	texts := filepath.Join(t.TempDir(), "texts")
	var got strings.Builder
	if err := run(&got, "../..", texts); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("EIDOS_UPDATE") != "" {
		if err := os.WriteFile("licences.txt", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("licences.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("licences.txt is of other modules; EIDOS_UPDATE=1 go test ./tools/licences writes it\n%s", diff)
	}
	text, err := os.ReadFile(texts)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\ncuelang.org/go v", "\nstd, LICENSE\n", "Copyright 2009 The Go Authors", "Apache License"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the texts have no %q", part)
		}
	}
}

func TestLicenceOf(t *testing.T) {
	mit, err := os.ReadFile(filepath.Join("testdata", "mit.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		files map[string]string
		want  string // or a part of the error
	}{
		"one":            {map[string]string{"LICENSE": string(mit)}, "MIT"},
		"twice the same": {map[string]string{"LICENSE": string(mit), "sub/COPYING": string(mit)}, "MIT"},
		"not allowed":    {map[string]string{"LICENSE": "SPDX-License-Identifier: GPL-3.0-only\n"}, "error: LICENSE: "},
		"not understood": {map[string]string{"LICENSE": "Ask me before you use it."}, "error: LICENSE: its licence is not understood: 0 %"},
		"mostly unknown": {map[string]string{"LICENSE": strings.Repeat("You may not use it on any day of the week. ", 100) + string(mit)}, "error: LICENSE: its licence is not understood"},
		"none":           {map[string]string{"NOTICE": "made by somebody"}, "error: it has no licence"},
		"of the text":    {map[string]string{"LICENSE": string(mit), "LICENSE.docs": "Ask me before you use it."}, "MIT"},
	} {
		m := module{dir: t.TempDir()}
		if err := os.Mkdir(filepath.Join(m.dir, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		for f, text := range tt.files {
			path := filepath.Join(m.dir, f)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if m.files, err = licenceFiles(m.dir, []string{filepath.Join(m.dir, "sub"), m.dir}); err != nil {
			t.Fatal(err)
		}
		got, err := licenceOf(m)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
