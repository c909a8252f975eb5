package engine

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// readEntry is json.Unmarshal for what json.Marshal wrote of an Entry. Reading
// entries was a third of what a run does when nothing has changed. ok is false
// for anything else: fields in another order, white space, unknown fields, and
// what only entries of other processes have.
func readEntry(text string) (e Entry, ok bool) {
	r := entryReader{rest: text}
	r.want(`{"key":`)
	e.Key = schema.Digest(r.text())
	if r.has(`,"pipeline":`) {
		e.Pipeline = r.text()
	}
	r.want(`,"step":`)
	e.Step = r.text()
	if r.has(`,"run":`) {
		e.Run = r.text()
	}
	r.want(`,"artifact":{"mediaType":`)
	e.Artifact.MediaType = r.text()
	r.want(`,"digest":`)
	e.Artifact.Digest = schema.Digest(r.text())
	r.want(`,"size":`)
	e.Artifact.Size = r.number()
	r.want(`},"time":`)
	e.Time = r.time()
	r.want(`,"parts":`)
	if !r.has("null") {
		e.Parts = make([]Part, 0, 1+strings.Count(r.rest, `},{"Name":`))
		r.list(func() {
			r.want(`{"Name":`)
			p := Part{Name: r.text()}
			r.want(`,"Value":`)
			p.Value = r.text()
			r.want("}")
			e.Parts = append(e.Parts, p)
		})
	}
	if r.has(`,"blobs":`) {
		r.list(func() {
			r.want(`{"digest":`)
			b := Blob{Digest: schema.Digest(r.text())}
			r.want(`,"size":`)
			b.Size = r.number()
			r.want("}")
			e.Blobs = append(e.Blobs, b)
		})
	}
	if r.has(`,"outcome":`) {
		e.Outcome = schema.Code(r.text())
	}
	r.want("}")
	if r.bad || r.rest != "" {
		return Entry{}, false
	}
	return e, true
}

// entryReader takes text from the front; bad is set by what was not expected.
type entryReader struct {
	rest string
	bad  bool
}

func (r *entryReader) has(s string) bool {
	rest, ok := strings.CutPrefix(r.rest, s)
	r.rest = rest
	return ok
}

func (r *entryReader) want(s string) { r.bad = !r.has(s) || r.bad }

// text reads a string.
func (r *entryReader) text() string {
	r.want(`"`)
	for i := 0; i < len(r.rest) && !r.bad; i++ {
		switch c := r.rest[i]; {
		case c == '"':
			s := r.rest[:i]
			r.rest = r.rest[i+1:]
			return s
		case c == '\\':
			return r.escaped()
		case c < ' ' || c >= 0x80:
			r.bad = true // json may make another string of it
		}
	}
	r.bad = true
	return ""
}

// escaped reads a string that has a backslash.
func (r *entryReader) escaped() string {
	end := 0
	for end < len(r.rest) && r.rest[end] != '"' {
		if r.rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(r.rest) {
		r.bad = true
		return ""
	}
	var s string
	if json.Unmarshal([]byte(`"`+r.rest[:end+1]), &s) != nil {
		r.bad = true
	}
	r.rest = r.rest[end+1:]
	return s
}

func (r *entryReader) number() int64 {
	end := 0
	for end < len(r.rest) && (r.rest[end] == '-' || r.rest[end] >= '0' && r.rest[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(r.rest[:end], 10, 64)
	r.bad = r.bad || err != nil || strconv.FormatInt(n, 10) != r.rest[:end]
	r.rest = r.rest[end:]
	return n
}

func (r *entryReader) time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.text())
	r.bad = r.bad || err != nil
	return t
}

// list reads a list that is not empty.
func (r *entryReader) list(item func()) {
	r.want("[")
	for item(); r.has(",") && !r.bad; {
		item()
	}
	r.want("]")
}
