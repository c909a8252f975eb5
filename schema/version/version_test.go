package version

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ in, str, suffix string }{
		{"1.33.5", "1.33.5", ""},
		{"v1.33.5-eks-3025e55", "1.33.5", "-eks-3025e55"},
		{"v1.33.5-gke.1337000", "1.33.5", "-gke.1337000"},
		{"1.31.2+k3s1", "1.31.2", "+k3s1"},
		{"6.8.0-1028-aws", "6.8.0", "-1028-aws"},
		{"5.14.0-427.13.1.el9_4.x86_64", "5.14.0", "-427.13.1.el9_4.x86_64"},
		{"1.34.0-rc.1", "1.34.0-rc.1", ""},
		{"1.34.0-rc1+build", "1.34.0-rc.1", "+build"},
		{"1.34.0-beta", "1.34.0-beta", ""},
		{"1.34.0-alpha.2-gke.7", "1.34.0-alpha.2", "-gke.7"},
		{"1.34.0-release", "1.34.0", "-release"},
		{"1.34.0-devel", "1.34.0", "-devel"},
		{"580.105.08", "580.105.8", ""},
		{"24.04", "24.4", ""},
		{"V2", "2", ""},
		{"85520809984", "85520809984", ""},
	} {
		v, err := Parse(tt.in)
		if err != nil || v.String() != tt.str || v.Suffix != tt.suffix {
			t.Errorf("Parse(%q) = %v suffix %q, %v; want %s suffix %q", tt.in, v, v.Suffix, err, tt.str, tt.suffix)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "empty",
		"v":                             "not a number",
		"-1.2":                          "empty",
		"1.-2":                          "empty",
		"1..2":                          "empty",
		"1.2.":                          "empty",
		"1.x":                           `part "x" is not a number`,
		"ubuntu":                        "not a number",
		"1.2 3":                         "not a number",
		"0000:3b:00.0":                  "not a number",
		"1.1234567890123456789":         "more than 18 digits",
		"1.2.3.4.5.6.7.8.9":             "more than 8 parts",
		"1." + strings.Repeat("1", 300): "over the limit",
	} {
		if _, err := Parse(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v; want %q", in, err, want)
		}
	}
}

func TestCompare(t *testing.T) {
	// Each sorts before the next.
	order := []string{"1.2.9", "1.10.0-alpha.1", "1.10.0-alpha.2", "1.10.0-alpha.10", "1.10.0-beta",
		"1.10.0-beta.0", "1.10.0-rc.1", "1.10.0", "1.10.1-rc.1", "1.10.1", "v2"}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := Compare(mustParse(t, a), mustParse(t, b)); got != want {
				t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, p := range [][2]string{{"1.2", "1.2.0"}, {"v1.33.5-eks-1", "1.33.5+k3s1"}, {"1.2.0-rc1", "1.2.0-rc.1"}, {"580.105.08", "580.105.8"}} {
		if Compare(mustParse(t, p[0]), mustParse(t, p[1])) != 0 {
			t.Errorf("%s and %s are not equal", p[0], p[1])
		}
	}
}

// FuzzParse holds that what parses prints to something that parses to an equal
// version, and that Compare is antisymmetric.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"v1.33.5-eks-3025e55", "1.34.0-rc.1", "6.8.0-1028-aws", "1", "1.2-beta.00", "1.2-pre-rc"} {
		f.Add(s, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		va, err := Parse(a)
		if err != nil {
			return
		}
		again, err := Parse(va.String())
		if err != nil || Compare(va, again) != 0 {
			t.Fatalf("%q prints as %q, which is %v, %v", a, va, again, err)
		}
		vb, err := Parse(b)
		if err != nil {
			return
		}
		if Compare(va, vb) != -Compare(vb, va) {
			t.Fatalf("Compare(%q, %q) is not antisymmetric", a, b)
		}
	})
}

func mustParse(t *testing.T, s string) Version {
	t.Helper()
	v, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
