package constraint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

func TestEval(t *testing.T) {
	for _, tt := range []struct {
		expr, actual string
		want         Verdict
	}{
		{">= 1.32.4", "v1.33.5-eks-3025e55", Passed},
		{">= 1.32.4", "v1.32.4-gke.1337000", Passed},
		{">= 1.32.4", "1.32.3+k3s1", Failed},
		{">= 1.32.4", "v1.32", Unknown},
		{">= 1.32.4", "v1.33", Passed},
		{">= 1.32.4", "v1.31", Failed},
		{">= 1.32.0", "v1.32", Passed},
		{">= 1.32.4", "1.32.4-rc.1", Failed},
		{">= 1.32", "1.32.0-rc.1", Failed},
		{">= 1.32", "1.32.1-rc.1", Passed},
		{"< 1.33", "1.33.0-rc.1", Passed},
		{"<= 1.32", "1.32.9", Passed},
		{"<= 1.32", "1.33.0-alpha.1", Failed},
		{"> 1.32", "1.32.9", Failed},
		{"> 1.32", "1.33.0", Passed},
		{"== 1.32", "1.32.9", Passed},
		{"1.32", "1.32.9", Passed},
		{"1.32", "1.3.2", Failed},
		{"!= 1.32", "1.32.9", Failed},
		{"!= 1.32", "1.31.0", Passed},
		{"!= 1.32.4", "1.32", Unknown},
		{">= 1.33.0-rc.1", "1.33.0-rc.2", Passed},
		{">= 1.33.0-rc.1", "1.33.0-beta.9", Failed},
		{"== 1.33.0-rc.1", "1.33.0-rc1", Passed},
		{"== 1.33.0-rc.1", "1.33.0", Failed},
		{">= 6.8", "6.8.0-1028-aws", Passed},
		{">= 6.8", "6.14.0-1018-aws", Passed},
		{"24.04", "24.04", Passed},
		{"24.04", "22.04", Failed},
		{"ubuntu", "ubuntu", Passed},
		{"ubuntu", "Ubuntu", Failed},
		{"== ubuntu", "rhel", Failed},
		{"!= ubuntu", "rhel", Passed},
		{"!= ubuntu", "24.04", Passed},
		{"ubuntu", "24.04", Failed},
		{"24.04", "ubuntu", Failed},
		{">= 24.04", "ubuntu", Unknown},
		{">= 24.04", "", Unknown},
		{">= 1.30, < 1.34", "1.33.9", Passed},
		{">= 1.30, < 1.34", "1.34.0", Failed},
		{">= 1.30,!= 1.31.2", "1.31.2", Failed},
		{"in [ubuntu, rhel]", "rhel", Passed},
		{"in [ubuntu, rhel]", "cos", Failed},
		{"in [1.31, 1.33]", "1.33.1", Passed},
		{"in [1.31, 1.33]", "1.32.1", Failed},
		{"in[a]", "a", Passed},
		{"true", "true", Passed},
		{">= 8", "8", Passed},
		{">= 80000000000", "85520809984", Passed},
		{"-1", "-1", Passed},
		{"Container-Optimized OS", "Container-Optimized OS", Passed},
		{"inbox", "inbox", Passed},
	} {
		e, err := Parse(tt.expr)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.expr, err)
			continue
		}
		got, reason := e.Eval(tt.actual)
		if got != tt.want {
			t.Errorf("%q of %q is %s (%s), want %s", tt.expr, tt.actual, got, reason, tt.want)
		}
		if (reason == "") != (got == Passed) {
			t.Errorf("%q of %q is %s with reason %q", tt.expr, tt.actual, got, reason)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for expr, want := range map[string]string{
		"":                                       "a term is empty",
		">=":                                     ">= without a value",
		">= x":                                   `"x" is not a version`,
		"=> 1.2":                                 `no operator "=>"`,
		"= 1.2":                                  `no operator "="`,
		"~> 1.2":                                 `no operator "~>"`,
		"^1.2":                                   `no operator "^"`,
		">= 1.2 < 1.4":                           `unexpected '<'`,
		">= 1.2 1.4":                             "comma between terms",
		"1.2 1.4":                                "comma between terms",
		">= 1.2,":                                "a term is empty",
		">= -1":                                  "is not a version",
		"in []":                                  "a term is empty",
		"in [a":                                  "[ without ]",
		"in [a] b":                               "text after ]",
		"in [a, [b]]":                            "unexpected '['",
		"a]":                                     "unexpected ']'",
		"a\nb":                                   "control character",
		strings.Repeat("a", 2000):                "over the limit",
		strings.Repeat("a,", 40):                 "more than 32 terms",
		"in [" + strings.Repeat("a,", 40) + "b]": "more than 32 items",
	} {
		_, err := Parse(expr)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v; want %q", expr, err, want)
		}
		if schema.CodeOf(err) != schema.Invalid {
			t.Errorf("Parse(%q) has code %s", expr, schema.CodeOf(err))
		}
	}
}

func TestString(t *testing.T) {
	for in, want := range map[string]string{
		">=1.2":          ">= 1.2",
		" >=  1.2,<1.4 ": ">= 1.2, < 1.4",
		"in[b,a]":        "in [b, a]",
		"ubuntu":         "ubuntu",
	} {
		if got := parse(t, in).String(); got != want {
			t.Errorf("Parse(%q) prints %q, want %q", in, got, want)
		}
	}
}

func TestSatisfiable(t *testing.T) {
	for _, tt := range []struct {
		exprs []string
		want  bool
	}{
		{nil, true},
		{[]string{">= 1.34", "< 1.30"}, false},
		{[]string{">= 1.30", "< 1.34"}, true},
		{[]string{"> 1.32", "< 1.33"}, false},
		{[]string{">= 1.33.0-rc.1", "< 1.33"}, true},
		{[]string{">= 1.32.4", "== 1.32"}, true},
		{[]string{">= 1.33", "== 1.32"}, false},
		{[]string{"ubuntu", "rhel"}, false},
		{[]string{"ubuntu", "in [rhel, ubuntu]"}, true},
		{[]string{"ubuntu", "!= ubuntu"}, false},
		{[]string{"ubuntu", ">= 1"}, false},
		{[]string{"!= a", "!= b"}, true},
	} {
		var exprs []Expr
		for _, s := range tt.exprs {
			exprs = append(exprs, parse(t, s))
		}
		if got := Satisfiable(exprs...); got != tt.want {
			t.Errorf("Satisfiable(%q) = %v", tt.exprs, got)
		}
	}
}

func TestStrictest(t *testing.T) {
	for _, tt := range []struct{ in, want []string }{
		{[]string{"base >= 1.25", "eks >= 1.28", "leaf >= 1.32.4"}, []string{"leaf >= 1.32.4"}},
		{[]string{"aks >= 1.34", "aks-training >= 1.30"}, []string{"aks >= 1.34"}},
		{[]string{"a >= 1.32.4", "b >= 1.32.4"}, []string{"a >= 1.32.4"}},
		{[]string{"a >= 1.30", "b < 1.34"}, []string{"a >= 1.30", "b < 1.34"}},
		{[]string{"a >= 1.30", "b < 1.34", "c >= 1.31, < 1.33"}, []string{"c >= 1.31, < 1.33"}},
		{[]string{"a >= 1.30", "b == 1.33"}, []string{"b == 1.33"}},
		{[]string{"a ubuntu", "b in [ubuntu, rhel]"}, []string{"a ubuntu"}},
		{[]string{"a >= 1.32", "b >= 1.32.0"}, []string{"a >= 1.32"}},
	} {
		var asks []Ask
		for _, s := range tt.in {
			from, expr, _ := strings.Cut(s, " ")
			asks = append(asks, Ask{parse(t, expr), from})
		}
		var got []string
		for _, a := range Strictest(asks) {
			got = append(got, a.From+" "+a.Expr.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Strictest(%q) (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestPath(t *testing.T) {
	s := &schema.Snapshot{Measurements: []schema.Measurement{
		{Type: "SystemD", Subtypes: []schema.Subtype{{Subtype: "containerd.service", Data: map[string]schema.Scalar{"ActiveState": "active"}}}},
		{Type: "OS", Subtypes: []schema.Subtype{
			{Subtype: "sysctl", Data: map[string]schema.Scalar{"/proc/sys/kernel/osrelease": "6.8.0", "a.b": int64(1)}},
			{Subtype: "sysctl.a", Data: map[string]schema.Scalar{"b": true}},
		}},
	}}
	for path, want := range map[string]string{
		"SystemD.containerd.service.ActiveState": "active",
		"OS.sysctl./proc/sys/kernel/osrelease":   "6.8.0",
		"OS.sysctl.a.b":                          "true",
		"OS.sysctl.a.c":                          "",
		"OS.release.ID":                          "",
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := p.In(s)
		if Text(v) != want || ok != (want != "") {
			t.Errorf("%s is %q, %v; want %q", path, Text(v), ok, want)
		}
		if p.String() != path {
			t.Errorf("%s prints as %s", path, p)
		}
	}
	for path, want := range map[string]string{
		"k8s.server.version": `no measurement type "k8s"`,
		"K8s.server":         "is not Type.Subtype.Key",
		"K8s":                "is not Type.Subtype.Key",
		"":                   `no measurement type ""`,
		"OS.release. ID":     "is not Type.Subtype.Key",
	} {
		if _, err := ParsePath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePath(%q): %v; want %q", path, err, want)
		}
	}
}

// FuzzParse holds that what parses prints to something that parses and prints
// the same, and that every verdict agrees with the implication it stands for.
func FuzzParse(f *testing.F) {
	for _, s := range []string{">= 1.32.4", "ubuntu", ">= 1.30, < 1.34", "in [a, b]", "!= 1.2-rc.1", "> 9", "!= 0-rc+aa", ">= 1.2-gke.5 || < 1"} {
		f.Add(s, "1.32.5")
	}
	f.Fuzz(func(t *testing.T, s, actual string) {
		e, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("%q prints as %q, which is %q, %v", s, e, again, err)
		}
		if !e.Implies(again) || !again.Implies(e) {
			t.Fatalf("%q and %q differ", s, again)
		}
		got, _ := e.Eval(actual)
		is, err := Parse("== " + actual)
		if err == nil && strings.TrimSpace(actual) == actual && !strings.Contains(actual, ",") && got == Passed && !is.Implies(e) {
			t.Fatalf("%q passes %q but is not within it", actual, e)
		}
	})
}

func parse(t *testing.T, s string) Expr {
	t.Helper()
	e, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
