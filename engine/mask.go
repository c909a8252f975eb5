package engine

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

// masker hides secrets in text. It is safe for concurrent use.
type masker struct {
	mu    sync.RWMutex
	names []string // of values
	lines []string // what to hide: whole values and each of their lines, longest first
	whole []string // values by the index of their name
}

const masked = "***"

func (m *masker) add(name, value string) {
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

func (m *masker) text(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, l := range m.lines {
		s = strings.ReplaceAll(s, l, masked)
	}
	return s
}

// keptOut is an error if v holds a secret. It is asked before v is stored.
func (m *masker) keptOut(v schema.Value) error {
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
func (m *masker) inside(data []byte) string {
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

// error is err with secrets hidden.
func (m *masker) error(err error) error {
	clean := m.text(err.Error()) == err.Error()
	var out []error
	for _, e := range schema.List(err) {
		se := &schema.Error{Code: schema.CodeOf(e), Msg: e.Error()}
		var from *schema.Error
		if errors.As(e, &from) {
			clean = clean && m.text(from.Hint) == from.Hint
			se.Hint = from.Hint
		}
		if from != nil && from.Error() == e.Error() {
			c := *from
			c.Err = nil
			se = &c
		}
		se.Msg, se.Hint = m.text(se.Msg), m.text(se.Hint)
		out = append(out, se)
	}
	if clean {
		return err
	}
	return schema.Join(out)
}

// lineMask masks the lines that one attempt says, also a secret that is spread
// over several of them: a line whose end may begin a secret is held back until
// the next one tells, or the attempt ends. Less than shortest bytes of one may
// be seen. It is safe for concurrent use.
type lineMask struct {
	masker *masker
	tell   func(line string)

	mu     sync.Mutex
	recent []recentLine // the last ones, as long as they may begin a secret
}

type recentLine struct {
	text string
	hide []bool // by byte; nil for nothing
	told bool
}

// say takes a text of one or more lines.
func (l *lineMask) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range strings.Split(strings.TrimRight(l.masker.text(text), "\n"), "\n") {
		l.add(line)
	}
}

// end tells what is held back.
func (l *lineMask) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(len(l.recent))
	l.recent = nil
}

func (l *lineMask) add(line string) {
	l.recent = append(l.recent, recentLine{text: line})
	joint := ""
	for _, r := range l.recent {
		joint += r.text
	}
	secrets := l.masker.secrets()
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
		l.release(len(l.recent))
	} else {
		l.release(done)
	}
	l.recent = l.recent[done:]
}

// hide marks bytes of the recent lines, counted over all of them.
func (l *lineMask) hide(from, to int) {
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

// release tells the first n of the recent lines.
func (l *lineMask) release(n int) {
	for i := range l.recent[:n] {
		r := &l.recent[i]
		if r.told {
			continue
		}
		r.told = true
		if r.hide == nil {
			l.tell(r.text)
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
		l.tell(b.String())
	}
}

// secrets are the texts to hide, longest first.
func (m *masker) secrets() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.lines)
}
