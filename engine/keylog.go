package engine

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"os"
	"sync"

	"github.com/NVIDIA/eidos/schema"
)

// keyLog is the entries of a store, one line each, the newest last:
//
//	CRC KEY STEP JSON\n
//
// CRC is CRC-32C of the rest, 8 hex digits; KEY the hex digest; STEP the FNV-64a
// of pipeline and step, 16 hex digits. A line is one write, so that those of
// several processes do not mix. A line whose CRC is wrong, which is the torn
// last one of a killed process, is passed over. Entries that others add while
// the log is open are seen by the next who opens it.
type keyLog struct {
	path   string
	mu     sync.Mutex
	f      *os.File
	data   []byte           // of the file, when it was opened
	keys   map[[32]byte]int // offset in data of the newest line
	step   map[uint64]int   // of the newest line of a step
	new    map[schema.Digest]Entry
	newest map[[2]string]Entry
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	keyAt   = 9 // offsets in a line
	stepAt  = keyAt + 65
	jsonAt  = stepAt + 17
	lineMax = 16 << 20
)

// openKeyLog reads the log. With compact, and if most of it is outdated, it is
// written anew first; nobody else may have it open then.
func openKeyLog(path string, compact bool) (*keyLog, error) {
	l := &keyLog{path: path, new: map[schema.Digest]Entry{}, newest: map[[2]string]Entry{}}
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	l.read(data)
	if compact && l.outdated() {
		if err := l.rewrite(); err != nil {
			return nil, err
		}
	}
	l.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := l.f.Chmod(0o600); err != nil {
		l.f.Close()
		return nil, err
	}
	if compact {
		err = mend(l.f)
	}
	return l, err
}

// read indexes data. Only what lines begin with is looked at.
func (l *keyLog) read(data []byte) {
	lines := bytes.Count(data, []byte{'\n'})
	l.data, l.keys, l.step = data, make(map[[32]byte]int, lines), make(map[uint64]int, lines)
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			break
		}
		key, step, ok := parseLine(data[at : at+end])
		if ok {
			l.keys[key] = at
			l.step[step] = at
		}
		at += end + 1
	}
}

// parseLine checks one line, without its newline.
func parseLine(line []byte) (key [32]byte, step uint64, ok bool) {
	if len(line) < jsonAt || line[keyAt-1] != ' ' || line[stepAt-1] != ' ' || line[jsonAt-1] != ' ' {
		return key, 0, false
	}
	var crc [4]byte
	if _, err := hex.Decode(crc[:], line[:8]); err != nil {
		return key, 0, false
	}
	if sum := crc32.Checksum(line[keyAt:], castagnoli); sum != uint32(crc[0])<<24|uint32(crc[1])<<16|uint32(crc[2])<<8|uint32(crc[3]) {
		return key, 0, false
	}
	if _, err := hex.Decode(key[:], line[keyAt:stepAt-1]); err != nil {
		return key, 0, false
	}
	var s [8]byte
	if _, err := hex.Decode(s[:], line[stepAt:jsonAt-1]); err != nil {
		return key, 0, false
	}
	for _, b := range s {
		step = step<<8 | uint64(b)
	}
	return key, step, true
}

func stepHash(pipeline, step string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(pipeline))
	h.Write([]byte{0})
	h.Write([]byte(step))
	return h.Sum64()
}

// format is parseLine's inverse, with the newline.
func format(e Entry) ([]byte, error) {
	h, err := hexOf(e.Key)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	rest := fmt.Appendf(make([]byte, 0, jsonAt+len(data)+1), "%08x %s %016x ", 0, h, stepHash(e.Pipeline, e.Step))
	rest = append(rest, data...)
	copy(rest, fmt.Sprintf("%08x", crc32.Checksum(rest[keyAt:], castagnoli)))
	if len(rest) > lineMax {
		return nil, fmt.Errorf("the entry of %q is over %d MiB", e.Step, lineMax>>20)
	}
	return append(rest, '\n'), nil
}

// entryAt decodes the line at an offset.
func (l *keyLog) entryAt(at int) (Entry, error) {
	line := l.data[at:]
	line = line[:bytes.IndexByte(line, '\n')]
	var e Entry
	if err := json.Unmarshal(line[jsonAt:], &e); err != nil {
		return Entry{}, fmt.Errorf("reading an entry of %q: %w", l.path, err)
	}
	return e, nil
}

func (l *keyLog) lookup(key schema.Digest) (Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.new[key]; ok {
		return e, true, nil
	}
	h, err := hexOf(key)
	if err != nil {
		return Entry{}, false, err
	}
	var k [32]byte
	hex.Decode(k[:], []byte(h))
	at, ok := l.keys[k]
	if !ok {
		return Entry{}, false, nil
	}
	e, err := l.entryAt(at)
	return e, err == nil, err
}

func (l *keyLog) last(pipeline, step string) (Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.newest[[2]string{pipeline, step}]; ok {
		return e, true, nil
	}
	at, ok := l.step[stepHash(pipeline, step)]
	if !ok {
		return Entry{}, false, nil
	}
	e, err := l.entryAt(at)
	return e, err == nil, err
}

func (l *keyLog) record(e Entry) error {
	line, err := format(e)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, err := l.f.Write(line); err != nil {
		if n > 0 { // half a line, on a full disk: end it, so that it spoils no other
			l.f.Write([]byte{'\n'})
		}
		return err
	}
	l.new[e.Key] = e
	l.newest[[2]string{e.Pipeline, e.Step}] = e
	return nil
}

func (l *keyLog) sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.new) == 0 {
		return nil
	}
	return l.f.Sync()
}

func (l *keyLog) close() error { return l.f.Close() }

// compactAt is the size in bytes from which the log is worth compacting.
const compactAt = 1 << 20

// outdated reports whether more than half of the lines say nothing new.
func (l *keyLog) outdated() bool {
	return len(l.data) > compactAt && bytes.Count(l.data, []byte{'\n'}) > 2*len(l.live())
}

// live lists the offsets of the lines that are the newest of their key or of
// their step.
func (l *keyLog) live() map[int]bool {
	live := make(map[int]bool, len(l.keys))
	for _, at := range l.keys {
		live[at] = true
	}
	for _, at := range l.step {
		live[at] = true
	}
	return live
}

// rewrite keeps the live lines, in their order.
func (l *keyLog) rewrite() error { return l.keep(l.live()) }

// keep writes the log anew with the lines at the given offsets.
func (l *keyLog) keep(live map[int]bool) error {
	out := make([]byte, 0, len(l.data))
	for at := 0; at < len(l.data); {
		end := bytes.IndexByte(l.data[at:], '\n')
		if end < 0 {
			break
		}
		if live[at] {
			out = append(out, l.data[at:at+end+1]...)
		}
		at += end + 1
	}
	tmp := l.path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(out)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, l.path)
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	l.read(out)
	return nil
}
