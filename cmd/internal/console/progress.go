package console

import (
	"os"
	"slices"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/cmd/internal/progress"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// RunProgress returns a renderer that shows a run on Err, as the flags ask for; again
// leaves out steps that were reused, which the run before has shown. The caller closes it
// after the run. --log-json goes before --progress: everything on Err then has one shape.
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

// StageProgress is RunProgress for a command that is a pipeline of one step. The user
// knows nothing of a pipeline, so that only what the step logs is shown, unless the flags
// ask for more.
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

// notes shows what a step logs as notes. Errors are not shown here: the command returns
// them, and they are printed at the end.
type notes struct{ c *Console }

func (n notes) Event(e engine.Event) {
	if e.Type == engine.EventLog && !n.c.Quiet {
		n.c.Story.Note("%s", e.Text)
	}
}

func (notes) Close() {}

// logged is --log-json: every event of the run is a line of the log, with the keys that
// notes and errors have. With --quiet only events that report an error are.
type logged struct{ c *Console }

func (l logged) Event(e engine.Event) {
	if l.c.Quiet && e.Error == nil {
		return
	}
	l.c.Story.Event(e)
}

func (logged) Close() {}
