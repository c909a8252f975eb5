package reads

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPaths(t *testing.T) {
	for name, tt := range map[string]struct {
		text, want string
		scope      []string
	}{
		"fields":            {text: `{{ .Values.a.b }}{{ $.Values.c }}`, want: "a.b c"},
		"conditions":        {text: `{{ if and .Values.a (eq .Values.b "x") }}{{ .Values.c }}{{ else }}{{ .Values.d }}{{ end }}`, want: "a b c d"},
		"with":              {text: `{{ with .Values.a }}{{ .b }}{{ $.Values.c }}{{ else }}{{ .Values.d }}{{ end }}`, want: "a a.b c d"},
		"passed through":    {text: `{{ toYaml .Values.a | nindent 2 }}{{ .Values.b | toJson }}`, want: "a.* b.*"},
		"ranged over":       {text: `{{ range $k, $v := .Values.a }}{{ $k }}{{ $v.x }}{{ end }}`, want: "a.*"},
		"variables":         {text: `{{ $x := .Values.a }}{{ if .Values.b }}{{ $x = .Values.c }}{{ end }}{{ $x.y }}`, want: "a a.y b c c.y"},
		"definitions":       {text: `{{ define "n" }}{{ .Values.a }}{{ end }}{{ include "n" . }}{{ template "n" . }}`, want: "a"},
		"on a map":          {text: `{{ define "n" }}{{ .v.b }}{{ .root.Values.c }}{{ end }}{{ include "n" (dict "v" .Values.a "root" $) }}`, want: "a a.b c"},
		"not included":      {text: `{{ define "n" }}{{ .Values.a }}{{ end }}`, want: ""},
		"keys as text":      {text: `{{ (index .Values "a-b").c }}{{ get .Values.d "e" }}{{ dig "f" "g" "" .Values }}`, want: "a-b a-b.c d d.e f f.g"},
		"key made up":       {text: `{{ index .Values.a $.Release.Name }}`, want: "a.*"},
		"default":           {text: `{{ .Values.a | default .Values.b | toYaml }}`, want: "a.* b.*"},
		"merged":            {text: `{{ toYaml (merge (dict) .Values.a .Values.b) }}`, want: "a.* b.*"},
		"list of maps":      {text: `{{ range list .Values.a .Values.b }}{{ .x }}{{ end }}`, want: "a.* a.x b.* b.x"},
		"subchart":          {text: `{{ .Values.a }}{{ .Values.global.b }}`, want: "global.b sub.a sub.global.b", scope: []string{"sub"}},
		"everything":        {text: `{{ toYaml .Values }}`, want: ".*"},
		"calls itself":      {text: `{{ define "n" }}{{ .Values.a }}{{ include "n" . }}{{ end }}{{ include "n" . }}`, want: "a"},
		"ever new maps":     {text: `{{ define "n" }}{{ include "n" (dict "x" .) }}{{ end }}{{ include "n" .Values.a }}`, want: "a"},
		"text that it runs": {text: `{{ tpl "{{ .Values.b }}" . }}`, want: "b"},
		"one of a chain":    {text: `{{ (.Values.a).b }}{{ ternary .Values.c .Values.d .Values.e | quote }}`, want: "a a.b c d e"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Set
			if err := s.Add("a.yaml", tt.text, tt.scope, false); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range s.Paths() {
				text := strings.Join(p.Keys, ".")
				if p.Whole {
					text += ".*"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Defaults that a template runs are templates too, and files.
func TestDefaults(t *testing.T) {
	s := Set{
		Text: func(keys []string) []string { return []string{"{{ .Values.b." + keys[0] + " }}"} },
		File: func(name string) string { return "{{ .Values." + name + " }}" },
	}
	if err := s.Add("a.yaml", `{{ tpl .Values.a . }}{{ tpl (.Files.Get "f") $ }}`, nil, false); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.Paths() {
		got = append(got, strings.Join(p.Keys, "."))
	}
	if diff := cmp.Diff([]string{"a", "b.a", "f"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMalformed(t *testing.T) {
	var s Set
	if err := s.Add("a.yaml", `{{ if }`, nil, false); err == nil {
		t.Error("accepted")
	}
}

// No template makes the walk panic or run for ever.
func FuzzPaths(f *testing.F) {
	for _, s := range []string{`{{ .Values.a }}`, `{{ with $x := .Values }}{{ range $x.y }}{{ . }}{{ end }}{{ end }}`, `{{ define "a" }}{{ include "a" (dict "b" .) }}{{ end }}{{ include "a" . }}`, `{{ tpl (.Files.Get "x") . }}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Set
		if s.Add("a.yaml", text, nil, false) != nil {
			return
		}
		for _, p := range s.Paths() {
			for _, k := range p.Keys {
				if k == "\x00" {
					t.Error("a separator as a key")
				}
			}
		}
	})
}
