package store

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/NVIDIA/eidos/schema"
)

// smallLog holds small documents, one a line: making a file for each would
// cost more than all the rest of a step. The rest of a line is
//
//	DIGEST DOCUMENT
//
// where the document is what Encode writes: JSON without a newline but the
// last, which is that of the line.
type smallLog struct {
	lineFile
	at    map[[32]byte]int    // offsets of what was read
	added map[[32]byte][]byte // by this process, with the newline; under mu
}

// small is the length in bytes up to which a document goes into the log.
const small = 4096

// fits reports whether data fits on one line.
func fits(data []byte) bool {
	return len(data) > 0 && len(data) <= small && bytes.IndexByte(data, '\n') == len(data)-1
}

// openSmallLog reads the log and indexes it. Documents are checked when they are read,
// by digest; the CRC of a line only tells whether it is whole.
func openSmallLog(path string) (*smallLog, error) {
	l := &smallLog{added: map[[32]byte][]byte{}}
	if err := l.load(path); err != nil {
		return nil, err
	}
	l.index()
	return l, nil
}

func (l *smallLog) index() {
	l.at = make(map[[32]byte]int, len(l.data)/512)
	l.indexFrom(0)
}

func (l *smallLog) indexFrom(start int) {
	l.eachFrom(start, func(at int, rest []byte) {
		var d [32]byte
		if len(rest) > 65 && rest[64] == ' ' {
			if _, err := hex.Decode(d[:], rest[:64]); err == nil {
				l.at[d] = at
			}
		}
	})
}

// key32 returns the bytes of d.
func key32(d schema.Digest) (k [32]byte, err error) {
	h, err := d.Hex()
	if err == nil {
		var text [64]byte // on the stack
		copy(text[:], h)
		_, err = hex.Decode(k[:], text[:])
	}
	return k, err
}

// put adds a document that fits, unless it is there. Two that put the same one at once
// may both add it: the lines say the same.
func (l *smallLog) put(d schema.Digest, data []byte) error {
	k, err := key32(d)
	if err != nil {
		return noBlob(d)
	}
	l.mu.Lock()
	_, old := l.at[k]
	_, new := l.added[k]
	l.mu.Unlock()
	if old || new {
		return nil
	}
	line := make([]byte, restAt, restAt+65+len(data))
	line = append(append(append(line, d[len("sha256:"):]...), ' '), data[:len(data)-1]...)
	if err := l.add(line); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.added[k] = bytes.Clone(data)
	return nil
}

// get returns a document, nil if it is not here. The caller must not change
// it.
func (l *smallLog) get(d schema.Digest) []byte {
	k, err := key32(d)
	if err != nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if data, ok := l.added[k]; ok {
		return data
	}
	at, ok := l.at[k]
	if !ok { // another process may have added it
		before := len(l.data)
		if !l.grow() {
			return nil
		}
		l.indexFrom(before)
		if at, ok = l.at[k]; !ok {
			return nil
		}
	}
	rest := l.rest(at)
	// The newline of the line is that of the document.
	return rest[65 : len(rest)+1]
}

// size is the length of a document in bytes, -1 if it is not here.
func (l *smallLog) size(d schema.Digest) int64 {
	if data := l.get(d); data != nil {
		return int64(len(data))
	}
	return -1
}

// digests lists the documents that were there when the log was opened.
func (l *smallLog) digests() []schema.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []schema.Digest
	for k := range l.at {
		out = append(out, digest32(k))
	}
	slices.Sort(out)
	return out
}

// forget drops a document that turned out to be damaged, so that the next put adds it
// again. Its line stays until a compaction.
func (l *smallLog) forget(d schema.Digest) {
	k, _ := key32(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.at, k)
	delete(l.added, k)
}

func digest32(k [32]byte) schema.Digest {
	return schema.DigestOfSum(k[:])
}
