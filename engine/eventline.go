package engine

import (
	"encoding/json"
	"strconv"
	"time"
)

// AppendLine adds e to a text as one JSON line with its newline: the bytes of
// encoding/json, which a test compares. It is written out because a run writes two of
// them a step, and reflection took four times as long.
func (e Event) AppendLine(to []byte) ([]byte, error) {
	l := line{buf: append(to, `{"seq":`...)}
	l.buf = strconv.AppendInt(l.buf, int64(e.Seq), 10)
	l.time("time", e.Time)
	l.text("type", string(e.Type), true)
	l.text("run", e.Run, false)
	l.text("pipeline", e.Pipeline, false)
	if e.Source != nil {
		l.value("source", e.Source)
	}
	l.text("plan", string(e.Plan), false)
	l.number("steps", int64(e.Steps))
	l.text("step", e.Step, false)
	l.text("uses", e.Uses, false)
	l.text("state", string(e.State), false)
	l.text("action", string(e.Action), false)
	l.text("code", string(e.Code), false)
	l.text("reason", e.Reason, false)
	l.number("attempt", int64(e.Attempt))
	l.text("text", e.Text, false)
	l.number("done", e.Done)
	l.number("total", e.Total)
	l.text("unit", e.Unit, false)
	l.text("key", e.Key, false)
	l.text("digest", string(e.Digest), false)
	l.number("size", e.Size)
	l.text("out", e.Out, false)
	l.number("ms", e.Millis)
	if e.Error != nil {
		l.value("error", e.Error)
	}
	return append(l.buf, "}\n"...), l.err
}

// line is a JSON object that is being written, and the first error.
type line struct {
	buf []byte
	err error
}

func (l *line) name(name string) {
	l.buf = append(l.buf, ',', '"')
	l.buf = append(l.buf, name...)
	l.buf = append(l.buf, '"', ':')
}

// text writes a text; an empty one only if always is set.
func (l *line) text(name, s string, always bool) {
	if s == "" && !always {
		return
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&': // encoding/json may escape it
			l.value(name, s)
			return
		}
	}
	l.name(name)
	l.buf = append(l.buf, '"')
	l.buf = append(l.buf, s...)
	l.buf = append(l.buf, '"')
}

// number writes a number but 0.
func (l *line) number(name string, n int64) {
	if n != 0 {
		l.name(name)
		l.buf = strconv.AppendInt(l.buf, n, 10)
	}
}

func (l *line) time(name string, t time.Time) {
	l.name(name)
	l.buf = append(l.buf, '"')
	buf, err := t.AppendText(l.buf)
	if err != nil {
		l.failed(err)
		return
	}
	l.buf = append(buf, '"')
}

// value writes what encoding/json makes of v.
func (l *line) value(name string, v any) {
	data, err := json.Marshal(v)
	l.failed(err)
	l.name(name)
	l.buf = append(l.buf, data...)
}

func (l *line) failed(err error) {
	if l.err == nil {
		l.err = err
	}
}
