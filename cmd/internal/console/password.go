package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/userfile"
	"github.com/NVIDIA/eidos/steps/sign"
)

// Password reads the password of a key from standard input: all of it, or, at a
// terminal, a line that is typed, which is not echoed. Only the terminal is interrupted
// by ctx; a pipe is read to its end.
func (c *Console) Password(ctx context.Context, key string) ([]byte, error) {
	f, ok := c.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return sign.ReadPassword(c.In)
	}
	return c.typed(ctx, f, fmt.Sprintf("password of %s: ", key))
}

// NewPassword returns the password for a new key: the content of file; with "-",
// standard input, where at a terminal it is typed twice, since a typing error would make
// the key useless; with "", COSIGN_PASSWORD, as cosign does, which may be empty.
func (c *Console) NewPassword(ctx context.Context, key, file string) ([]byte, error) {
	switch file {
	case "":
		s, _ := c.Env("COSIGN_PASSWORD")
		return []byte(s), nil
	case "-":
	default:
		f, err := userfile.OpenDocument(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, schema.Errorf(schema.NotFound, "--password-file: no file %q", file)
		}
		if err != nil {
			return nil, schema.Errorf(schema.CodeOf(err), "reading the password file: %w", err)
		}
		defer f.Close()
		password, err := sign.ReadPassword(f)
		if err != nil {
			return nil, schema.Errorf(schema.CodeOf(err), "%q: %w", file, err)
		}
		return notEmpty(password, strconv.Quote(file))
	}
	first, err := c.Password(ctx, key)
	if err != nil {
		return nil, err
	}
	f, ok := c.In.(*os.File)
	switch {
	case !ok || !term.IsTerminal(int(f.Fd())):
		return notEmpty(first, "standard input")
	default:
		again, err := c.typed(ctx, f, "the same again: ")
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(first, again) {
			return nil, schema.Errorf(schema.Invalid, "the two passwords differ")
		}
	}
	return first, nil
}

// notEmpty refuses an empty password from a file or a pipe: the program that should have
// written it most likely failed, and the key would be usable by whoever can read it. An
// empty line typed at a terminal is a decision, and is not checked.
func notEmpty(password []byte, from string) ([]byte, error) {
	if len(password) == 0 {
		return nil, schema.Errorf(schema.Invalid, "there is no password in %s", from).
			WithHint("without --password-file, the key is made without a password")
	}
	return password, nil
}

// typed reads a line from a terminal without echoing it. Echo is on again when it
// returns, also when ctx ends first: Ctrl-C must not leave the user's shell without it.
// In that case the goroutine stays blocked in its read, which no context can interrupt,
// until a line is typed or the process ends.
func (c *Console) typed(ctx context.Context, f *os.File, prompt string) ([]byte, error) {
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return nil, schema.Errorf(schema.Failed, "reading a password: %w", err)
	}
	fmt.Fprint(c.Err, prompt)
	defer fmt.Fprintln(c.Err)
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

// Attended reports whether somebody at a terminal can read a prompt and answer it: In
// and Err are both terminals. Out may be a file; no prompt goes there.
func (c *Console) Attended() bool {
	for _, stream := range []any{c.In, c.Err} {
		f, ok := stream.(*os.File)
		if !ok || f == nil || !term.IsTerminal(int(f.Fd())) {
			return false
		}
	}
	return true
}
