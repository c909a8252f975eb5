package main

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/cmd/internal/progress"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// runProgress shows a run on stderr, the way the flags ask for; again leaves out
// what the run before has shown.
func (a *app) runProgress(again bool) progress.Renderer {
	if a.logJSON {
		return logged{a}
	}
	mode := progress.Mode(a.progress)
	if a.quiet && mode == progress.Auto {
		mode = progress.Quiet
	}
	f, _ := a.errw.(*os.File)
	isTTY := f != nil && term.IsTerminal(int(f.Fd()))
	return progress.New(a.errw, mode, progress.Options{
		IsTTY: isTTY,
		Color: isTTY && a.terminal(),
		Size:  func() (int, int) { return a.size(a.errw) },
		Again: again,
	})
}

// size is columns and rows of the terminal that w is, else $COLUMNS; zeros for
// no limit.
func (a *app) size(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil {
			return columns, rows
		}
	}
	if v, ok := a.lookupEnv("COLUMNS"); ok {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			return n, 0
		}
	}
	return 0, 0
}

// width is the columns of stdout, 0 for no limit.
func (a *app) width() int {
	columns, _ := a.size(a.out)
	return columns
}

// table prints rows, the first of which is the header.
func (a *app) table(rows [][]string) error {
	_, err := io.WriteString(a.out, text.Table(rows, a.width()))
	return err
}

// pairs prints names and what they are.
func (a *app) pairs(rows [][]string) error {
	_, err := io.WriteString(a.out, text.Pairs(rows, a.width()))
	return err
}

// checkProgress refuses a --progress that there is not.
func (a *app) checkProgress() error {
	for _, m := range progress.Modes() {
		if m == a.progress {
			return nil
		}
	}
	return schema.Errorf(schema.Invalid, "--progress: no mode %q", a.progress).WithHint("%s", schema.Suggest(a.progress, progress.Modes()))
}

// notes shows a one-step command's own words and nothing of the machinery.
type notes struct{ a *app }

func (n notes) Event(e engine.Event) {
	if e.Type == engine.EventLog && !n.a.quiet {
		n.a.story.Note("%s", e.Text)
	}
}

func (notes) Close() {}

// logged is --log-json: the whole stream, in the one shape.
type logged struct{ a *app }

func (l logged) Event(e engine.Event) {
	if l.a.quiet && e.Error == nil {
		return
	}
	l.a.story.Event(e)
}

func (logged) Close() {}

func (a *app) stageProgress() progress.Renderer {
	if a.debug || a.logJSON || a.progress != string(progress.Auto) {
		return a.runProgress(false)
	}
	return notes{a}
}
