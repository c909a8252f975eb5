package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/expr"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/oci"
)

// compileOptions is what pipelines may use beside what Compile brings.
func (a *app) compileOptions() plan.Options {
	return plan.Options{When: expr.Compile, Include: a.include}
}

// including reads the pipelines that others name, in registries too.
func (a *app) including(ctx context.Context, w *wired) func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
	return func(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
		name, text, err := a.readIncluded(ctx, w, uri, from)
		if err != nil {
			return nil, nil, err
		}
		return parsePipeline(name, text)
	}
}

// readIncluded reads the text of a pipeline that another one names.
func (a *app) readIncluded(ctx context.Context, w *wired, uri, from string) (name string, text []byte, err error) {
	if !strings.HasPrefix(uri, "oci://") {
		return a.readInclude(uri, from)
	}
	var p *oci.Pipeline
	pull := func(s engine.Blobs) (err error) {
		p, err = pulled(ctx, w.registries, s, uri)
		return err
	}
	err = a.withStore(func(s *store.Directory) error { return pull(s) })
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		// A plan does without: it reads what is kept, and keeps nothing.
		err = a.readStore(func(s *store.Directory) error {
			scratch := &store.Scratch{Store: s}
			return errors.Join(pull(scratch), scratch.Close())
		})
	}
	if err != nil {
		return "", nil, err
	}
	a.included = append(a.included, p.Blobs...)
	return uri, p.Text, nil
}

// pulled reads a pipeline in a registry by digest: what a tag names today it may
// not name tomorrow. blobs keeps it.
func pulled(ctx context.Context, registries oci.Options, blobs engine.Blobs, uri string) (*oci.Pipeline, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	l, err := oci.ParseLocation(uri)
	if err != nil {
		return nil, err
	}
	env := engine.Env{Blobs: blobs, Dir: wd}
	if l.Digest != "" {
		return registries.PullPipeline(ctx, env, uri, oci.Access{})
	}
	e := schema.Errorf(schema.Invalid, "%q: a tag may name another pipeline tomorrow", uri)
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	ref, err := registries.Resolve(ctx, env, uri, oci.Access{})
	if err != nil { // the hint does without
		return nil, e.WithHint("name its digest: %s@sha256:…", uri)
	}
	return nil, e.WithHint("name its digest; today that is oci://%s", ref.Reference)
}

// include reads a pipeline that another one names, a file.
func (a *app) include(uri, from string) (*schema.Pipeline, *schema.Doc, error) {
	name, text, err := a.readInclude(uri, from)
	if err != nil {
		return nil, nil, err
	}
	return parsePipeline(name, text)
}

// readInclude reads the text of a pipeline that another one names: a path
// relative to the file that asks.
func (a *app) readInclude(uri, from string) (name string, text []byte, err error) {
	if strings.Contains(uri, "://") {
		return "", nil, schema.Errorf(schema.Invalid, "including %q: only files and oci:// can be included", uri).WithHint("pull it first and include the file")
	}
	if strings.HasPrefix(from, "oci://") {
		return "", nil, schema.Errorf(schema.Invalid, "including %q: a pipeline in a registry has no files beside it", uri).
			WithHint("push that one too and include it as oci://…@sha256:…")
	}
	path := uri
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(from), path)
	}
	f, err := userfile.Open(path)
	if err != nil {
		a.sees(path, nil)
		e := unreadable(fmt.Sprintf("including %q", uri), err)
		if strings.Contains(uri, "@sha256:") {
			e = e.WithHint("write oci://%s", uri)
		}
		return "", nil, e
	}
	defer f.Close()
	if text, err = readLimited(f, path); err == nil {
		a.sees(path, text)
	}
	return path, text, err
}

// parsePipeline reads a pipeline in YAML, JSON or CUE.
func parsePipeline(name string, text []byte) (*schema.Pipeline, *schema.Doc, error) {
	return parseFor(name, text, nil)
}

// parseFor is parsePipeline for one that will be compiled with kinds: a long one
// is refused before it is decoded if that would be in vain.
func parseFor(name string, text []byte, kinds []engine.Kind) (*schema.Pipeline, *schema.Doc, error) {
	if strings.HasSuffix(name, ".cue") {
		return expr.Parse(name, text)
	}
	doc, err := schema.Parse(name, text)
	if err != nil {
		return nil, nil, err
	}
	if len(text) > longPipeline && kinds != nil {
		if err := plan.Flooded(doc, kinds); err != nil {
			return nil, nil, err
		}
	}
	var p schema.Pipeline
	if err := doc.Decode(&p); err != nil {
		return nil, nil, err
	}
	return &p, doc, nil
}
