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
		"list by index":     {text: `{{ define "n" }}{{ (index . 1).b }}{{ (index . 0).Values.c }}{{ end }}{{ include "n" (list $ .Values.a) }}`, want: "a a.b c"},
		"first and last":    {text: `{{ define "n" }}{{ with last . }}{{ .b }}{{ end }}{{ (first .).c }}{{ (rest . | first).d }}{{ (initial . | last).e }}{{ end }}{{ include "n" (list .Values.x .Values.y .Values.z) }}`, want: "x x.c y y.d y.e z z.b"},
		"the dollar again":  {text: `{{ define "n" }}{{ $ := index . 0 }}{{ $.Values.a }}{{ end }}{{ include "n" (list .) }}`, want: "a"},
		"beyond a list":     {text: `{{ (index (list .Values.a) 7).b }}`, want: "a a.b"},
		"element of values": {text: `{{ (index .Values.a 0).b }}`, want: "a.*"},
		"appended":          {text: `{{ $l := list }}{{ $l = append $l .Values.a }}{{ range concat $l (list .Values.b) }}{{ .x }}{{ end }}`, want: "a.* a.x b.* b.x"},
		"set afterwards":    {text: `{{ define "n" }}{{ .v.b }}{{ end }}{{ $c := dict }}{{ $_ := set $c "v" .Values.a }}{{ include "n" $c }}`, want: "a a.b"},
		"set on the dot":    {text: `{{ define "n" }}{{ .v.b }}{{ .Values.c }}{{ end }}{{ $_ := set . "v" .Values.a }}{{ include "n" . }}`, want: "a a.b c"},
		"set on itself":     {text: `{{ define "n" }}{{ .v.v.Values.c }}{{ end }}{{ $_ := set $ "v" $ }}{{ include "n" $ }}{{ toYaml $.Values.a }}`, want: "a.*"},
		"merged before":     {text: `{{ $c := dict }}{{ $_ := merge $c .Values.a }}{{ $c.b }}{{ toYaml $c }}`, want: "a.* a.b"},
		"key in a variable": {text: `{{ define "n" }}{{ (index .root.Values .part).b }}{{ end }}{{ include "n" (dict "root" . "part" "x") }}{{ range list "y" "z" }}{{ (index $.Values .).c }}{{ end }}`, want: "x x.b y y.c z z.c"},
		"key with default":  {text: `{{ (index .Values.a (default "x" .Release.Name)).b }}`, want: "a.*"},
		"name in a map":     {text: `{{ define "n" }}{{ .Values.a }}{{ end }}{{ $m := dict "f" "n" }}{{ include $m.f . }}`, want: "a"},
		"under any key":     {text: `{{ $m := dict }}{{ $_ := set $m .Release.Name .Values.a }}{{ $m.x.b }}{{ range $m }}{{ .c }}{{ end }}`, want: "a.* a.b a.c"},
		"plucked":           {text: `{{ (pluck "x" .Values.a .Values.b | first).c }}`, want: "a a.x a.x.c b b.x b.x.c"},
		"one of two texts":  {text: `{{ index .Values (ternary "a" "b" .Values.c) }}`, want: "a b c"},
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
	if err := s.Add("a.yaml", `{{ tpl .Values.a . }}{{ tpl (.Files.Get "f") $ }}{{ tpl (toYaml .Values.c | indent 2) . }}`, nil, false); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.Paths() {
		got = append(got, strings.Join(p.Keys, "."))
	}
	if diff := cmp.Diff([]string{"a", "b.a", "b.c", "c", "f"}, got); diff != "" {
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
	for _, s := range []string{`{{ .Values.a }}`, `{{ with $x := .Values }}{{ range $x.y }}{{ . }}{{ end }}{{ end }}`, `{{ define "a" }}{{ include "a" (dict "b" .) }}{{ end }}{{ include "a" . }}`, `{{ tpl (.Files.Get "x") . }}`,
		`{{ define "a" }}{{ $ := index . 0 }}{{ (last .).x }}{{ $_ := set $ "v" . }}{{ include "a" (append . $) }}{{ end }}{{ include "a" (list . .Values.a) }}`,
		`{{ $c := dict "k" (list) }}{{ $_ := merge $c $c .Values }}{{ range pluck "k" $c $ }}{{ index $c . }}{{ end }}`} {
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
