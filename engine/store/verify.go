package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/schema"
)

// Verify reads every blob, every line of the logs and every journal, and
// returns what is wrong with them. Damaged blobs are removed, so that the next
// run makes them anew.
func (s *Directory) Verify(ctx context.Context) ([]error, error) {
	var wrong []error
	check := func(d schema.Digest) {
		if err := content.Verify(ctx, s, d); err != nil {
			wrong = append(wrong, err)
		}
	}
	err := s.eachBlob(func(d schema.Digest, _ string, _ int64) error {
		check(d)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, d := range s.docs.digests() {
		check(d)
	}
	for _, l := range []*lineFile{&s.docs.lineFile, &s.keys.lineFile} {
		if n, first := l.damaged(); n > 0 {
			wrong = append(wrong, damagedLines(l.path, n, first, "the next run makes anew what is missing; eidos cache gc removes damaged lines"))
		}
	}
	journals, err := s.verifyJournals()
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, journals...)
	for _, at := range slices.Sorted(maps.Keys(s.keys.live())) {
		e, err := s.keys.entryAt(at)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, b := range e.Content() {
			if !s.Has(ctx, b.Digest, b.Size) {
				wrong = append(wrong, schema.Errorf(schema.NotFound, "the result of %s lacks %s", e.Step, b.Digest).WithHint("the next run makes it anew"))
			}
		}
	}
	return wrong, ctx.Err()
}

// verifyJournals finds lines of journals that are not JSON in UTF-8. A torn line, and
// the last one of a run that is going on, are not damage.
func (s *Directory) verifyJournals() (wrong []error, err error) {
	runs, err := s.RunIDs()
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		path := filepath.Join(s.dir, "runs", run, "events.jsonl")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, storeError("reading", path, err)
		}
		n, first, number := 0, 0, 0
		for line := range bytes.Lines(data) {
			number++
			whole := bytes.HasSuffix(line, []byte("\n")) && !bytes.HasSuffix(line, []byte(torn))
			if whole && !(json.Valid(line) && utf8.Valid(line)) {
				if n++; n == 1 {
					first = number
				}
			}
		}
		if n > 0 {
			wrong = append(wrong, damagedLines(path, n, first, "eidos runs rm "+run+" removes what is known of this run"))
		}
	}
	return wrong, nil
}

func damagedLines(path string, n, first int, hint string) error {
	e := schema.Errorf(schema.Failed, "line %d of %q is damaged", first, path)
	if n > 1 {
		e = schema.Errorf(schema.Failed, "%d lines of %q are damaged, the first is line %d", n, path, first)
	}
	return e.WithHint("%s", hint)
}
