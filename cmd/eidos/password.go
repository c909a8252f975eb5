package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/sign"
)

// password reads the password of a key from standard input: all of it, or, at a
// terminal, what somebody types, which is not shown.
func (a *app) password(ctx context.Context, key string) ([]byte, error) {
	f, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return sign.ReadPassword(a.In)
	}
	return a.typed(ctx, f, fmt.Sprintf("password of %s: ", key))
}

// newPassword is the password that a key is made with: of the file, or of standard
// input if that is -, where it is typed twice; else COSIGN_PASSWORD.
func (a *app) newPassword(ctx context.Context, key, file string) ([]byte, error) {
	switch file {
	case "":
		s, _ := a.Env("COSIGN_PASSWORD")
		return []byte(s), nil
	case "-":
	default:
		f, err := userfile.OpenDocument(file)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "reading the password file: %w", err)
		}
		defer f.Close()
		return sign.ReadPassword(f)
	}
	first, err := a.password(ctx, key)
	if err != nil {
		return nil, err
	}
	if f, ok := a.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		again, err := a.typed(ctx, f, "the same again: ")
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(first, again) {
			return nil, schema.Errorf(schema.Invalid, "the two passwords differ")
		}
	}
	return first, nil
}

// typed reads a line from a terminal without showing it. The terminal shows again
// what is typed when it returns, also when ctx ends first.
func (a *app) typed(ctx context.Context, f *os.File, prompt string) ([]byte, error) {
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "reading a password: %w", err)
	}
	fmt.Fprint(a.Err, prompt)
	defer fmt.Fprintln(a.Err)
	type line struct {
		text []byte
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(int(f.Fd()))
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		if l.err != nil {
			return nil, schema.Errorf(schema.Invalid, "reading a password: %w", l.err)
		}
		return l.text, nil
	case <-ctx.Done():
		return nil, schema.Join([]error{ctx.Err(), term.Restore(int(f.Fd()), before)})
	}
}
