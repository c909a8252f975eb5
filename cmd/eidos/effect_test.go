package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
)

// tryMain runs one command line in dir, which is the working directory.
func tryMain(t *testing.T, args ...string) (exit int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	home := t.TempDir()
	a := &app{Console: console.Console{In: strings.NewReader(""), Out: &o, Err: &e, Env: func(name string) (string, bool) {
		return home, name == "HOME"
	}}}
	return a.main(context.Background(), args), o.String(), e.String()
}

// refusal is how a flag is refused that means nothing.
var refusal = regexp.MustCompile(`has no effect|--[a-z-]+ is for |is not a step|do not go together|has no signature: key and attestations`)

// For each thing that a command does, every flag that it has is either listed
// here, with what it changes known, or refused: a flag that is new has to be
// put somewhere.
func TestFlagsWithoutEffectAreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"p.yaml":     "apiVersion: eidos.nvidia.com/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nsteps: {r: {uses: resolve, with: {allowGeneric: true}}}\n",
		"tasks.json": `{"tasks": []}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{"recipe --service eks --allow-generic -o r.yaml", "bundle -r r.yaml -o b", "compile p.yaml --to plan -o plan.json"} {
		if exit, _, errs := tryMain(t, strings.Fields(line)...); exit != 0 {
			t.Fatal(line, errs)
		}
	}
	catalogue := "catalogue data allow-generic profile provenance service accelerator os intent platform nodes gpu snapshot criteria"
	values := "deployer layout split app-name project destination repo revision repo-path values set set-json set-file dynamic readiness storage-class shared-storage-class system-node-selector system-node-toleration " +
		"accelerated-node-selector accelerated-node-toleration workload-selector workload-gate nodes values-from"
	collect := "collectors require best-effort max-nodes-per-entry serials collect-timeout"
	agent := "agent namespace image image-pull-secret job-name service-account-name node-selector toleration require-gpu runtime-class " +
		"privileged releases all-nodes no-cleanup timeout"
	tried := 0
	for _, c := range []struct{ line, effect string }{
		{"snapshot", collect + " output format print-pipeline agent all-nodes"},
		{"snapshot --agent", collect + " output format print-pipeline " + agent},
		{"snapshot --print-pipeline", collect + " output print-pipeline agent all-nodes"},
		{"recipe", catalogue + " output format print-pipeline explain"},
		{"recipe --explain", strings.Replace(catalogue, "provenance ", "", 1) + " output explain"},
		{"recipe --print-pipeline", catalogue + " output print-pipeline"},
		{"validate -r r.yaml -s s.yaml", "recipe snapshot output format allow-unknown values-from fail-on-error print-pipeline"},
		{"validate -r r.yaml -s s.yaml --print-pipeline", "recipe snapshot output allow-unknown values-from fail-on-error print-pipeline"},
		{"bundle -r r.yaml -o dir", values + " recipe output force print-pipeline vendor-charts"},
		{"bundle -r r.yaml -o embedded/x:v1", values + " recipe output image-refs plain-http insecure-tls print-pipeline vendor-charts"},
		{"bundle -r r.yaml -o oci-layout:x:v1", values + " recipe output image-refs plain-http insecure-tls print-pipeline vendor-charts"},
		{"bundle -r r.yaml -o dir --print-pipeline", values + " recipe output print-pipeline vendor-charts"},
		{"bundle -r r.yaml -o dir --vendor-charts", values + " recipe output force print-pipeline lock chart-archive plain-http insecure-tls"},
		{"images r.yaml", "without-checks data node-os resolve plain-http insecure-tls values-from output format print-pipeline"},
		{"mirror r.yaml --to embedded/x", "without-checks data to platform jobs plain-http insecure-tls node-os lock chart-archive rewrite values-from format print-pipeline"},
		{"mirror oci-layout:x --to embedded/x", "to jobs plain-http insecure-tls format print-pipeline"},
		{"mirror verify embedded/x/release/a:v1", "plain-http insecure-tls deep format print-pipeline"},
		{"push b embedded/x:v1", "plain-http insecure-tls annotations format image-refs print-pipeline"},
		{"push p.yaml embedded/x:v1", "plain-http insecure-tls format image-refs"},
		{"push b embedded/x:v1 --print-pipeline", "plain-http insecure-tls annotations print-pipeline"},
		{"sign embedded/x:v1", "key password-file generate-key attest keyless identity-token no-browser oidc-client-id oidc-issuer signing-config plain-http insecure-tls signature-format format print-pipeline"},
		{"sign embedded/x:v1 --print-pipeline", "key password-file generate-key attest keyless identity-token no-browser oidc-client-id oidc-issuer signing-config plain-http insecure-tls signature-format print-pipeline"},
		{"verify embedded/x:v1", "key attestations plain-http insecure-tls format print-pipeline policy min-trust-level require-creator certificate-identity certificate-identity-regexp certificate-oidc-issuer certificate-oidc-issuer-regexp trusted-root"},
		{"verify b", "format print-pipeline key attestations signatures policy min-trust-level require-creator certificate-identity certificate-identity-regexp certificate-oidc-issuer certificate-oidc-issuer-regexp trusted-root"},
		{"diff r.yaml r.yaml", "format values-from rendered"},
		{"diff --rendered b b", "format output fail-on-drift ignore volatile values-from print-pipeline"},
		{"diff --rendered b b --print-pipeline", "output fail-on-drift ignore volatile print-pipeline"},
		{"query -r r.yaml --selector criteria", "recipe selector format"},
		{"query --selector criteria --service eks", catalogue + " selector format recipe"},
		{"explain -r r.yaml", "recipe format"},
		{"explain --service eks", catalogue + " recipe format"},
		{"graph p.yaml", "param params-file format output"},
		{"graph -r r.yaml", "recipe of format output"},
		{"graph --service eks", catalogue + " recipe of format output"},
		{"vet", "catalogue charts data format module"},
		{"vet p.yaml", "param params-file"},
		{"step run --plan plan.json --store s --run r --step r", "plan store run step status attended"},
		{"step run --plan tasks.json --store s --step r", "plan store step attended secrets"},
		{"step rows --plan plan.json --store s --run r --step r", "plan store run step"},
		{"cache du", "format"},
		{"cache gc", "keep"},
		{"cache verify", ""},
		{"key generate", "output password-file"},
		{"registry serve", "addr dir"},
		{"run --write", "write"},
		{"run p.yaml --explain", "explain param params-file force only from overwrite values-from"},
	} {
		words := strings.Fields(c.line)
		cmd, _, err := (&app{}).root().Find(words)
		if err != nil {
			t.Fatal(c.line, err)
		}
		effect := strings.Fields(c.effect)
		for _, name := range effect {
			if cmd.Flags().Lookup(name) == nil && !slices.Contains(usage.Everywhere(), name) && name != "provenance" {
				t.Errorf("%s: there is no --%s", c.line, name)
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if slices.Contains(effect, f.Name) || slices.Contains(usage.Everywhere(), f.Name) || strings.Contains(c.line, "--"+f.Name) {
				return
			}
			value := "--" + f.Name + "=1" // true, a number, and a text
			if f.Name == "format" {
				value = "--format=json"
			}
			exit, out, errs := tryMain(t, append(slices.Clone(words), value)...)
			tried++
			if exit != 2 || out != "" || !refusal.MatchString(errs) {
				t.Errorf("%s %s: status %d\n%s%s", c.line, value, exit, out, errs)
			}
		})
	}
	if tried < 150 {
		t.Errorf("only %d combinations were tried", tried)
	}
	if left, err := filepath.Glob("*"); err != nil || len(left) != 5 {
		t.Errorf("refused commands left %v", left)
	}
}

// Whatever cobra says of a command line is said in words that tell what to type.
func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, line := range slices.Sorted(maps.Keys(usages)) {
		exit, out, errs := tryMain(t, strings.Fields(line)...)
		if exit != 2 || out != "" || errs != usages[line] {
			t.Errorf("eidos %s: status %d, %q, want\n%sgot\n%s", line, exit, out, usages[line], errs)
		}
		for _, cobra := range []string{"arg(s)", "flag(s)", "shorthand", "in the group"} {
			if strings.Contains(errs, cobra) {
				t.Errorf("eidos %s: %s", line, errs)
			}
		}
	}
}

var usages = map[string]string{
	"push":                        "eidos: error: eidos push takes 2 arguments, not 0\neidos: hint: write eidos push BUNDLE TO\n",
	"sign":                        "eidos: error: eidos sign takes 1 argument, not 0\neidos: hint: write eidos sign IMAGE|DIRECTORY|FILE\n",
	"attest x --type y":           "eidos: error: --predicate is missing\neidos: hint: write eidos attest IMAGE|DIRECTORY|FILE --type TYPE --predicate FILE\n",
	"verify a b":                  "eidos: error: eidos verify takes 1 argument, not 2\neidos: hint: write eidos verify IMAGE|DIRECTORY|FILE\n",
	"plan a b":                    "eidos: error: eidos plan takes at most 1 argument, not 2\neidos: hint: write eidos plan [PIPELINE]\n",
	"validate":                    "eidos: error: --recipe is missing\neidos: hint: write eidos validate -r RECIPE -s SNAPSHOT | validate -r RECIPE --phase PHASE\n",
	"bundle":                      "eidos: error: --recipe is missing\neidos: hint: write eidos bundle -r RECIPE\n",
	"bundle r.yaml":               "eidos: error: eidos bundle takes no argument \"r.yaml\"\neidos: hint: write eidos bundle -r RECIPE\n",
	"snapshot x":                  "eidos: error: eidos snapshot takes no argument \"x\"\neidos: hint: write eidos snapshot\n",
	"recipe list x":               "eidos: error: eidos recipe list takes no argument \"x\"\neidos: hint: write eidos recipe list\n",
	"nosuch":                      "eidos: error: unknown command \"nosuch\" for \"eidos\"\neidos: hint: see eidos --help\n",
	"recpe":                       "eidos: error: unknown command \"recpe\" for \"eidos\"\neidos: hint: did you mean recipe?\n",
	"-V":                          "eidos: error: unknown flag -V\neidos: hint: see eidos --help\n",
	"run -x":                      "eidos: error: unknown flag -x\neidos: hint: see eidos run --help\n",
	"run --jbos 1":                "eidos: error: unknown flag --jbos\neidos: hint: did you mean --jobs?\n",
	"run --jobs x":                "eidos: error: --jobs: \"x\" is not a whole number\neidos: hint: see eidos run --help\n",
	"run --keep-going=x":          "eidos: error: --keep-going: \"x\" is neither true nor false\neidos: hint: see eidos run --help\n",
	"run --jobs":                  "eidos: error: --jobs needs a value\neidos: hint: write --jobs INT\n",
	"run -j":                      "eidos: error: --jobs needs a value\neidos: hint: write --jobs INT\n",
	"run --jobs 1 --jobs 2":       "eidos: error: --jobs: set twice; it takes one value\neidos: hint: see eidos run --help\n",
	"run --=x":                    "eidos: error: \"--=x\" is not a flag\neidos: hint: see eidos run --help\n",
	"run --watch --explain":       "eidos: error: --explain and --watch do not go together\neidos: hint: write eidos run [PIPELINE]\n",
	"step run --plan a --store b": "eidos: error: --step or --indexed is missing\neidos: hint: write eidos step run --plan PLAN --step ID --store STORE\n",
}

// TestEveryFlagIsExplained: no flag of any command, hidden ones too, is left
// without words, and eidos has a version in both forms that people type.
func TestEveryFlagIsExplained(t *testing.T) {
	n := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if n++; strings.TrimSpace(f.Usage) == "" {
				t.Errorf("%s --%s has no help", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{Console: console.Console{In: strings.NewReader(""), Env: func(string) (string, bool) { return "", false }}}).root())
	if n < 200 {
		t.Errorf("only %d flags", n)
	}
	for _, flag := range []string{"-v", "--version"} {
		var out, errw bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &errw, Env: func(string) (string, bool) { return "", false }}}
		if status := a.main(t.Context(), []string{flag}); status != 0 || out.String() != "eidos "+versionOf()+"\n" {
			t.Errorf("eidos %s: %d, %q, %q", flag, status, out.String(), errw.String())
		}
	}
	for command, want := range map[string]string{"push": "(default plain words)", "sign": "(default plain words)", "verify": "(default plain words)", "recipe": "(default yaml, or by the output's name)"} {
		var out, errw bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &errw, Env: func(string) (string, bool) { return "", false }}}
		if status := a.main(t.Context(), []string{command, "--help"}); status != 0 || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("eidos %s --help: %d, %s", command, status, out.String())
		}
	}
}
