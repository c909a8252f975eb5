package main

import (
	"fmt"

	"github.com/NVIDIA/eidos/engine"
)

// renderer shows a run's events.
type renderer interface {
	Event(engine.Event)
	Close()
}

type plain struct{ a *app }

func (p plain) Event(e engine.Event) {
	switch {
	case e.Type == "log":
		fmt.Fprintf(p.a.errw, "  %s: %s\n", e.Step, e.Text)
	case e.Type == "step" && (e.State == engine.Done || e.State == engine.Failed || e.State == engine.Skipped):
		fmt.Fprintf(p.a.errw, "%-10s %s (%s: %s)\n", e.Step, e.State, e.Action, e.Reason)
	}
}
func (plain) Close() {}

// notes shows a one-step command's own words and nothing of the machinery.
type notes struct{ a *app }

func (n notes) Event(e engine.Event) {
	if e.Type == "log" && !n.a.quiet {
		n.a.story.Note("%s", e.Text)
	}
}
func (notes) Close() {}

func (a *app) runProgress() renderer   { return plain{a} }
func (a *app) stageProgress() renderer { return notes{a} }
