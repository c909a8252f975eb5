package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/engine"
)

// plain writes for logs: what a step said stands together under the line that
// tells how it ended, so that steps which run side by side do not mix.
type plain struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	tally *tally
}

func (p *plain) Event(e engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := p.tally.add(e)
	var b strings.Builder
	switch {
	case e.Type == engine.EventRun && e.State == engine.Running:
		if !p.quiet {
			steps := "steps"
			if e.Steps == 1 {
				steps = "step"
			}
			fmt.Fprintf(&b, "%s: %d %s\n", e.Pipeline, e.Steps, steps)
		}
	case e.Type == engine.EventRun:
		for _, l := range p.tally.post() {
			b.WriteString(l + "\n")
		}
		if !p.quiet {
			b.WriteString(p.tally.summary(e) + "\n")
		}
	case ended != nil && (!p.quiet || e.State == engine.Failed):
		b.WriteString(p.tally.line(e) + "\n")
		for _, l := range ended.log {
			if !p.quiet {
				b.WriteString("  | " + clean(l) + "\n")
			}
		}
	case e.Type == engine.EventStep && e.State == engine.Retrying && !p.quiet:
		fmt.Fprintf(&b, "%-*s  attempt %d failed: %s\n", p.tally.width, e.Step, max(e.Attempt, 1), e.Error.Message)
	}
	io.WriteString(p.w, b.String())
}

func (p *plain) Close() {}
