package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/run"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// bounded are kinds with parameters of this program, which say what they name;
// they do nothing with them.
func bounded() []engine.Kind {
	return append(newWorld().kinds(),
		engine.Define(engine.Spec{Name: "render", Version: 1}, func(context.Context, engine.Env, schema.RenderParams, struct{}) (*Text, error) {
			return &Text{Text: "rendered"}, nil
		}),
		engine.Define(engine.Spec{Name: "sign", Version: 1}, func(context.Context, engine.Env, schema.SignParams, struct{}) (*Text, error) {
			return &Text{Text: "signed"}, nil
		}),
		engine.Define(engine.Spec{Name: "push", Version: 1}, func(context.Context, engine.Env, schema.PushParams, struct{}) (*Text, error) {
			return &Text{Text: "pushed"}, nil
		}))
}

const mainOf = `apiVersion: eidos.nvidia.com/v1alpha1
kind: Pipeline
metadata: {name: main}
secrets: {token: {env: TOKEN}}
steps:
  lib: {include: "oci://example.com/lib@sha256:1", ALLOW}
`

const libOf = `apiVersion: eidos.nvidia.com/v1alpha1
kind: Pipeline
metadata: {name: lib}
steps:
  from: {uses: echo, with: {text: ../late, list: [a]}}
  x: STEP
`

// compileBounded compiles main.yaml, which includes the others by address.
func compileBounded(t *testing.T, top string, texts map[string]string) (*plan.Plan, error) {
	p, doc, err := parse(t, top, texts[top])
	if err != nil {
		t.Fatal(err)
	}
	return plan.Compile(p, doc, bounded(), plan.Options{Include: func(uri, _ string) (*schema.Pipeline, *schema.Doc, error) {
		return parse(t, uri, texts[uri])
	}})
}

// What a remote pipeline does is refused unless it is allowed by name,
// when compiling if it is known then, else before it is done. {L} is a
// directory of the run with links: out leads out, in stays in, gone to nothing.
func TestPipelinesFromElsewhereAreBounded(t *testing.T) {
	for _, c := range []struct {
		step, allow, want string // want is part of the error; "" is none
	}{
		// Saving.
		{`{uses: echo, out: dist/x}`, "", ""},
		{`{uses: echo, out: ./a/../x}`, "", ""},
		{`{uses: echo, out: file://x}`, "", ""},
		{`{uses: echo, out: "-"}`, "", ""},
		{`{uses: echo, out: ../x}`, "", `may not save to "../x"`},
		{`{uses: echo, out: a/../../x}`, "", `may not save to "a/../../x"`},
		{`{uses: echo, out: file://../x}`, "", `may not save`},
		{`{uses: echo, out: FILE:///etc/x}`, "", `may not save`},
		{`{uses: echo, out: /etc/x}`, "", `may not save to "/etc/x"`},
		{`{uses: echo, out: .}`, "", `may not save to "."`},
		{`{uses: echo, out: "cm://a/b"}`, "", `may not save to "cm://a/b"`},
		{`{uses: echo, out: "oci-layout:../x:v1"}`, "", `may not save`},
		{`{uses: echo, out: ../x}`, `write: [../x]`, ""},
		{`{uses: echo, out: ../x/y}`, `write: [../x]`, ""},
		{`{uses: echo, out: ../xy}`, `write: [../x]`, `may not save`},
		{`{uses: echo, out: ../x/../y}`, `write: [../x]`, `may not save`},
		{`{uses: echo, out: "${steps.from.text}"}`, "", `may not save to "../late"`},
		{`{uses: echo, out: "${steps.from.text}"}`, `write: [../late]`, ""},
		{`{uses: echo, out: out/x}`, "", `may not save to "out/x", which is a link that leads there`},
		{`{uses: echo, out: in/x}`, "", ""},
		{`{uses: echo, out: gone}`, "", `which is a link that leads there`},
		{`{uses: push, with: {to: "oci-layout:..:v1"}}`, "", `may not save to ".."`},
		{`{uses: push, with: {to: "oci-layout:dist:v1"}}`, "", ""},
		{`{uses: push, with: {to: "example.com/a:v1"}}`, "", ""},
		// Reading.
		{`{uses: upper, in: {text: ./x}}`, "", `may not read "./x"`},
		{`{uses: upper, in: {text: file:///x}}`, "", `may not read "file:///x"`},
		{`{uses: upper, in: {text: "x@sha256:1"}}`, "", `may not read`},
		{`{uses: upper, in: {text: "oci://oci-layout:x@sha256:1"}}`, "", `may not read`},
		{`{uses: upper, in: {text: "-"}}`, "", `may not read "-"`},
		{`{uses: upper, in: {text: ./x}}`, `read: [x]`, ""},
		{`{uses: upper, in: {text: out/secret}}`, `read: [.]`, `which is a link`},
		{`{uses: upper, in: {text: out/secret}}`, `read: [out]`, ""},
		{`{uses: upper, matrix: {f: [x, y]}, in: {text: "./${matrix.f}"}}`, `read: [x]`, `may not read "./y"`},
		{`{uses: render, with: {values: [x, y]}}`, `read: [x]`, `may not read "y"`},
		{`{uses: render, with: {setFile: ["a:b=/etc/passwd"]}}`, "", `may not read "/etc/passwd"`},
		{`{uses: render, with: {setFile: ["a:b=${steps.from.text}"]}}`, "", `may not read "../late"`},
		{`{uses: render, with: {values: ["out/${steps.from.text}"]}}`, "read: [out]", `may not read "out/../late"`},
		{`{uses: render, matrix: {f: "${steps.from.list}"}, with: {values: ["${matrix.f}"]}}`, "", `may not read "a"`},
		{`{uses: render, with: {set: ["a:b=/etc/passwd"]}}`, "", ""},
		{`{uses: sign}`, "", `may not read what it does not name`},
		{`{uses: sign, with: {key: x, generateKey: true}}`, "read: [x]", `may not save to what it does not name`},
		{`{uses: sign, with: {key: x}}`, "read: [x]", ""},
		{`{uses: echo, files: [x]}`, "", `may not read "x"`},
		{`{uses: echo, files: [x]}`, "read: [x]", ""},
		{`{uses: echo, files: [out/secret]}`, "read: [.]", `which is a link`},
		{`{uses: echo, env: [HOME]}`, "", `may not read the variable "HOME"`},
		{`{uses: echo, env: [HOME]}`, "env: [HOME]", ""},
		{`{uses: echo, secrets: [token]}`, "", `may not read the secret "token"`},
		{`{uses: echo, secrets: [token]}`, "secrets: [token]", ""},
		{`{uses: echo}`, "secrets: [tokn]", `no secret "tokn"`},
		// In pipelines that it includes itself.
		{`{include: "oci://example.com/inner@sha256:2"}`, "", `may not read "x"`},
		{`{include: "oci://example.com/inner@sha256:2", allow: {read: [x]}}`, "", `may not read "x"`},
		{`{include: "oci://example.com/inner@sha256:2"}`, "read: [x]", `may not read "x"`},
		{`{include: "oci://example.com/inner@sha256:2", allow: {read: [x]}}`, "read: [x]", ""},
	} {
		allow := ""
		if c.allow != "" {
			allow = "allow: {" + c.allow + "}"
		}
		texts := map[string]string{
			"main.yaml":                        strings.Replace(mainOf, ", ALLOW", ", "+allow, 1),
			"oci://example.com/lib@sha256:1":   strings.Replace(libOf, "STEP", c.step, 1),
			"oci://example.com/inner@sha256:2": strings.Replace(libOf, "STEP", "{uses: echo, files: [x]}", 1),
		}
		outside := dirWith(t, "secret", "s")
		dir := dirWith(t, "x", "x")
		for name, to := range map[string]string{"out": outside, "in": ".", "gone": "/nonexistent/x"} {
			if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		plan, err := compileBounded(t, "main.yaml", texts)
		if err == nil {
			r := &run.Runner{Store: store.NewMemory(), Dir: dir, LookupEnv: func(string) (string, bool) { return "token-value", true },
				Load: func(context.Context, engine.Env, string, string) (schema.Value, error) { return &Text{Text: "x"}, nil },
				Save: func(context.Context, engine.Env, schema.Value, string) error { return nil }}
			_, err = r.Run(context.Background(), plan)
			if _, perr := r.Explain(context.Background(), plan); err == nil && perr != nil {
				t.Errorf("%s, allow %s: runs, and its plan is %v", c.step, c.allow, perr)
			}
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s, allow %s: %v", c.step, c.allow, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s, allow %s: got %v, want %s", c.step, c.allow, err, c.want)
		case c.want != "" && !strings.Contains(err.Error(), ":6:") && !strings.Contains(err.Error(), ".yaml:6:"):
			t.Errorf("%s, allow %s: %v does not say where", c.step, c.allow, err)
		}
		if c.want == "" || strings.Contains(c.want, "no secret") {
			continue
		}
		// The same words in a file may do it: what fails then fails otherwise.
		texts["main.yaml"] = strings.ReplaceAll(strings.ReplaceAll(texts["oci://example.com/lib@sha256:1"], "allow:", "x-allow:"), "metadata:", "secrets: {token: {env: TOKEN}}\nmetadata:")
		if strings.Contains(c.step, "include") {
			continue
		}
		if _, err := compileBounded(t, "main.yaml", texts); err != nil {
			t.Errorf("%s in a file: %v", c.step, err)
		}
	}
}

// A pipeline from elsewhere that is run by itself has nobody to allow it more.
func TestPipelineFromElsewhereAtTheTop(t *testing.T) {
	top := "https://example.com/p.yaml"
	for text, want := range map[string]string{
		strings.Replace(libOf, "STEP", "{uses: echo, out: ../x}", 1): `may not save to "../x" (https://example.com/p.yaml:6:`,
		strings.Replace(strings.Replace(libOf, "STEP", "{uses: echo, secrets: [token]}", 1), "metadata:", "secrets: {token: {file: /etc/shadow}}\nmetadata:", 1): `may not read the secret "token" (https://example.com/p.yaml:3:`,
	} {
		_, err := compileBounded(t, top, map[string]string{top: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		for _, e := range schema.List(err) {
			if se := e.(*schema.Error); se.Hint != "save the pipeline to a file, read it, and run the file" || se.Code != schema.Unauthorized {
				t.Errorf("%v: hint %q, code %s", e, se.Hint, se.Code)
			}
		}
	}
}

// Allow means something only where a remote pipeline is included.
func TestAllowWithoutEffect(t *testing.T) {
	for step, want := range map[string]string{
		`{uses: echo, allow: {read: [x]}}`:          "allow goes with include only",
		`{include: ./lib.yaml, allow: {read: [x]}}`: "allow is for a remote pipeline",
	} {
		_, err := compileBounded(t, "main.yaml", map[string]string{
			"main.yaml": strings.Replace(libOf, "STEP", step, 1), "./lib.yaml": strings.Replace(libOf, "STEP", "{uses: echo}", 1),
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", step, err, want)
		}
	}
}
