package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// source finds the pipeline's text: a file, one that eidos brings, one in a
// registry or at a URL, or the default. Paths in it are relative to dir: the
// file's, or the current one.
func (a *app) source(ctx context.Context, w *wired, args []string) (name string, text []byte, dir string, err error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", nil, "", fmt.Errorf("finding the working directory: %w", err)
	}
	if len(args) == 0 {
		if _, err := os.Stat(pipelineFile); err == nil {
			args = []string{pipelineFile}
		} else {
			a.story.Note("no ./%s here: running the pipeline %q that eidos brings (eidos run --write gives you a copy)", pipelineFile, "eidos")
			args = []string{"eidos"}
		}
	}
	name = args[0]
	if name == "-" {
		text, err = readLimited(a.in, "<stdin>")
		return "<stdin>", text, wd, err
	}
	if strings.Contains(name, "://") {
		name, text, err = a.remoteSource(ctx, w, name)
		a.pipelineFile = name
		return name, text, wd, err
	}
	if !strings.ContainsAny(name, "./\\") {
		a.pipelineFile = name
		text, err := pipelines.Read(name)
		return name + ".pipeline.yaml", text, wd, err
	}
	file, err := userfile.OpenDocument(name)
	if err != nil {
		a.sees(name, nil)
		e := unreadable("reading the pipeline", err)
		if e.Code == schema.NotFound {
			e = e.WithHint("eidos run --write writes one to start from")
		}
		return "", nil, "", e
	}
	defer file.Close()
	text, err = readLimited(file, name)
	if err != nil {
		return "", nil, "", err
	}
	a.sees(name, text)
	dir, err = filepath.Abs(filepath.Dir(name))
	a.pipelineFile = filepath.Join(dir, filepath.Base(name))
	return name, text, dir, err
}

// remoteSource reads the text of a pipeline that is not a file of this machine.
// What it may do here is bounded by the engine, which goes by its name.
func (a *app) remoteSource(ctx context.Context, w *wired, uri string) (name string, text []byte, err error) {
	scheme, _, _ := strings.Cut(uri, "://")
	switch strings.ToLower(scheme) {
	case "oci":
		return a.readIncluded(ctx, w, uri, "")
	case "http", "https":
		if strings.HasSuffix(uri, ".cue") {
			return "", nil, schema.Errorf(schema.Invalid, "running %q: a pipeline from a server is YAML or JSON, not CUE", uri).WithHint("save it to a file, read it, and run the file")
		}
		return w.fetch(ctx, uri)
	}
	return "", nil, schema.Errorf(schema.Invalid, "running %q: a pipeline is a file, oci://…@sha256:…, https:// or http://", uri)
}

// compile reads and compiles the pipeline of args.
func (a *app) compile(ctx context.Context, args []string, f *runFlags, w *wired) (p *plan.Plan, dir string, err error) {
	name, text, dir, err := a.source(ctx, w, args)
	if err != nil {
		return nil, "", err
	}
	if len(text) > longPipeline {
		debug.SetGCPercent(gcLong)
	}
	a.pipelineName, a.pipeline = name, text
	opts, err := a.options(f)
	if err != nil {
		return nil, "", err
	}
	if f.present {
		opts.Dir = dir
	}
	p, err = a.compileText(ctx, name, text, opts, w)
	return p, dir, err
}

func (a *app) compileText(ctx context.Context, name string, text []byte, opts plan.Options, w *wired) (*plan.Plan, error) {
	p, doc, err := parseFor(name, text, w.kinds)
	if err != nil {
		return nil, err
	}
	if a.pipelineFile != "" && !strings.ContainsAny(a.pipelineFile, "./\\") {
		doc = doc.Unplaced() // one that eidos brings: nobody has its text
	}
	opts.Include = a.including(ctx, w)
	return plan.Compile(p, doc, w.kinds, opts)
}

// options turns --param and --params-file into what Compile takes.
func (a *app) options(f *runFlags) (plan.Options, error) {
	opts := a.compileOptions()
	opts.Params = map[string]string{}
	for _, p := range f.params {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return opts, schema.Errorf(schema.Invalid, "--param %q: want NAME=VALUE", p)
		}
		if _, twice := opts.Params[k]; twice {
			return opts, schema.Errorf(schema.Invalid, "--param %s: given twice", k)
		}
		opts.Params[k] = v
	}
	if f.paramsFile != "" {
		r, err := userfile.OpenDocument(f.paramsFile)
		if err != nil {
			a.sees(f.paramsFile, nil)
			return opts, unreadable("reading --params-file", err)
		}
		defer r.Close()
		data, err := readLimited(r, f.paramsFile)
		a.sees(f.paramsFile, data)
		if err != nil {
			return opts, err
		}
		doc, err := schema.Parse(f.paramsFile, data)
		if err != nil {
			return opts, err
		}
		m, ok := doc.Exact().(map[string]any)
		if !ok {
			return opts, schema.Errorf(schema.Invalid, "--params-file: %q does not hold a mapping of parameters", f.paramsFile)
		}
		opts.Values = m
	}
	return opts, nil
}
