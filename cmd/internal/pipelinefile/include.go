package pipelinefile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/oci"
)

// readIncluded reads the text of a pipeline that one named from asks for: in a
// registry, or a file.
func (r *Reader) readIncluded(ctx context.Context, s *Source, uri, from string) (name string, text []byte, err error) {
	if !strings.HasPrefix(uri, "oci://") {
		return r.readInclude(uri, from)
	}
	var p *oci.Pipeline
	err = r.Keep(func(blobs engine.Blobs) (err error) {
		p, err = r.pull(ctx, blobs, uri)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	s.Included = append(s.Included, p.Blobs...)
	return uri, p.Text, nil
}

// pull reads a pipeline in a registry by digest: what a tag names today it may
// not name tomorrow. blobs keeps it.
func (r *Reader) pull(ctx context.Context, blobs engine.Blobs, uri string) (*oci.Pipeline, error) {
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
		return r.Registries.PullPipeline(ctx, env, uri, oci.Access{})
	}
	e := schema.Errorf(schema.Invalid, "%q: a tag may name another pipeline tomorrow", uri)
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	ref, err := r.Registries.Resolve(ctx, env, uri, oci.Access{})
	if err != nil { // the hint does without
		return nil, e.WithHint("name its digest: %s@sha256:…", uri)
	}
	return nil, e.WithHint("name its digest; today that is oci://%s", ref.Reference)
}

// readInclude reads the text of a pipeline in a file: a path relative to the
// file that asks.
func (r *Reader) readInclude(uri, from string) (name string, text []byte, err error) {
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
		r.sees(path, nil)
		e := Unreadable(fmt.Sprintf("including %q", uri), path, err)
		if strings.Contains(uri, "@sha256:") {
			e = e.WithHint("write oci://%s", uri)
		}
		return "", nil, e
	}
	defer f.Close()
	if text, err = ReadLimited(f, path); err == nil {
		r.sees(path, text)
	}
	return path, text, err
}
