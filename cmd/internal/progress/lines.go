package progress

import (
	"io"
	"sync"

	"github.com/NVIDIA/eidos/engine"
)

// lines writes events as JSON lines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Event(e engine.Event) {
	data, err := e.MarshalLine()
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.Write(data)
}

func (l *lines) Close() {}
