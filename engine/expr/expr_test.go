package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

var scope = map[string]any{
	"params": map[string]any{"intent": "training", "n": int64(3), "list": []any{"a", "b"}},
	"matrix": map[string]any{"deployer": "helm"},
	"steps":  map[string]any{"check": map[string]any{"summary": map[string]any{"failed": int64(0)}, "a-b": "x"}},
}

func TestCondition(t *testing.T) {
	tests := []struct {
		text string
		want bool
		refs []string
	}{
		{`params.intent == "training"`, true, []string{"params.intent"}},
		{`params.intent != "training" || matrix.deployer == "helm"`, true, []string{"matrix.deployer", "params.intent"}},
		{`steps.check.summary.failed > 0`, false, []string{"steps.check.summary.failed"}},
		{`steps["check"].summary["failed"] == 0`, true, []string{"steps.check.summary.failed"}},
		{`steps.check."a-b" == "x"`, true, []string{"steps.check.a-b"}},
		{`len(params.list) == 2 && params.n >= 3`, true, []string{"params.list", "params.n"}},
		{`params.intent =~ "^train"`, true, []string{"params.intent"}},
		{`len([for x in params.list if x == "a" {x}]) == 1`, true, []string{"params.list"}},
		{`true`, true, nil},
	}
	for _, tt := range tests {
		c, err := Compile(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		var refs []string
		for _, r := range c.Refs {
			refs = append(refs, strings.Join(r, "."))
		}
		if d := cmp.Diff(tt.refs, refs); d != "" {
			t.Errorf("%s: %s", tt.text, d)
		}
		got, err := c.Eval(scope)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v", tt.text, got, err)
		}
	}
}

func TestConditionErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{`params.intent ==`, `not a condition: expected operand, found 'EOF'`},
		{`intent == "x"`, `"intent" is not defined`},
		{`env.HOME == "x"`, `"env" is not defined`},
		{strings.Repeat("(", 20_000), `the condition is over 10000 bytes`},
	}
	for _, tt := range tests {
		if _, err := Compile(tt.text); err == nil || err.Error() != tt.want || schema.CodeOf(err) != schema.Invalid {
			t.Errorf("%.40s: got %v", tt.text, err)
		}
	}
	for text, want := range map[string]string{
		`params.intent`:     `"params.intent" is not true or false: `,
		`params.none == 1`:  `evaluating "params.none == 1": `,
		`params.n > "text"`: `evaluating "params.n > \"text\"": `,
	} {
		c, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Eval(scope); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// A name that CUE reads as a difference or a quotient is shown as it is written.
func TestUnquotedNames(t *testing.T) {
	for text, want := range map[string]string{
		`steps.gpu-check.summary.status == "pass"`:        `write steps["gpu-check"]`,
		`params.go && steps.a-b-c.x == 1`:                 `write steps["a-b-c"]`,
		`steps.lib/up.text == "x"`:                        `write steps["lib/up"]`,
		`params.dry-mode`:                                 `write params["dry-mode"]`,
		`matrix.max-nodes == 1`:                           `write matrix["max-nodes"]`,
		`check.status == "pass"`:                          "a condition reads params, matrix and steps",
		`params.a - check > 1`:                            "a condition reads params, matrix and steps",
		`steps["gpu-check"].a == 1 && check.status == ""`: "a condition reads params, matrix and steps",
	} {
		_, err := Compile(text)
		var e *schema.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", text, err)
		} else if e.Hint != want {
			t.Errorf("%s: %v, hint %q", text, err, e.Hint)
		}
	}
}

func TestParse(t *testing.T) {
	p, doc, err := Parse("p.cue", []byte(`
apiVersion: "eidos.nvidia.com/v1alpha1"
kind:       "Pipeline"
metadata: name: "made"
_deployers: ["helm", "argocd"]
steps: {
	recipe: uses: "resolve"
	for d in _deployers {
		(d): {uses: "render", in: recipe: "recipe", with: deployer: d}
	}
}
`))
	if err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string][]string{
		"p.cue:4:17": {"metadata", "name"},
		"p.cue:7:16": {"steps", "recipe", "uses"},
		"p.cue:9:37": {"steps", "helm", "in", "recipe"},
		"p.cue:9:53": {"steps", "argocd", "with"},
		"p.cue:9:63": {"steps", "argocd", "with", "deployer"},
		"p.cue:2:1":  nil,
	} {
		if got := doc.Pos(path...); got != want {
			t.Errorf("%v is at %s, want %s", path, got, want)
		}
	}
	if len(p.Steps) != 3 || p.Steps["argocd"].With["deployer"] != "argocd" {
		t.Errorf("got %+v", p.Steps)
	}
	for text, want := range map[string]string{
		"a: 1 & 2":          "a: conflicting values 2 and 1 (p.cue:1:8)",
		"kind: string":      "kind: incomplete value string (p.cue:1:7)",
		"a: [":              "expected ']', found 'EOF' (p.cue:1:5)",
		`kind: "Pipelines"`: `kind: must be "Pipeline", not "Pipelines" (p.cue:1:7)`,
		good + "steps: {a: {uses: \"collect\",\n\tneds: []}}":   `steps.a.neds: unknown key "neds" (p.cue:5:2)`,
		good + "steps: {for n in [\"a\"] {(n): {\n\tuses: 1}}}": `steps.a.uses: must be text, not 1 (p.cue:5:8)`,
		`import "strings"`:    "",
		"x: {y: {z: 1}, y: 2": "",
	} {
		_, _, err := Parse("p.cue", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`params.a == 1`)
	f.Add(`steps["x"].y[0]`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Compile(text)
		if (c == nil) == (err == nil) {
			t.Fatal("a condition and an error, or neither")
		}
	})
}

const good = "kind: \"Pipeline\"\napiVersion: \"eidos.nvidia.com/v1alpha1\"\nmetadata: name: \"p\"\n"
