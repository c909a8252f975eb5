package render

import (
	"bytes"
	"context"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
)

// Kind is the kind `render`. manifest returns a file of the shipped catalogue
// by its path there.
func Kind(manifest func(schema.Manifest) ([]byte, error)) engine.Kind {
	type input struct {
		Recipe *schema.RecipeResult `in:"recipe"`
		Charts *schema.BundleLock   `in:"charts,optional"`
	}
	spec := engine.Spec{
		Name:    "render",
		Doc:     "turn a recipe into a bundle of files to deploy",
		Version: 1,
		Parts:   parts,
		Check:   check,
	}
	return engine.Define(spec, func(ctx context.Context, env engine.Env, p schema.RenderParams, in input) (*schema.Bundle, error) {
		t, err := Render(in.Recipe, p, Source{Manifest: manifest, File: reader(env.Dir), Charts: in.Charts})
		if err != nil {
			return nil, err
		}
		return Store(ctx, env.Blobs, t)
	})
}

// check reads what needs no recipe.
func check(params any, _ []string) error {
	p := params.(*schema.RenderParams)
	_, _, err := target(*p)
	_, perr := parsePlacement(*p, schema.Criteria{})
	errs := []error{err, perr}
	for _, list := range []struct {
		param string
		texts []string
	}{{"set", p.Set}, {"setJSON", p.SetJSON}, {"setFile", p.SetFile}} {
		for i, s := range list.texts {
			a, err := parseAssignment(s)
			if err == nil && list.param == "setJSON" {
				_, err = parseJSON(a.value)
				err = in(s, err)
			}
			errs = append(errs, at(list.param, i, err))
		}
	}
	return schema.Join(errs)
}

// Store puts the files of a tree into blobs and returns the document that
// names them.
func Store(ctx context.Context, blobs engine.Blobs, t *Tree) (*schema.Bundle, error) {
	b := &schema.Bundle{Kind: "Bundle", APIVersion: schema.APIVersion, Metadata: t.Metadata}
	for _, p := range t.Paths() {
		f := t.files[p]
		if f.ref != nil {
			if err := content.Copy(ctx, blobs, *f.ref, blobs.Open); err != nil {
				return nil, fmt.Errorf("storing %q: %w", p, err)
			}
			b.Files = append(b.Files, schema.File{Path: p, Digest: f.ref.Digest, Size: f.ref.Size, Executable: f.executable})
			continue
		}
		digest, size, err := blobs.Put(ctx, bytes.NewReader(f.data))
		if err != nil {
			return nil, fmt.Errorf("storing %q: %w", p, err)
		}
		b.Files = append(b.Files, schema.File{Path: p, Digest: digest, Size: size, Executable: f.executable})
	}
	return b, nil
}

// files lists the files that parameters name.
func files(p *schema.RenderParams) []string {
	names := append([]string(nil), p.Values...)
	for _, s := range p.SetFile {
		if a, err := parseAssignment(s); err == nil {
			names = append(names, a.value)
		}
	}
	return names
}

// parts makes the files that parameters name part of the step's key.
func parts(env engine.Env, params any) ([]engine.Part, error) {
	read := reader(env.Dir)
	var out []engine.Part
	var errs []error
	for _, n := range files(params.(*schema.RenderParams)) {
		data, err := read(n)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, engine.Part{Name: "file " + n, Value: string(schema.DigestOf(data))})
	}
	return out, schema.Join(errs)
}

// reader reads the files that parameters name, relative to dir.
func reader(dir string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) { return userfile.ReadIn(dir, name, maxFile) }
}
