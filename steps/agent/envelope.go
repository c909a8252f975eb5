package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// An agent that cannot write its ConfigMap prints the snapshot to its log
// instead, between two lines that tell it from the rest:
//
//	# eidos snapshot sha256:…
//	kind: Snapshot
//	…
//	# end of eidos snapshot
const (
	envelopeStart = "# eidos snapshot sha256:"
	envelopeEnd   = "# end of eidos snapshot"
)

// envelopeLimit bounds a snapshot in a log, in bytes.
const envelopeLimit = 64 << 20

// writeEnvelope prints a snapshot, as YAML, so that a log keeps it whole.
func writeEnvelope(w io.Writer, text []byte) error {
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(bytes.Clone(text), '\n')
	}
	sum := sha256.Sum256(text)
	_, err := fmt.Fprintf(w, "%s%s\n%s%s\n", envelopeStart, hex.EncodeToString(sum[:]), text, envelopeEnd)
	return err
}

// envelope finds a snapshot in the lines of a log.
type envelope struct {
	sum  string
	text bytes.Buffer
	open bool
	over bool
}

// line takes the next line and reports whether it belongs to the story: it is
// not part of an envelope.
func (e *envelope) line(s string) bool {
	switch {
	case strings.HasPrefix(s, envelopeStart):
		e.sum, e.open = strings.TrimPrefix(s, envelopeStart), true
		e.text.Reset()
	case e.open && s == envelopeEnd:
		e.open = false
	case e.open && e.text.Len()+len(s) > envelopeLimit:
		e.over = true
	case e.open:
		e.text.WriteString(s + "\n")
	default:
		return true
	}
	return false
}

// document returns the snapshot's text, nil if there was none. Failed if it
// did not come whole.
func (e *envelope) document() ([]byte, error) {
	if e.sum == "" {
		return nil, nil
	}
	sum := sha256.Sum256(e.text.Bytes())
	if e.over || e.open || hex.EncodeToString(sum[:]) != e.sum {
		return nil, schema.Errorf(schema.Failed, "the snapshot in the agent's log is not whole")
	}
	return e.text.Bytes(), nil
}
