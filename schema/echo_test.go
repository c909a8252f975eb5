package schema

import (
	"strconv"
	"strings"
	"testing"
)

// secrets are texts that are never printed, none of them in use anywhere.
func secrets() map[string]string {
	return map[string]string{
		"private key":   "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIANwiQtBEJRUgT60NhBAgARmnPc+7l7Vk35kU6fTmG2B\n-----END PRIVATE KEY-----\n",
		"key in a line": "-----BEGIN RSA PRIVATE KEY----- MC4CAQAwBQYDK2VwBCIEIANwiQtBEJRUgT60NhBAgARmnPc -----END RSA PRIVATE KEY-----",
		"cut key":       "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwi",
		"body of a key": "MC4CAQAwBQYDK2VwBCIEIANwiQtBEJRUgT60NhBAgARmnPc+7l7Vk35kU6fTmG2B",
		"jwt":           "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
		"aws":           "AKIA" + "IOSFODNN7EXAMPLE",
		"github":        "ghp" + "_abcdefghijklmnopqrstuvwxyz0123456789",
		"github fine":   "github_pat" + "_11ABCDEFG0123456789_abcdefghijklmnop",
		"slack":         "xoxb" + "-123456789012-abcdefghijkl",
		"gitlab":        "glpat" + "-abcdefghij0123456789",
		"ngc":           "nvapi" + "-abcdefghij0123456789abcdefghij",
		"hugging face":  "hf" + "_abcdefghijklmnopqrstuvwx",
		"google":        "AIza" + "SyA0123456789abcdefghijklmnopqrstuv",
		"age":           "AGE-SECRET-KEY-1" + "QQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
		"password":      "password: 'Xk7Qp2Zr9Lm4Vt8W'",
		"token":         `token = "9f86d081884c7d659a2feaa0c55ad015"`,
		"pin":           "pkcs11:token=gpu;object=key?pin-value=98765432101234",
		"url":           "https://user:hunter2@registry.example.com/x",
	}
}

func TestSafeHidesSecrets(t *testing.T) {
	for name, s := range secrets() {
		for _, text := range []string{s, "must be a mapping, not " + strconv.Quote(s) + " (key.pem:1:1)", "a: no " + s + " here"} {
			got := Safe(text)
			if !strings.Contains(got, hidden) {
				t.Errorf("%s: %s", name, got)
			}
			for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("\n \"':@", r) }) {
				if len(part) > 12 && !strings.Contains("registry.example.com/x", part) && strings.Contains(got, part) {
					t.Errorf("%s: %q is printed: %s", name, part, got)
				}
			}
			if again := Safe(got); again != got {
				t.Errorf("%s: not stable: %s", name, again)
			}
		}
		if !LooksSecret(s) {
			t.Errorf("%s is not told", name)
		}
		if e := Errorf(Invalid, "no %q", s).At("f:1:1", "a."+s); strings.Contains(e.Error(), s) {
			t.Errorf("%s: %s", name, e)
		}
	}
}

func TestSafeKeepsTheRest(t *testing.T) {
	for _, s := range []string{
		"embedded/gpu/bundle@sha256:c10ccde74686459f4b1b5fc654a9eb4f86044577f2611288c75b3bb3a2557282",
		`reading "/tmp/TestRunInterrupt1234567890/001/eidos.pipeline.yaml": no such file or directory`,
		`no Secret "registry-credentials-for-nodes-v2" in gpu-operator`,
		`secret "registry_password" must say exactly one of env, file and kubernetes`,
		`token: no parameter "tokenExpirationSeconds"`,
		"imagePullSecrets: must be a list, not a mapping",
		"unknown key \"acceleratedNodeSelectorMatchExpressions\"",
		`no answer from "registry.example.com/team/gpu/bundle@sha256:c10ccde74686459f4b1b5fc654a9eb4f86044577f2611288c75b3bb3a2557282"`,
		"https://registry.example.com:5000/v2/gpu-operator/manifests/v25.10.1",
		`"` + strings.Repeat("ä", 80) + `" is long enough`,
		"unauthorised: access to cm://gpu-operator-monitoring/snapshot-2026-11-25",
		"passwords of kube-prometheus-stack-grafana-v2-2026 are its own",
		"",
	} {
		if got := Safe(s); got != s {
			t.Errorf("%s\nbecomes\n%s", s, got)
		}
	}
}

func TestSafeCuts(t *testing.T) {
	long := strings.Repeat("ab ", 40)
	digest := "@sha256:" + strings.Repeat("0f", 32)
	for s, want := range map[string]string{
		`no "` + long + `" here`:                              `no "` + long[:79] + `…" here`,
		`a "b" c "` + long + `" d "e"`:                        `a "b" c "` + long[:79] + `…" d "e"`,
		`"` + strings.Repeat("x", 78) + `\"yy" z`:             `"` + strings.Repeat("x", 78) + `…" z`,
		`an odd " and` + "\n" + `"` + long + `"`:              `an odd " and` + "\n" + `"` + long[:79] + `…"`,
		"unknown flag: --" + strings.Repeat("x", 400):         "unknown flag: --" + strings.Repeat("x", 77) + "…",
		"unknown flag: --" + strings.Repeat("x", 200):         "unknown flag: --" + strings.Repeat("x", 200),
		`"/a` + strings.Repeat("b", 100) + `/c.yaml"`:         `"/a` + strings.Repeat("b", 37) + "…" + strings.Repeat("b", 33) + `/c.yaml"`,
		`"r.io/` + strings.Repeat("b", 100) + digest + `"`:    `"r.io/` + strings.Repeat("b", 34) + "…" + strings.Repeat("b", 40) + digest + `"`,
		strings.Repeat("many words ", 100) + `"` + long + `"`: strings.Repeat("many words ", 100) + `"` + long[:79] + `…"`,
	} {
		if got := Safe(s); got != want {
			t.Errorf("%s\nbecomes\n%s\nwant\n%s", s, got, want)
		}
	}
	e := Errorf(Invalid, "no %q", strings.Repeat("x", 10<<20)).At("", "a."+joinPath([]string{strings.Repeat("k", 1000)}))
	if n := len([]rune(e.Error())); n > 200 {
		t.Errorf("%d characters: %.300s", n, e)
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range secrets() {
		f.Add(s)
		f.Add(strconv.Quote(s))
	}
	f.Add(`"` + strings.Repeat(`\\`, 60) + `"`)
	f.Fuzz(func(t *testing.T, s string) {
		got := Safe(s)
		if again := Safe(got); again != got {
			t.Errorf("%q becomes %q, and then %q", s, got, again)
		}
	})
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ä 漢 …":           "plain, ä 漢 …",
		"a\tb\r\nc":              "a b c",
		"\x1b[31mred\x1b[0m":     "?[31mred?[0m",
		"\x00\x7f\u0085\u202e":   "????",
		"cut \xc3 in the middle": "cut \ufffd in the middle",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got, want := PrintableLines("a\r\n\tb\x1b"), "a\n b?"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
