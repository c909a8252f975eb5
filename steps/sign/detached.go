package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/internal/replace"
)

// SignaturesPath is where the signatures of a directory or file lie if nobody says
// otherwise: beside it, since a bundle lists all files that are in it.
func SignaturesPath(path string) string { return filepath.Clean(path) + ".sigstore.json" }

// readDetached returns the Sigstore bundles in a file, one a line. A file that
// holds a single one may break it over lines, as other tools do. NotFound if there
// is no such file.
func readDetached(path string) ([][]byte, error) {
	data, err := userfile.Read(path, maxEnvelope)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.NotFound, "no signatures %q", path).WithHint("eidos sign writes them")
	}
	if err != nil {
		return nil, schema.Errorf(schema.CodeOf(err), "reading the signatures: %w", err)
	}
	if json.Valid(data) {
		return [][]byte{bytes.TrimSpace(data)}, nil
	}
	var out [][]byte
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, line)
		}
	}
	if len(out) > maxAttached {
		return nil, schema.Errorf(schema.Invalid, "%q has %d signatures and attestations; at most %d are read", path, len(out), maxAttached)
	}
	return out, nil
}

// writeDetached adds a signature, if asked to, and what more returns to the file
// with the signatures of an artefact, and notes in out what they are. What is
// there already is not written again.
func writeDetached(path string, s *signer, a *artefact, signature bool, more func(*artefact) (*stated, error), out *schema.Signature) error {
	lines, err := readDetached(path)
	if err != nil && schema.CodeOf(err) != schema.NotFound {
		return err
	}
	var add []stated
	if signature {
		st, err := signatureStatement(a.subjects)
		if err != nil {
			return err
		}
		add = append(add, stated{signaturePredicate, st})
	}
	st, err := more(a)
	if err != nil {
		return err
	}
	if st != nil {
		add = append(add, *st)
		out.Attestations = []string{st.predicate}
	}
	for i, st := range add {
		line, err := seal(s, st.text)
		if err != nil {
			return err
		}
		if i == 0 {
			out.Signature = schema.DigestOf(line)
		}
		if !slices.ContainsFunc(lines, func(l []byte) bool { return bytes.Equal(l, line) }) {
			lines = append(lines, line)
		}
	}
	return replace.File(path, 0o666, func(w io.Writer) error {
		for _, l := range lines {
			var flat bytes.Buffer // a line is a line
			if err := json.Compact(&flat, l); err != nil {
				return schema.Errorf(schema.Invalid, "%q holds something else than signatures: %w", path, err)
			}
			if _, err := fmt.Fprintf(w, "%s\n", flat.Bytes()); err != nil {
				return err
			}
		}
		return nil
	})
}

// detachedClaims checks the signatures of an artefact that lie in a file.
func detachedClaims(ctx context.Context, t *trust, path string, a *artefact) ([]claim, error) {
	lines, err := readDetached(path)
	if err != nil {
		return nil, err
	}
	var out []claim
	for i, l := range lines {
		c := claim{where: fmt.Sprintf("%s:%d", path, i+1)}
		st, by, err := t.open(ctx, l)
		c.settle(st, by, err, a.subjects)
		out = append(out, c)
	}
	return out, ctx.Err()
}
