package key

import (
	"encoding/binary"
	"strconv"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// OfResult is where the result of an attempt at a step of a run is found. It is of that
// run alone, and never equal to the key of content: its parts have other names.
func OfResult(run, step string, attempt int) schema.Digest {
	var text []byte
	text = appendPart(text, "result of run", run)
	text = appendPart(text, "step", step)
	text = appendPart(text, "attempt", strconv.Itoa(attempt))
	return schema.DigestOf(text)
}

// appendPart adds a part to what is hashed: name and value, each after its length, so
// that no two lists of parts are the same text.
func appendPart(text []byte, name, value string) []byte {
	for _, s := range [...]string{name, value} {
		text = binary.BigEndian.AppendUint64(text, uint64(len(s)))
		text = append(text, s...)
	}
	return text
}

// ShortSize is the length in bytes of what keyStart writes in hex.
const ShortSize = 6

// Short is how a key begins: enough to distinguish it from the others of a store,
// and short, because each step of each run records it. 48 bits: among a million keys two
// are the same with a chance of 1 in 560. It selects what is explained, and of a run that
// is resumed only together with the id of the step.
func Short(key schema.Digest) string {
	h, err := key.Hex()
	if err != nil {
		return ""
	}
	return h[:2*ShortSize]
}

// Key is what a key is made of.
type Key struct {
	Kind   *engine.Kind
	With   string        // canonical parameters
	Inputs []Input       // by port, then in order
	Extra  []engine.Part // of the kind, of files and of the environment
}

// Input is a document that a step is given.
type Input struct {
	Port   string
	List   bool
	Digest schema.Digest
}

// write is the one place that decides what a key covers: part takes one after the
// other, to be hashed or to be kept, so that what is explained is what was hashed.
func (k *Key) write(part func(name, value string)) {
	part("kind", k.Kind.Name)
	part("version", strconv.Itoa(k.Kind.Version))
	part("with", k.With)
	n := 0
	for i, in := range k.Inputs {
		if i > 0 && k.Inputs[i-1].Port == in.Port {
			n++
		} else {
			n = 0
		}
		name := "input " + in.Port
		if in.List {
			name = "input " + in.Port + "[" + strconv.Itoa(n) + "]"
		}
		part(name, string(in.Digest))
	}
	for _, p := range k.Extra {
		part(p.Name, p.Value)
	}
}

// Digest is what results are stored under.
func (k *Key) Digest() schema.Digest {
	text := make([]byte, 0, 512) // on the stack, but for a long key
	k.write(func(name, value string) { text = appendPart(text, name, value) })
	return schema.DigestOf(text)
}

// Parts are what the digest covers, by name, to say which of them changed.
func (k *Key) Parts() []engine.Part {
	parts := make([]engine.Part, 0, 3+len(k.Inputs)+len(k.Extra))
	k.write(func(name, value string) { parts = append(parts, engine.Part{Name: name, Value: value}) })
	return parts
}
