package key

import (
	"encoding/binary"
	"strconv"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// OfResult is where the result of an attempt at a step of a run is found.
func OfResult(run, step string, attempt int) schema.Digest {
	k := newHasher()
	k.part("result of run", run)
	k.part("step", step)
	k.part("attempt", strconv.Itoa(attempt))
	return k.digest()
}

// partWriter takes the named parts of a key, one after the other. There are
// two: one hashes and one keeps the text, so that what is explained is what
// was hashed.
type partWriter interface{ part(name, value string) }

// hasher is the key itself: the SHA-256 of all parts, each name and value
// after its length.
type hasher struct{ text []byte }

func newHasher() *hasher { return &hasher{make([]byte, 0, 512)} }

func (k *hasher) part(name, value string) {
	for _, s := range [...]string{name, value} {
		k.text = binary.BigEndian.AppendUint64(k.text, uint64(len(s)))
		k.text = append(k.text, s...)
	}
}

func (k *hasher) digest() schema.Digest { return schema.DigestOf(k.text) }

// recorder is the parts to read and compare.
type recorder struct{ parts []engine.Part }

func (k *recorder) part(name, value string) {
	k.parts = append(k.parts, engine.Part{Name: name, Value: value})
}

// ShortSize is the length in bytes of what keyStart writes in hex.
const ShortSize = 6

// Short is how a key begins: enough to distinguish it from the others of a store,
// and short, because each step of each run records it.
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

// write is the one place that decides what a key covers.
func (k *Key) write(w partWriter) {
	w.part("kind", k.Kind.Name)
	w.part("version", strconv.Itoa(k.Kind.Version))
	w.part("with", k.With)
	n := 0
	for i, in := range k.Inputs {
		if i > 0 && k.Inputs[i-1].Port == in.Port {
			n++
		} else {
			n = 0
		}
		name := "input " + in.Port
		if in.List {
			name += "[" + strconv.Itoa(n) + "]"
		}
		w.part(name, string(in.Digest))
	}
	for _, p := range k.Extra {
		w.part(p.Name, p.Value)
	}
}

// Digest is what results are stored under.
func (k *Key) Digest() schema.Digest {
	h := newHasher()
	k.write(h)
	return h.digest()
}

// Parts are what the digest covers, by name, to say which of them changed.
func (k *Key) Parts() []engine.Part {
	t := recorder{make([]engine.Part, 0, 3+len(k.Inputs)+len(k.Extra))}
	k.write(&t)
	return t.parts
}
