package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// readResult reads an entry but for its parts. A run that is up to date reads one a
// step: the entry of a success is read by its form, which takes a tenth of the time
// of encoding/json. All others are left to that.
func readResult(entry []byte) (engine.Entry, error) {
	head, tail := withoutParts(entry)
	if e, ok := readPlain(head, tail); ok {
		return e, nil
	}
	var e engine.Entry
	err := json.Unmarshal(slices.Concat(head, tail), &e)
	if err != nil { // of another form
		e = engine.Entry{}
		err = json.Unmarshal(entry, &e)
	}
	e.Parts = nil
	return e, err
}

// withoutParts returns what is before and after the list of parts in an entry, as
// record writes it: a quote within a text is escaped, so that the name is found in no
// text, and the list ends at the first bracket that is not in one. An entry of another
// form is all head.
func withoutParts(entry []byte) (head, tail []byte) {
	const name = `,"parts":[`
	from := bytes.Index(entry, []byte(name))
	if from < 0 {
		return entry, nil
	}
	text := false
	for i := from + len(name); i < len(entry); i++ {
		switch c := entry[i]; {
		case c == '"':
			text = !text
		case c == '\\' && text:
			i++
		case c == ']' && !text:
			return entry[:from], entry[i+1:]
		}
	}
	return entry, nil
}

// readPlain reads what is before and after the parts of an entry, in the form that
// record writes: the fields in their order, with no text that needs escapes, and none
// after the parts. All texts share one copy.
func readPlain(head, tail []byte) (e engine.Entry, ok bool) {
	p := plain{rest: string(head), ok: string(tail) == "}"}
	e.Key = schema.Digest(p.text(`{"key":"`))
	e.Pipeline = p.optional(`,"pipeline":"`)
	e.Step = p.text(`,"step":"`)
	e.Run = p.optional(`,"run":"`)
	e.Artifact.MediaType = p.text(`,"artifact":{"mediaType":"`)
	e.Artifact.Digest = schema.Digest(p.text(`,"digest":"`))
	e.Artifact.Size = p.number(`,"size":`)
	when := p.text(`},"time":"`)
	if !p.ok || p.rest != "" || e.Time.UnmarshalText([]byte(when)) != nil {
		return engine.Entry{}, false
	}
	return e, true
}

// plain is what is left of an entry, and whether it has had the form so far. Once it has
// not, every method returns a zero value and the entry is read by encoding/json: a
// mistake here costs time and changes nothing, which a fuzz test holds it to.
type plain struct {
	rest string
	ok   bool
}

// after cuts what comes before a value.
func (p *plain) after(before string) bool {
	rest, ok := strings.CutPrefix(p.rest, before)
	p.rest, p.ok = rest, p.ok && ok
	return p.ok
}

func (p *plain) text(before string) string {
	if !p.after(before) {
		return ""
	}
	s, rest, ok := strings.Cut(p.rest, `"`)
	if !ok || strings.Contains(s, `\`) {
		p.ok = false
		return ""
	}
	p.rest = rest
	return s
}

// optional is text that may be left out.
func (p *plain) optional(before string) string {
	if !strings.HasPrefix(p.rest, before) {
		return ""
	}
	return p.text(before)
}

func (p *plain) number(before string) int64 {
	if !p.after(before) {
		return 0
	}
	end := strings.IndexByte(p.rest, '}')
	n, err := strconv.ParseInt(p.rest[:max(end, 0)], 10, 64)
	p.ok = p.ok && err == nil
	p.rest = p.rest[max(end, 0):]
	return n
}
