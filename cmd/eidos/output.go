package main

import (
	"context"
	"fmt"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// say tells a success on stderr, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		a.story.Note(format, args...)
	}
}

// printDocument writes v to stdout in the asked format, or the words that a
// person or a script wants if no format was asked for.
func (a *app) printDocument(v schema.Value, format, words string) error {
	text := []byte(words + "\n")
	var err error
	switch format {
	case "json":
		text, err = schema.EncodeIndent(v)
	case "yaml":
		text, err = schema.EncodeYAML(v)
	}
	if err != nil {
		return err
	}
	if _, err := a.out.Write(text); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// printReference prints a pushed digest, and keeps it in a file if asked to.
func (a *app) printReference(ctx context.Context, r *schema.Reference, format, file string) error {
	if file != "" {
		if err := a.deliver(ctx, []byte(r.Reference+"\n"), file); err != nil {
			return err
		}
	}
	return a.printDocument(r, format, r.Reference)
}

func count(n int, what string) string { return text.Count(n, what) }
