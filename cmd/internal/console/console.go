// Package console is what a command talks to: its input, where results and words
// go, how wide that is, and how much the user wants to hear. Results go to Out and
// nothing else does; words, progress and errors go to Err.
package console

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/cmd/internal/story"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// Console is the streams of one command and the flags about what is said.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) (string, bool)

	// Story writes words for people to Err.
	Story *story.Story

	Debug, LogJSON, Quiet bool
	Progress              string // auto, tty, plain, json
}

// Printed is an error that was printed already: it only decides the exit status.
type Printed struct{ Err error }

func (p Printed) Error() string { return p.Err.Error() }

func (p Printed) Unwrap() error { return p.Err }

// Tell sets how the story is written from here on.
func (c *Console) Tell(mode story.Mode) {
	c.Story = story.New(c.Err, mode, mode == story.Words && c.Terminal())
	c.Story.Columns = func() int {
		columns, _ := c.Size(c.Err)
		return columns
	}
}

// Begin applies the flags.
func (c *Console) Begin() error {
	switch {
	case c.LogJSON:
		c.Tell(story.JSON)
	case c.Debug:
		c.Tell(story.Debug)
		c.Progress = "plain"
	}
	if c.Quiet {
		c.Story.Quiet()
	}
	return c.checkProgress()
}

// Terminal says whether Err is a terminal that may be coloured.
func (c *Console) Terminal() bool {
	f, ok := c.Err.(*os.File)
	if !ok {
		return false
	}
	if v, set := c.Env("NO_COLOR"); set && v != "" {
		return false
	}
	if v, _ := c.Env("TERM"); v == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Size is columns and rows of the terminal that w is, else $COLUMNS; zeros for
// no limit.
func (c *Console) Size(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil {
			return columns, rows
		}
	}
	if v, ok := c.Env("COLUMNS"); ok {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			return n, 0
		}
	}
	return 0, 0
}

// Width is the columns of Out, 0 for no limit.
func (c *Console) Width() int {
	columns, _ := c.Size(c.Out)
	return columns
}

// Say reports a success on Err, unless the user wants quiet.
func (c *Console) Say(format string, args ...any) {
	if !c.Quiet {
		c.Story.Note(format, args...)
	}
}

// Table prints rows, the first of which is the header.
func (c *Console) Table(rows [][]string) error { return c.print(text.Table(rows, c.Width())) }

// Pairs prints names and what they are.
func (c *Console) Pairs(rows [][]string) error { return c.print(text.Pairs(rows, c.Width())) }

// Line prints one line.
func (c *Console) Line(line string) error { return c.print(line + "\n") }

// JSON prints a value as JSON.
func (c *Console) JSON(v any) error {
	data, err := schema.EncodeIndent(v)
	if err != nil {
		return err
	}
	return c.print(string(data))
}

// Document prints v in the format that was asked for, json or yaml, else the words
// that a person or a script wants.
func (c *Console) Document(v schema.Value, format, words string) error {
	data := []byte(words + "\n")
	var err error
	switch format {
	case "json":
		data, err = schema.EncodeIndent(v)
	case "yaml":
		data, err = schema.EncodeYAML(v)
	}
	if err != nil {
		return err
	}
	return c.print(string(data))
}

func (c *Console) print(s string) error {
	if _, err := io.WriteString(c.Out, s); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
