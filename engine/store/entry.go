package store

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// readResult reads an entry but for its parts. A run that is up to date reads one a
// step: the entry of a success is read by its form, which takes a tenth of the time
// of encoding/json. All others are left to that.
func readResult(entry []byte) (engine.Entry, error) {
	short := withoutParts(entry)
	if e, ok := readPlain(short); ok {
		return e, nil
	}
	var e engine.Entry
	err := json.Unmarshal(short, &e)
	if err != nil { // of another form
		e = engine.Entry{}
		err = json.Unmarshal(entry, &e)
	}
	e.Parts = nil
	return e, err
}

// withoutParts leaves the list of parts out of an entry, as record writes it: a
// quote within a text is escaped, so that the name is found in no text, and the
// list ends at the first bracket that is not in one. An entry of another form is
// returned as it is.
func withoutParts(entry []byte) []byte {
	const name = `,"parts":[`
	from := bytes.Index(entry, []byte(name))
	if from < 0 {
		return entry
	}
	text := false
	for i := from + len(name); i < len(entry); i++ {
		switch c := entry[i]; {
		case c == '"':
			text = !text
		case c == '\\' && text:
			i++
		case c == ']' && !text:
			return append(entry[:from:from], entry[i+1:]...)
		}
	}
	return entry
}

// readPlain reads an entry without parts in the form that record writes: the fields
// in their order, with no text that needs escapes, and none after the time.
func readPlain(entry []byte) (e engine.Entry, ok bool) {
	p := plain{rest: entry, ok: true}
	e.Key = schema.Digest(p.text(`{"key":"`))
	e.Pipeline = p.optional(`,"pipeline":"`)
	e.Step = p.text(`,"step":"`)
	e.Run = p.optional(`,"run":"`)
	e.Artifact.MediaType = p.text(`,"artifact":{"mediaType":"`)
	e.Artifact.Digest = schema.Digest(p.text(`,"digest":"`))
	e.Artifact.Size = p.number(`,"size":`)
	when := p.text(`},"time":"`)
	if !p.ok || string(p.rest) != "}" || e.Time.UnmarshalText([]byte(when)) != nil {
		return engine.Entry{}, false
	}
	return e, true
}

// plain is what is left of an entry, and whether it has had the form so far. Once it has
// not, every method returns a zero value and the entry is read by encoding/json: a
// mistake here costs time and changes nothing, which a fuzz test holds it to.
type plain struct {
	rest []byte
	ok   bool
}

// after cuts what comes before a value.
func (p *plain) after(before string) bool {
	rest, ok := bytes.CutPrefix(p.rest, []byte(before))
	p.rest, p.ok = rest, p.ok && ok
	return p.ok
}

func (p *plain) text(before string) string {
	if !p.after(before) {
		return ""
	}
	end := bytes.IndexByte(p.rest, '"')
	if end < 0 || bytes.IndexByte(p.rest[:end], '\\') >= 0 {
		p.ok = false
		return ""
	}
	s := string(p.rest[:end])
	p.rest = p.rest[end+1:]
	return s
}

// optional is text that may be left out.
func (p *plain) optional(before string) string {
	if !bytes.HasPrefix(p.rest, []byte(before)) {
		return ""
	}
	return p.text(before)
}

func (p *plain) number(before string) int64 {
	if !p.after(before) {
		return 0
	}
	end := bytes.IndexByte(p.rest, '}')
	n, err := strconv.ParseInt(string(p.rest[:max(end, 0)]), 10, 64)
	p.ok = p.ok && err == nil
	p.rest = p.rest[max(end, 0):]
	return n
}
