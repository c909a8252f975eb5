package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// plain writes for logs: what a step logged is together, below the line about how it
// ended, so that steps which run side by side do not mix. Each event is one write: other
// programs may write to the same log.
type plain struct {
	mu    sync.Mutex
	w     io.Writer
	tally *tally
}

func (p *plain) Event(e engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := p.tally.add(e)
	var b strings.Builder
	switch {
	case e.Type == engine.EventRun && e.State == engine.Running:
		if !p.tally.quiet && !p.tally.o.Again {
			p.tally.put(&b, e.Pipeline+": "+text.Count(e.Steps, "step"))
		}
	case e.Type == engine.EventRun:
		for _, l := range p.tally.post() {
			p.tally.put(&b, l)
		}
	case ended != nil && p.shows(e):
		p.tally.put(&b, p.tally.line(e))
		for _, l := range ended.log {
			if !p.tally.quiet {
				p.tally.put(&b, "  | "+l)
			}
		}
	case e.Type == engine.EventStep && e.State == engine.Retrying && !p.tally.quiet:
		p.tally.put(&b, fmt.Sprintf("%-*s  attempt %d failed: %s", p.tally.width, text.Middle(e.Step, longest), max(e.Attempt, 1), schema.PrintableLines(e.Error.Text())))
	}
	_, _ = io.WriteString(p.w, b.String())
}

// shows reports whether the end of a step is worth a line.
func (p *plain) shows(e engine.Event) bool {
	return e.State == engine.Failed || !p.tally.quiet && !p.tally.same(e)
}

func (p *plain) Close() {}
