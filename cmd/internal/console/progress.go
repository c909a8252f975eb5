package console

import (
	"os"
	"slices"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/cmd/internal/progress"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// RunProgress shows a run on Err, the way the flags ask for; again leaves out
// what the run before has shown.
func (c *Console) RunProgress(again bool) progress.Renderer {
	if c.LogJSON {
		return logged{c}
	}
	mode := progress.Mode(c.Progress)
	if c.Quiet && mode == progress.Auto {
		mode = progress.Quiet
	}
	f, _ := c.Err.(*os.File)
	isTTY := f != nil && term.IsTerminal(int(f.Fd()))
	return progress.New(c.Err, mode, progress.Options{
		IsTTY: isTTY,
		Color: isTTY && c.Terminal(),
		Size:  func() (int, int) { return c.Size(c.Err) },
		Again: again,
	})
}

// StageProgress shows a one-step command: its own words, unless the flags ask for
// more.
func (c *Console) StageProgress() progress.Renderer {
	if c.Debug || c.LogJSON || c.Progress != string(progress.Auto) {
		return c.RunProgress(false)
	}
	return notes{c}
}

// checkProgress refuses a --progress that does not exist.
func (c *Console) checkProgress() error {
	if slices.Contains(progress.Modes(), c.Progress) {
		return nil
	}
	return schema.Errorf(schema.Invalid, "--progress: no mode %q", c.Progress).WithHint("%s", schema.Suggest(c.Progress, progress.Modes()))
}

// notes shows a one-step command's own words and nothing of the machinery.
type notes struct{ c *Console }

func (n notes) Event(e engine.Event) {
	if e.Type == engine.EventLog && !n.c.Quiet {
		n.c.Story.Note("%s", e.Text)
	}
}

func (notes) Close() {}

// logged is --log-json: the whole stream, in the one shape.
type logged struct{ c *Console }

func (l logged) Event(e engine.Event) {
	if l.c.Quiet && e.Error == nil {
		return
	}
	l.c.Story.Event(e)
}

func (logged) Close() {}
