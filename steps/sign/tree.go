package sign

import (
	"context"
	"fmt"
	"io/fs"
	"reflect"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
)

// CheckBundle fails, as Unsatisfied, if a bundle is not as it was rendered.
func CheckBundle(ctx context.Context, b *schema.Bundle, blobs engine.Blobs) error {
	_, err := verifyBundle(ctx, b, blobs)
	return err
}

// verifyBundle holds a bundle against its own checksums.txt, both ways: a file
// that is missing, changed or added fails. Without a verdict, the check has no
// name.
func verifyBundle(ctx context.Context, b *schema.Bundle, blobs engine.Blobs) (schema.VerificationCheck, error) {
	tree := render.FS(ctx, b, blobs)
	findings, detail, err := verifyTree(tree, b)
	if err != nil {
		return schema.VerificationCheck{}, err
	}
	check := schema.VerificationCheck{Name: "checksums", Passed: len(findings) == 0}
	if check.Passed {
		check.Detail = detail
		return check, nil
	}
	var words []string
	var errs []error
	for _, f := range findings {
		words = append(words, f.String())
		errs = append(errs, schema.Errorf(schema.Unsatisfied, "file %q is %s", f.Path, f.What).
			WithHint("the bundle is not what was rendered: do not use it"))
	}
	check.Detail = strings.Join(words, "; ")
	return check, schema.Join(errs)
}

// verifyTree returns what differs, and in words what it proves if nothing does.
// What is stated of the bundle beside it, as in a manifest's annotation, is what
// it states itself.
func verifyTree(tree fs.FS, b *schema.Bundle) (findings []render.Finding, detail string, err error) {
	m, merr := render.ReadBundle(tree)
	if merr == nil && m.Origin != "" {
		var left []string
		findings, left, err = render.VerifyUpstream(tree)
		detail = render.Proof(len(b.Files), left)
	} else {
		findings, err = render.VerifyTree(tree)
		detail = fmt.Sprintf("%d files", len(b.Files)-1)
	}
	switch {
	case err != nil || len(findings) > 0:
		return findings, detail, err
	case merr != nil:
		return nil, "", merr
	}
	if !reflect.DeepEqual(m, b.Metadata) {
		name := "bundle.yaml"
		if m.Origin != "" {
			name = "recipe.yaml"
		}
		findings = append(findings, render.Finding{Path: name, What: "not what is stated of the bundle beside it (name, version, recipe, …)"})
	}
	return findings, detail, nil
}
