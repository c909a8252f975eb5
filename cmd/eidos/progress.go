package main

import (
	"os"

	"golang.org/x/term"

	"github.com/NVIDIA/eidos/cmd/internal/progress"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// runProgress shows a run on stderr, the way the flags ask for.
func (a *app) runProgress() progress.Renderer {
	mode := progress.Mode(a.progress)
	if a.quiet && mode == progress.Auto {
		mode = progress.Quiet
	}
	f, _ := a.errw.(*os.File)
	isTTY := f != nil && term.IsTerminal(int(f.Fd()))
	return progress.New(a.errw, mode, progress.Options{
		IsTTY: isTTY,
		Color: isTTY && a.terminal(),
		Size: func() (int, int) {
			if f == nil {
				return 0, 0
			}
			w, h, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0, 0
			}
			return w, h
		},
	})
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

func (a *app) stageProgress() progress.Renderer {
	if a.debug || a.progress != string(progress.Auto) {
		return a.runProgress()
	}
	return notes{a}
}
