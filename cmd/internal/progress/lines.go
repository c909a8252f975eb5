package progress

import (
	"io"
	"sync"

	"github.com/NVIDIA/eidos/engine"
)

// lines writes every event as a JSON line, progress included, which the journal does not
// have: programs filter for themselves. Each line is one write, as in plain.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Event(e engine.Event) {
	data, err := e.AppendLine(nil)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(data) // progress that cannot be written has no reader
}

func (l *lines) Close() {}
