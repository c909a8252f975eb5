package engine

import (
	"encoding/binary"
	"strconv"

	"github.com/NVIDIA/eidos/schema"
)

// partWriter takes the named parts of a key, one after the other. There are
// two: one hashes and one keeps the text, so that what is explained is what
// was hashed.
type partWriter interface{ part(name, value string) }

// keyHash is the key itself: the SHA-256 of all parts, each name and value
// after its length.
type keyHash struct{ text []byte }

func newKeyHash() *keyHash { return &keyHash{make([]byte, 0, 512)} }

func (k *keyHash) part(name, value string) {
	for _, s := range [...]string{name, value} {
		k.text = binary.BigEndian.AppendUint64(k.text, uint64(len(s)))
		k.text = append(k.text, s...)
	}
}

func (k *keyHash) digest() schema.Digest { return digestOf(k.text) }

// keyText is the parts to read and compare.
type keyText struct{ parts []Part }

func (k *keyText) part(name, value string) { k.parts = append(k.parts, Part{name, value}) }

// keyStartSize is the length in bytes of what keyStart writes in hex.
const keyStartSize = 6

// keyStart is how a key begins: enough to tell it from the others of a store,
// and short, because each step of each run says it.
func keyStart(key schema.Digest) string {
	h, err := hexOf(key)
	if err != nil {
		return ""
	}
	return h[:2*keyStartSize]
}

// keyParts is what a key is made of.
type keyParts struct {
	kind   *Kind
	with   string     // canonical parameters
	inputs []inDigest // by port, then in order
	extra  []Part     // of the kind, of files and of the environment
}

type inDigest struct {
	port   string
	list   bool
	digest schema.Digest
}

// write is the one place that says what a key covers.
func (k *keyParts) write(w partWriter) {
	w.part("kind", k.kind.Name)
	w.part("version", strconv.Itoa(k.kind.Version))
	w.part("with", k.with)
	n := 0
	for i, in := range k.inputs {
		if i > 0 && k.inputs[i-1].port == in.port {
			n++
		} else {
			n = 0
		}
		name := "input " + in.port
		if in.list {
			name += "[" + strconv.Itoa(n) + "]"
		}
		w.part(name, string(in.digest))
	}
	for _, p := range k.extra {
		w.part(p.Name, p.Value)
	}
}

func (k *keyParts) digest() schema.Digest {
	h := newKeyHash()
	k.write(h)
	return h.digest()
}

func (k *keyParts) parts() []Part {
	t := keyText{make([]Part, 0, 3+len(k.inputs)+len(k.extra))}
	k.write(&t)
	return t.parts
}
