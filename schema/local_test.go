package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every parameter that holds free text says whether it names something of this
// machine: what it does not say, nothing checks. TestAllListsEveryKind in steps
// sees to it that kinds use the definitions that are looked at here.
func TestEveryTextSaysWhatItNames(t *testing.T) {
	var walk func(at string, r *rule) int
	walk = func(at string, r *rule) (marked int) {
		for _, k := range r.keys {
			p := r.Properties[k]
			held := p.follow()
			if held.Items != nil && held.Items.rule != nil {
				held = held.Items.rule.follow()
			}
			free := held.typeName() == "string" && held.Pattern == "" && len(held.Enum) == 0 && held.Const == nil
			switch {
			case p.Local != "":
				marked++
			case free:
				t.Errorf("%s.%s holds free text: add @local(no), or what it names", at, k)
			}
			marked += walk(at+"."+k, held)
		}
		return marked
	}
	marked := 0
	for _, name := range Definitions() {
		if strings.HasSuffix(name, "Params") || name == "Pods" {
			r, err := rulesFor(name)
			if err != nil {
				t.Fatal(err)
			}
			marked += walk(name, r)
		}
	}
	if marked < 20 {
		t.Errorf("only %d parameters say what they name", marked)
	}
}

func TestLocals(t *testing.T) {
	for _, c := range []struct {
		def  string
		v    map[string]any
		want []Local
	}{
		{"RenderParams", map[string]any{"values": []any{"a.yaml", "/b"}, "setFile": []any{`c:d\=e=../f=g`, "none"}, "set": []any{"x:y=../z"}}, []Local{
			{[]string{"setFile", "0"}, "../f=g", false}, {[]string{"values", "0"}, "a.yaml", false}, {[]string{"values", "1"}, "/b", false},
		}},
		{"ResolveParams", map[string]any{"data": "d", "criteria": map[string]any{"service": "eks"}}, []Local{{[]string{"data"}, "d", false}}},
		{"PushParams", map[string]any{"to": "oci-layout:..:v1"}, []Local{{[]string{"to"}, "..", true}}},
		{"PushParams", map[string]any{"to": "oci://oci-layout:a/b@sha256:0"}, []Local{{[]string{"to"}, "a/b", true}}},
		{"PushParams", map[string]any{"to": "registry.example.com/a/b:v1"}, nil},
		{"SignParams", map[string]any{}, []Local{{[]string{"key"}, "", false}}},
		{"SignParams", map[string]any{"key": "k", "generateKey": true}, []Local{{[]string{"generateKey"}, "", true}, {[]string{"key"}, "k", false}}},
		{"SignParams", map[string]any{"key": "k", "generateKey": false}, []Local{{[]string{"key"}, "k", false}}},
		{"VerifyParams", map[string]any{}, nil},
		{"CollectParams", map[string]any{"kubeconfig": "~/k", "agent": map[string]any{"image": "i"}}, []Local{{[]string{"kubeconfig"}, "~/k", false}}},
	} {
		got, err := Locals(c.def, c.v)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s %v (-want +got):\n%s", c.def, c.v, d)
		}
	}
	if _, err := Locals("NoParams", nil); CodeOf(err) != NotFound {
		t.Errorf("got %v", err)
	}
}

func TestLocalPath(t *testing.T) {
	for uri, want := range map[string]string{
		"a/b.yaml": "a/b.yaml", "-": "-", "./x@sha256:1": "./x@sha256:1", "file:///etc/passwd": "/etc/passwd", "FILE://x": "x",
		"oci-layout:d:v1": "d", "oci://oci-layout:../d@sha256:1": "../d", "registry.example.com/a": "registry.example.com/a",
		"https://example.com/x": "", "cm://a/b": "", "oci://embedded/a": "",
	} {
		got, ok := LocalPath(uri)
		if got != want || ok != (want != "") {
			t.Errorf("LocalPath(%q) = %q, %v, want %q", uri, got, ok, want)
		}
	}
}
