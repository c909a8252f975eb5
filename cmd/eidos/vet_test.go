package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/NVIDIA/eidos/cmd/internal/console"
	"github.com/NVIDIA/eidos/cmd/internal/pipelinefile"
	"github.com/NVIDIA/eidos/steps"
)

// asReal turns the kinds that the engine is tested with into ours, so that its
// archives of mistakes are those that users make.
var asReal = strings.NewReplacer("uses: echo", "uses: resolve", "uses: upper", "uses: render", "uses: join", "uses: push",
	"in: {text:", "in: {recipe:", "in: {parts:", "in: {bundle:", "with: {text:", "with: {data:")

// A vetted file cannot fail to compile: over all pipelines of the golden
// archives and the documentation, and over each of them with any one of its
// lines or words left out, vet says word for word what compile says; and where both say
// nothing, what compile has written compiles again.
func TestVettedPipelinesCompile(t *testing.T) {
	var texts []string // one pipeline, and the files that it reads
	archives, err := filepath.Glob("../../engine/testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(archives, "../../docs/pipelines.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) == ".txtar" {
			texts = append(texts, asReal.Replace(string(text)))
			continue
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			texts = append(texts, "-- pipeline.yaml --\n"+m[1])
		}
	}
	t.Chdir(t.TempDir())
	good, bad := 0, 0
	for _, text := range texts {
		for _, f := range txtar.Parse([]byte(text)).Files {
			if strings.HasPrefix(f.Name, "out/") {
				continue
			}
			if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := os.ReadFile("pipeline.yaml")
		if err != nil {
			t.Fatal(err)
		}
		sep := "\n"
		if vetAndCompile(t, string(whole)) {
			good++
			sep = " " // there is more to leave out
		}
		parts := strings.SplitAfter(string(whole), sep)
		for i := range parts {
			if vetAndCompile(t, strings.Join(parts[:i], "")+strings.Join(parts[i+1:], "")) {
				good++
			} else {
				bad++
			}
		}
	}
	if good < 40 || bad < 400 {
		t.Errorf("%d compile and %d do not: too few of one of them", good, bad)
	}
}

// missingFile is the error for a file that is not there, with its excerpt.
var missingFile = regexp.MustCompile(`(?m)^eidos: error: .*: no file .*\n(?:  .*\n)*(?:eidos: hint: .*\n)?`)

// vetAndCompile reports whether text compiles.
func vetAndCompile(t *testing.T, text string) bool {
	t.Helper()
	if err := os.WriteFile("pipeline.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string, []byte) {
		var out, errw bytes.Buffer
		a := &app{Console: console.Console{In: strings.NewReader(""), Out: &out, Err: &errw, Env: func(string) (string, bool) { return "", false }}}
		status := a.main(context.Background(), append(args, "pipeline.yaml"))
		return status, errw.String(), out.Bytes()
	}
	vetted, vetErr, _ := run("vet")
	compiled, compileErr, plan := run("compile", "--to", "plan")
	// What is compiled here reads its files somewhere else: only vet misses them. What
	// it includes, both miss.
	if rest := missingFile.ReplaceAllString(vetErr, ""); rest != vetErr {
		vetErr, compileErr, vetted = rest, missingFile.ReplaceAllString(compileErr, ""), 0
		if strings.Contains(vetErr, "error: ") {
			vetted = compiled // the status is that of the first error, which may be one of those
		} else if compiled != 0 && compileErr == "" {
			return false
		}
	}
	if vetted != compiled || vetted != 0 && vetErr != compileErr {
		t.Errorf("vet ends with %d: %s\ncompile with %d: %s\n%s", vetted, vetErr, compiled, compileErr, text)
		return false
	}
	if vetted != 0 {
		if !strings.Contains(vetErr, "error: ") {
			t.Errorf("vet says only %q of\n%s", vetErr, text)
		}
		return false
	}
	d, err := pipelinefile.ReadWritten("plan", plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Compile(steps.All(steps.Needs{})); err != nil {
		t.Errorf("what was vetted and written does not compile: %v\n%s", err, text)
	}
	return true
}
