// Package progress shows a run as it goes: renderers of the engine's one event
// stream for terminals, for logs, and for programs.
//
// A renderer is called by the scheduler for every event, in order, and must be quick. It
// keeps no more of a run than what runs now, the last lines of each log, and what
// failed: a run of 10,000 steps takes no more memory than one of ten. What cannot be
// written is dropped, for the run does not depend on who watches.
package progress

import (
	"io"
	"time"

	"github.com/NVIDIA/eidos/engine"
)

// Mode is how a run is shown.
type Mode string

const (
	Auto     Mode = "auto"  // Terminal if w is one, else Plain
	Terminal Mode = "tty"   // live lines at the bottom, finished steps above them
	Plain    Mode = "plain" // a line a step when it ends, with what it logged
	JSON     Mode = "json"  // the events, one JSON object a line; see engine.Event
	Quiet    Mode = "quiet" // nothing but what failed
)

// Modes lists what --progress takes.
func Modes() []string {
	return []string{string(Auto), string(Terminal), string(Plain), string(JSON), string(Quiet)}
}

// Options is what a renderer needs to know about where it writes. The zero
// value is a log without colour.
type Options struct {
	// Size returns columns and rows of what is written to, zeros if it has none: a
	// terminal then has 80 and 24, and a log is not wrapped. It is asked before each
	// picture, so that resizes are followed.
	Size  func() (columns, rows int)
	IsTTY bool // for Auto
	Color bool
	Now   func() time.Time // nil is time.Now
	// Lines is how many of a failed step's last log lines are told again at the
	// end; 0 is 20.
	Lines int
	// Again leaves out steps that were reused: the run before has shown them.
	Again bool
}

// size is that of a terminal.
func (o Options) size() (columns, rows int) {
	if o.Size != nil {
		columns, rows = o.Size()
	}
	if columns <= 0 {
		columns = 80
	}
	if rows <= 0 {
		rows = 24
	}
	return columns, rows
}

// Renderer shows events. Event is for engine.Runner.Events; Close is called
// once, after the run. Both may be called from any goroutine.
type Renderer interface {
	Event(engine.Event)
	Close()
}

// New returns a renderer that writes to w.
func New(w io.Writer, mode Mode, o Options) Renderer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lines == 0 {
		o.Lines = 20
	}
	if mode == Auto || mode == "" {
		mode = Plain
		if o.IsTTY {
			mode = Terminal
		}
	}
	switch mode {
	case JSON:
		return &lines{w: w}
	case Terminal:
		return newTerminal(w, o)
	}
	t := newTally(o)
	t.quiet = mode == Quiet
	return &plain{w: w, tally: t}
}
