package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestJoinOrdersByPosition(t *testing.T) {
	e := func(pos string) error { return Errorf(Invalid, "x").At(pos, "") }
	err := Join([]error{e("f:10:1"), errors.Join(e("f:9:2"), e("f:9:11")), e("f:10:1"), e("a:100:1")})
	want := "x (a:100:1)\nx (f:9:2)\nx (f:9:11)\nx (f:10:1)"
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if Join(nil) != nil {
		t.Error("no problems must be nil")
	}
}

func TestCodeOf(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Code
	}{
		{nil, ""},
		{errors.New("x"), Failed},
		{fmt.Errorf("reading: %w", Errorf(NotFound, "no file %q", "x")), NotFound},
		{errors.Join(errors.New("x"), Errorf(Timeout, "slow")), Timeout},
	} {
		if got := CodeOf(tt.err); got != tt.want {
			t.Errorf("CodeOf(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
	seen := map[int]Code{}
	for _, c := range Codes() {
		if other, ok := seen[c.Exit]; ok {
			t.Errorf("exit status %d stands for %s and %s", c.Exit, other, c.Code)
		}
		seen[c.Exit] = c.Code
	}
}

func TestNearest(t *testing.T) {
	deployers := []string{"argocd", "flux", "helm", "helmfile"}
	kinds := []string{"bundle", "collect", "os", "http", "push", "recipe", "sign", "snapshot", "validate", "verify"}
	for _, tt := range []struct {
		got   string
		known []string
		want  string
	}{
		// The beginning of a word, and of two the shorter.
		{"argo", deployers, "argocd"}, {"hel", deployers, "helm"}, {"snap", kinds, "snapshot"}, {"sn", kinds, ""},
		// One error for every four letters, swaps too; case and dashes do not count.
		{"hlem", deployers, "helm"}, {"Flux", deployers, "flux"}, {"helm-file", deployers, "helmfile"},
		{"colect", kinds, "collect"}, {"vlidaet", kinds, "validate"}, {"bundles", kinds, "bundle"}, {"psuh", kinds, "push"},
		{"node_selector", []string{"nodeSelector"}, "nodeSelector"}, {"acceleratedNodeSelectr", []string{"acceleratedNodeSelector"}, "acceleratedNodeSelector"},
		// Not near.
		{"foo", kinds, ""}, {"ftp", kinds, ""}, {"kubernetes", deployers, ""}, {"", deployers, ""}, {"x", []string{"y"}, ""},
		{"ab", []string{"ac"}, ""}, {"sing", []string{"bring"}, ""}, {"fluxx", []string{"linux"}, ""},
		// A number is another thing, not a typing error.
		{"h100", []string{"a200"}, ""}, {"step3", []string{"step4"}, ""}, {"v1", []string{"v2"}, ""}, {"gb300", []string{"gb200"}, ""},
		{"stp3", []string{"step3", "step4"}, "step3"},
	} {
		if n := Nearest(tt.got, tt.known); n != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.got, n, tt.want)
		}
	}
	if a, b := Nearest("snapp", []string{"snap", "snap2"}), Nearest("snapp", []string{"snap2", "snap"}); a != b {
		t.Errorf("the order of known decides: %q, %q", a, b)
	}
	var many []string
	for i := range 5000 {
		many = append(many, fmt.Sprint("step", i))
	}
	if got := Suggest("other", many); len(got) > 300 || !strings.HasSuffix(got, " … and 4,980 more") {
		t.Errorf("%d characters: %.400s", len(got), got)
	}
}

// A hint of the cause is found where the error itself has none.
func TestParams(t *testing.T) {
	flag := func(name string) string { return "--" + FlagName(name) }
	cause := Errorf(Invalid, "no recipe").WithHint("%s accepts one", Parameter("allowGeneric"))
	for name, e := range map[string]*Error{
		"its own":      cause,
		"of the cause": Errorf(Invalid, "release 2026-03: %w", cause),
		"deeper":       Errorf(Invalid, "comparing: %w", Errorf(Invalid, "release 2026-03: %w", cause)),
	} {
		if got := e.Params(flag).Hint; got != "--allow-generic accepts one" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := Errorf(Invalid, "no effect").At("", Parameter("systemNodeToleration")).Params(flag); got.Error() != "--system-node-toleration: no effect" || got.Hint != "" {
		t.Errorf("a path: %q, %q", got, got.Hint)
	}
	if e := Errorf(Invalid, "plain: %w", Errorf(Failed, "x").WithHint("try y")); e.Params(flag) != e {
		t.Error("a hint without parameters changes the error")
	}
}
