package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/schema"
)

// compileOptions is what pipelines may use beside what Compile brings.
func compileOptions() engine.CompileOptions {
	return engine.CompileOptions{When: expr.Compile, Include: include}
}

// include reads a pipeline that another one names.
func include(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
	name, text, err := readInclude(uri, from)
	if err != nil {
		return nil, nil, err
	}
	return parsePipeline(name, text)
}

// readInclude reads the text of a pipeline that another one names: a path
// relative to the file that asks.
func readInclude(uri, from string) (name string, text []byte, err error) {
	if strings.Contains(uri, "://") {
		return "", nil, schema.Errorf(schema.Invalid, "including %q: only files can be included", uri).WithHint("pull it first and include the file")
	}
	path := uri
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(from), path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, schema.Errorf(schema.NotFound, "including %q: %w", uri, err)
	}
	defer f.Close()
	text, err = readLimited(f, path)
	return path, text, err
}

// parsePipeline reads a pipeline in YAML, JSON or CUE.
func parsePipeline(name string, text []byte) (*schema.Pipeline, *schema.Doc, error) {
	if strings.HasSuffix(name, ".cue") {
		return expr.Parse(name, text)
	}
	doc, err := schema.Parse(name, text)
	if err != nil {
		return nil, nil, err
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, nil, err
	}
	return &p, doc, nil
}
