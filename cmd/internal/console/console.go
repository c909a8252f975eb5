// Package console holds the streams of a command: its input, where results and messages
// go, how wide that is, and how much the user wants to see. Results go to Out and
// nothing else does; messages, progress and errors go to Err, so that a pipe or a file
// gets the result alone.
//
// A failed write of a result, to a full disk for example, is the command's error. Failed
// writes of messages are ignored, for a command does not depend on who watches it.
// cmd/internal/story writes the messages, cmd/internal/progress the display of runs.
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

// Console holds the streams of one command and the flags about what is printed. The
// fields are set before the command runs and not changed after Begin; from then on Story
// may be used from any goroutine.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) (string, bool)

	// Story writes words for people to Err.
	Story *story.Story

	Debug, LogJSON, Quiet bool
	Progress              string // auto, tty, plain, json
}

// Printed is an error that was reported already, in a result or a summary: it only
// decides the exit status. cmd/eidos prints every other error, once.
type Printed struct{ Err error }

func (p Printed) Error() string { return p.Err.Error() }

func (p Printed) Unwrap() error { return p.Err }

// Tell sets the form of the log from here on. It replaces Story, so that it must run
// before anything keeps a reference to that. Colour is for words on a terminal only. The
// width is asked for each message, so that it follows a terminal that is resized.
func (c *Console) Tell(mode story.Mode) {
	c.Story = story.New(c.Err, mode, mode == story.Words && c.Terminal())
	c.Story.Columns = func() int {
		columns, _ := c.Size(c.Err)
		return columns
	}
}

// Begin applies the flags; cobra calls it after parsing and before the command.
// --debug implies --progress plain: a live display would overwrite the lines of the log.
// The error is about --progress.
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

// Terminal reports whether Err is a terminal that may be coloured. See
// https://no-color.org: an empty NO_COLOR does not count.
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

// Size returns columns and rows of the terminal that w is, else $COLUMNS and no rows;
// zeros mean no limit.
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

// Say reports a success on Err, unless --quiet is set. The result itself belongs on Out.
func (c *Console) Say(format string, args ...any) {
	if !c.Quiet {
		c.Story.NoteFor(format, args...)
	}
}

// Table prints rows, the first of which is the header. Like Pairs and Line it is for
// people: what would control the terminal is replaced (schema.PrintableLines).
func (c *Console) Table(rows [][]string) error {
	return c.print(schema.PrintableLines(text.Table(rows, c.Width())))
}

// Pairs prints names and what they are.
func (c *Console) Pairs(rows [][]string) error {
	return c.print(schema.PrintableLines(text.Pairs(rows, c.Width())))
}

// Line prints a line, or several.
func (c *Console) Line(line string) error { return c.print(schema.PrintableLines(line) + "\n") }

// JSON prints a value as JSON.
func (c *Console) JSON(v any) error {
	data, err := schema.EncodeIndent(v)
	if err != nil {
		return err
	}
	return c.print(string(data))
}

// Document prints v in the format that was asked for: json or yaml, in any other case
// words. Callers check the format before (usage.KnownFormat).
func (c *Console) Document(v schema.Value, format, words string) error {
	data := []byte(schema.PrintableLines(words) + "\n")
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

// print writes a result. Each text is complete before it is written, so that an error
// while it is made leaves nothing on Out.
func (c *Console) print(s string) error {
	if _, err := io.WriteString(c.Out, s); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
