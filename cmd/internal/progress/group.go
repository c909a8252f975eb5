package progress

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// join adds a step that did not succeed to those that ended like it and
// reports whether its line is left to the end of the run. The first of several
// rows has its line at once, so that a failure is seen while the run continues; what was
// canceled is one line at the end.
func (t *tally) join(e engine.Event) bool {
	switch e.State {
	case engine.Failed:
		return len(t.groups.Alike(string(e.State), e.Error.Text(), e.Step).Names) > 1
	case engine.Skipped:
		return len(t.groups.Alike(string(e.State), e.Reason, e.Step).Names) > 1
	case engine.Canceled:
		t.groups.All(string(e.State), e.Reason, e.Step)
		return true
	}
	return false
}

// together is a line for each group whose steps do not all have their own.
func (t *tally) together() []string {
	var out []string
	for _, g := range t.groups.List {
		state := engine.State(g.Kind)
		switch {
		case t.quiet && state != engine.Failed:
		case state == engine.Canceled:
			line := fmt.Sprintf("%-*s  %s", t.width, text.Count(len(g.Names), "step"), state)
			if why := strings.TrimPrefix(schema.PrintableLines(g.Why), "stopped: "); why != "" {
				line += ", " + why
			}
			out = append(out, line+": "+g.Steps())
		case len(g.Names) > 1:
			out = append(out, fmt.Sprintf("%-*s  %s in %d rows like %s: %s", t.width, text.Base(g.Names[0]), t.color(state, string(state), 0), len(g.Names), g.Names[0], g.Rows()))
		}
	}
	return out
}
