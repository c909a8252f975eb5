package path

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/quick"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		".":                    "",
		"a.b.c":                "a.b.c",
		".a.b":                 "a.b",
		"a[0].b[12]":           "a[0].b[12]",
		"[3].a":                "[3].a",
		`a."b.c/d"`:            `a."b.c/d"`,
		`a.b\.c/d`:             `a."b.c/d"`,
		`a.x\=y\[0\]\\\"`:      `a."x=y[0]\\\""`,
		`"a"`:                  "a",
		`a.""`:                 `a.""`,
		`"\u00e4".b`:           `"ä".b`,
		"nvidia.com/gpu":       "nvidia.com/gpu",
		"a.0":                  "a.0",
		"gpu-operator.env_x.B": "gpu-operator.env_x.B",
		"a.$x.+y.*":            `a."$x"."+y"."*"`,
	} {
		p, err := Parse(text)
		if err != nil || p.String() != want {
			t.Errorf("%s is printed as %s, %v; want %s", text, p, err, want)
		}
	}
	for text, want := range map[string]string{
		"a..b":                    `path "a..b": a key is empty at character 3`,
		"a.":                      `path "a.": a key is empty at character 3`,
		"ä..b":                    `path "ä..b": a key is empty at character 3`,
		"a[x]":                    `path "a[x]": "x" is not an index at character 3`,
		"a[01]":                   `path "a[01]": "01" is not an index at character 3`,
		"a[-1]":                   `path "a[-1]": "-1" is not an index at character 3`,
		"a[0":                     `path "a[0": [ is not closed at character 2`,
		"a]":                      `path "a]": ] closes nothing at character 2`,
		"a[0]b":                   `path "a[0]b": a dot is missing at character 5`,
		`a."b`:                    `path "a.\"b": the quote is not closed at character 3`,
		`a."b"c`:                  `path "a.\"b\"c": a dot is missing at character 6`,
		`a.b"c"`:                  `path "a.b\"c\"": a quote is in the middle of a key at character 4`,
		`a\x`:                     `path "a\\x": a backslash takes one of . [ ] = " \ at character 2`,
		strings.Repeat("a", 5000): `path "` + strings.Repeat("a", 40) + `…": 5000 bytes are over the limit of 4096 at character 1`,
		strings.Repeat("=", 2000) + strings.Repeat("\x01", 2000): `path "` + strings.Repeat("=", 40) + `…": its quoted form has 10002 bytes, which are over the limit of 4096 at character 1`,
	} {
		if p, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", text, p, err, want)
		}
	}
}

// TestRoundTrip: whatever the keys are, what is printed reads as they are, and
// gets and sets the value that they lead to.
func TestRoundTrip(t *testing.T) {
	f := func(keys []string, indices []uint16) bool {
		p := Path{}
		for i, k := range keys {
			if len(k) > 40 {
				k = k[:40]
			}
			p = append(p, Key(k))
			if i < len(indices) {
				p = append(p, At(int(indices[i]%4)))
			}
		}
		if len(p.String()) > maxBytes {
			return true
		}
		q, err := Parse(p.String())
		if err != nil || len(q) != len(p) || !q.Begins(p) || q.String() != p.String() {
			t.Logf("%q: %q, %v", p.String(), q.String(), err)
			return false
		}
		return setAndGet(t, q)
	}
	if err := quick.Check(f, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

// setAndGet makes a document that has p, sets the value there and reads it.
func setAndGet(t *testing.T, p Path) bool {
	var doc any
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].Index < 0 {
			doc = map[string]any{p[i].Key: doc}
			continue
		}
		list := make([]any, p[i].Index+1)
		list[p[i].Index] = doc
		doc = list
	}
	doc, err := Setter{Put: func(any) (any, error) { return "here", nil }}.Set(doc, p)
	if err != nil {
		t.Logf("setting %s: %v", p, err)
		return false
	}
	v, err := p.Get(doc)
	if err != nil || v != "here" {
		t.Logf("%s: %v, %v", p, v, err)
		return false
	}
	return true
}

func TestGet(t *testing.T) {
	doc := map[string]any{
		"constraints": map[string]any{"K8s.server.version": map[string]any{"value": ">= 1.32"}},
		"list":        []any{"x", map[string]any{"y": 1}},
		"0":           "digits",
	}
	for text, want := range map[string]any{
		"constraints.K8s.server.version.value":   ">= 1.32",
		`constraints."K8s.server.version".value`: ">= 1.32",
		`constraints.K8s\.server\.version.value`: ">= 1.32",
		"list[1].y":                              1,
		"[0]":                                    "digits",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := p.Get(doc); err != nil || v != want {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
	for text, found := range map[string]string{
		"list[2]":                          "list",
		"list.y":                           "list",
		`"constraints.K8s"`:                "",
		"constraints.K8s.server":           "constraints",
		"constraints.K8s.server.x.y":       "constraints",
		`constraints."K8s".server.version`: "constraints",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Get(doc)
		m, ok := err.(*Miss)
		if !ok || m.Found.String() != found {
			t.Errorf("%s: %v, found %q", text, err, m.Found)
		}
	}
}

func TestCutAssignment(t *testing.T) {
	for text, want := range map[string][2]string{
		"a:b=c":        {"a:b", "c"},
		"a:b=c=d":      {"a:b", "c=d"},
		`a:b\=c=d`:     {`a:b\=c`, "d"},
		`a:"b=c".d=e`:  {`a:"b=c".d`, "e"},
		`a:"b\"=c"=d`:  {`a:"b\"=c"`, "d"},
		`a:b="quoted"`: {"a:b", `"quoted"`},
	} {
		if l, v, ok := CutAssignment(text); !ok || !reflect.DeepEqual([2]string{l, v}, want) {
			t.Errorf("%s: %q %q %t", text, l, v, ok)
		}
	}
	for _, text := range []string{"", "a:b", `a:"b=c`, `a\=b`} {
		if _, _, ok := CutAssignment(text); ok {
			t.Errorf("%q has an assignment", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a.b[0]", `a."b.c/d"`, `x\.y`, "..", "[", `"`, "a[0]b", `"\xff"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil {
			if p != nil {
				t.Errorf("%q: %q beside %v", s, p, err)
			}
			return
		}
		text := p.String()
		q, err := Parse(text)
		if err != nil || q.String() != text || len(q) != len(p) || !q.Begins(p) {
			t.Errorf("%q is printed as %q, which is read as %q, %v", s, text, q, err)
		}
		if left, value, ok := CutAssignment(text + "=v"); !ok || left != text || value != "v" {
			t.Errorf("%q=v is cut at %q, %q", text, left, value)
		}
	})
}

func TestPattern(t *testing.T) {
	var tree any = map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "Disk", "status": "False"}}, "n": 2.0, "m": map[string]any{"a.b/c": true}}}
	for text, want := range map[string][]string{
		"status.conditions[type=Ready].status": {"True"}, "status.conditions[*].status": {"True", "False"}, "status.conditions[1].type": {"Disk"},
		"status.conditions[type=Gone].status": nil, "status.n": {"2"}, `status.m."a.b/c"`: {"true"}, `status.m.a\.b/c`: {"true"}, "status.n.x": nil, "status[0]": nil,
	} {
		p, err := ParsePattern(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got := p.Values(tree); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"a[": "[ is not closed", "a[x]": "is not an index, * or KEY=VALUE", "a[=x]": "is not an index", "[*].a": "is not an index", "a..b": "a key is empty",
	} {
		if p, err := ParsePattern(text); err == nil || p != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"a[*]", "a[k=v].b"} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%s is a path: %v", text, p)
		}
	}
}

// What parses prints as what parses to the same, and its projection has the same
// values.
func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"a.b", `a\.b.c`, "a[type=Ready].status", "a[*]", "a[0][1].b", "[x", "a]", `\`, `a."b"[k=v"]`} {
		f.Add(s)
	}
	tree := func() any {
		return map[string]any{"a": []any{map[string]any{"type": "Ready", "status": "True"}}}
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePattern(s)
		if err != nil {
			if p != nil {
				t.Errorf("%q: a pattern beside an error", s)
			}
			return
		}
		again, err := ParsePattern(p.String())
		if err != nil || again.String() != p.String() || len(again) != len(p) {
			t.Errorf("%q prints as %q: %v", s, p.String(), err)
		}
		if got := p.Values(tree()); len(got) > 0 && len(p.Values(p.Project(tree()))) != len(got) {
			t.Errorf("%q: the projection has another value", s)
		}
	})
}

// TestExact: a key that is walked exactly is one of the mapping, never several that
// are joined; lists are walked by index.
func TestExact(t *testing.T) {
	doc := map[string]any{"a.b": 1, "c": []any{map[string]any{"d": "x"}}}
	p := Keys("a", "b")
	if v, err := p.Get(doc); err != nil || v != 1 {
		t.Errorf("joined: %v, %v", v, err)
	}
	if v, err := p.Exact().Get(doc); err == nil {
		t.Errorf("exactly: %v", v)
	}
	if v, err := (Path{Key("c"), At(0), Key("d")}).Exact().Get(doc); err != nil || v != "x" {
		t.Errorf("in a list: %v, %v", v, err)
	}
}

func TestOverlap(t *testing.T) {
	for _, tt := range []struct {
		a, b []string
		want bool
	}{
		{[]string{"a"}, []string{"a", "b"}, true},
		{[]string{"a", "b"}, []string{"a"}, true},
		{[]string{"a", "b"}, []string{"a", "b"}, true},
		{[]string{"a", "b"}, []string{"a", "c"}, false},
		{[]string{"ab"}, []string{"a"}, false},
		{nil, []string{"a"}, true},
	} {
		if got := Overlap(tt.a, tt.b); got != tt.want {
			t.Errorf("%v, %v: %v", tt.a, tt.b, got)
		}
	}
}
