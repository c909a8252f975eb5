package mask

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// shortest is the length in bytes below which a line is not masked: hiding
// "on" everywhere would hide nothing and break the rest.
const shortest = 4

// Masker hides secrets in text. It is safe for concurrent use.
type Masker struct {
	mu    sync.RWMutex
	names []string // of values
	lines []string // what to hide: whole values and each of their lines, longest first
	whole []string // values by the index of their name
}

const masked = "***"

// Add masks a secret from now on: whole, each of its lines, and escaped.
func (m *Masker) Add(name, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(m.whole, value) {
		return
	}
	m.names, m.whole = append(m.names, name), append(m.whole, value)
	for _, l := range append(strings.Split(value, "\n"), value) {
		if l = strings.TrimSpace(l); len(l) < shortest {
			continue
		}
		// Also as an error quotes it, and as a URL holds it.
		for _, form := range []string{l, quoted(l), url.QueryEscape(l), url.PathEscape(l)} {
			if !slices.Contains(m.lines, form) {
				m.lines = append(m.lines, form)
			}
		}
	}
	sort.Slice(m.lines, func(i, j int) bool { return len(m.lines[i]) > len(m.lines[j]) })
}

// quoted is s as %q writes it, without the quotes.
func quoted(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// Text is s without the secrets.
func (m *Masker) Text(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, l := range m.lines {
		s = strings.ReplaceAll(s, l, masked)
	}
	return s
}

// Check is an error if v holds a secret. It is asked before v is stored. The value is not
// masked instead: a document with *** in it would be wrong, and be reused.
func (m *Masker) Check(v schema.Value) error {
	m.mu.RLock()
	none := len(m.whole) == 0
	m.mu.RUnlock()
	if none {
		return nil
	}
	data, err := schema.Encode(v)
	if err != nil {
		return err
	}
	if name := m.inside(data); name != "" {
		return schema.Errorf(schema.Failed, "the result holds the secret %q", name).WithHint("a result is stored and may be published; leave the secret out of it")
	}
	return nil
}

// inside names the secret that data holds, "" if none.
func (m *Masker) inside(data []byte) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i, v := range m.whole {
		if len(v) < shortest {
			continue
		}
		text, err := schema.Encode(v)
		if err == nil && bytes.Contains(data, bytes.Trim(text, "\"\n")) {
			return m.names[i]
		}
	}
	return ""
}

// Error is err with secrets hidden. An error that has none is returned as it is; else the
// causes are dropped, whose texts would still hold the secret.
func (m *Masker) Error(err error) error {
	clean := m.Text(err.Error()) == err.Error()
	var out []error
	for _, e := range schema.List(err) {
		se := &schema.Error{Code: schema.CodeOf(e), Msg: e.Error()}
		var from *schema.Error
		if errors.As(e, &from) {
			clean = clean && m.Text(from.Hint) == from.Hint
			se.Hint = from.Hint
		}
		if from != nil && from.Error() == e.Error() {
			c := *from
			c.Err = nil
			se = &c
		}
		se.Msg, se.Hint = m.Text(se.Msg), m.Text(se.Hint)
		out = append(out, se)
	}
	if clean {
		return err
	}
	return schema.Join(out)
}

// Lines masks the lines of one attempt's log, also a secret that is spread
// over several of them: a line whose end may begin a secret is held back until
// the next one decides, or the attempt ends. Less than shortest bytes of one may
// be seen. It is safe for concurrent use.
type Lines struct {
	Masker *Masker
	Emit   func(line string)

	mu     sync.Mutex
	recent []recentLine // the last ones, as long as they may begin a secret
}

type recentLine struct {
	text    string
	hide    []bool // by byte; nil for nothing
	emitted bool
}

// Add takes a text of one or more lines.
func (l *Lines) Add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range strings.Split(strings.TrimRight(l.Masker.Text(text), "\n"), "\n") {
		l.addLine(line)
	}
}

// Flush passes on what is held back.
func (l *Lines) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(len(l.recent))
	l.recent = nil
}

// addLine takes one line: it marks secrets in the joined text of the lines that are held,
// and emits all but those at the end that the beginning of a secret reaches into. It
// compares each line with each secret, which is nothing beside writing it.
func (l *Lines) addLine(line string) {
	l.recent = append(l.recent, recentLine{text: line})
	joint := ""
	for _, r := range l.recent {
		joint += r.text
	}
	secrets := l.Masker.secrets()
	open := 0 // bytes at the end that may begin a secret
	for _, s := range secrets {
		for at := 0; ; {
			i := strings.Index(joint[at:], s)
			if i < 0 {
				break
			}
			l.hide(at+i, at+i+len(s))
			at += i + len(s)
		}
		for n := min(len(s)-1, len(joint)); n > open; n-- {
			if strings.HasSuffix(joint, s[:n]) {
				open = n
			}
		}
	}
	// The lines that end before the open part are done with.
	done, at := 0, 0
	for ; done < len(l.recent); done++ {
		if at += len(l.recent[done].text); at > len(joint)-open {
			break
		}
	}
	if open < shortest {
		l.flush(len(l.recent))
	} else {
		l.flush(done)
	}
	l.recent = l.recent[done:]
}

// hide marks bytes of the recent lines, counted over all of them.
func (l *Lines) hide(from, to int) {
	start := 0
	for i := range l.recent {
		r := &l.recent[i]
		for b := max(from, start); b < min(to, start+len(r.text)); b++ {
			if r.hide == nil {
				r.hide = make([]bool, len(r.text))
			}
			r.hide[b-start] = true
		}
		start += len(r.text)
	}
}

// flush passes on the first n of the recent lines.
func (l *Lines) flush(n int) {
	for i := range l.recent[:n] {
		r := &l.recent[i]
		if r.emitted {
			continue
		}
		r.emitted = true
		if r.hide == nil {
			l.Emit(r.text)
			continue
		}
		var b strings.Builder
		for k := range len(r.text) {
			switch {
			case !r.hide[k]:
				b.WriteByte(r.text[k])
			case k == 0 || !r.hide[k-1]:
				b.WriteString(masked)
			}
		}
		l.Emit(b.String())
	}
}

// secrets are the texts to hide, longest first.
func (m *Masker) secrets() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.lines)
}
