package schema

import (
	"errors"
	"fmt"
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
	for _, tt := range []struct{ got, want string }{
		{"argo", "argocd"}, {"hlem", "helm"}, {"Flux", "flux"}, {"kubernetes", ""}, {"", ""},
	} {
		if n := Nearest(tt.got, []string{"argocd", "flux", "helm", "helmfile"}); n != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.got, n, tt.want)
		}
	}
	if a, b := Nearest("snapp", []string{"snap", "snap2"}), Nearest("snapp", []string{"snap2", "snap"}); a != b {
		t.Errorf("the order of known decides: %q, %q", a, b)
	}
}
