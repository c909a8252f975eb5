package pattern

import "testing"

func TestPattern(t *testing.T) {
	p := New(`^(a+)(b*)$`)
	if !p.MatchString("aab") || p.Match([]byte("b")) {
		t.Error("matching")
	}
	if m := p.FindStringSubmatch("aab"); len(m) != 3 || m[1] != "aa" || m[2] != "b" {
		t.Errorf("groups %q", m)
	}
	if got := New("o").ReplaceAllString("foo", "0"); got != "f00" {
		t.Errorf("replaced %q", got)
	}
}
