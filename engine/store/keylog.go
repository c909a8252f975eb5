package store

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/schema"
)

// keyLog is the entries of a store, the newest last. The rest of a line is
//
//	KEY STEP JSON
//
// KEY is the hex digest; STEP the FNV-64a of pipeline and step, 16 hex digits,
// so that an index is made without reading any JSON. A log of 10,000 entries is some
// 10 MB: every command that opens the store reads it, and few look at an entry.
//
// Lookups see what was there when the log was opened and what this process has added.
// What others add meanwhile is seen by the next run: a step may run twice for that, and
// has the same result.
type keyLog struct {
	lineFile
	keys   map[[32]byte]int                // offset of the newest line
	steps  map[uint64]int                  // of the newest line of a step
	added  map[schema.Digest]*engine.Entry // by this process, under mu
	latest map[[2]string]*engine.Entry     // the same by pipeline and step
}

const (
	stepAt = 65 // offsets in the rest of a line
	jsonAt = stepAt + 17
)

func openKeyLog(path string, alone bool) (*keyLog, error) {
	l := &keyLog{added: map[schema.Digest]*engine.Entry{}, latest: map[[2]string]*engine.Entry{}}
	if err := l.load(path); err != nil {
		return nil, err
	}
	l.index()
	if alone && l.outdated() && l.keep(l.live()) == nil { // else another time
		l.index()
	}
	return l, nil
}

// index reads the lines from the oldest on: the newest of a key, and of a step, wins.
func (l *keyLog) index() {
	guess := len(l.data) / 512
	l.keys, l.steps = make(map[[32]byte]int, guess), make(map[uint64]int, guess)
	l.each(func(at int, rest []byte) {
		if key, step, ok := parseKeyLine(rest); ok {
			l.keys[key], l.steps[step] = at, at
		}
	})
}

func parseKeyLine(rest []byte) (key [32]byte, step uint64, ok bool) {
	if len(rest) < jsonAt || rest[stepAt-1] != ' ' || rest[jsonAt-1] != ' ' {
		return key, 0, false
	}
	if _, err := hex.Decode(key[:], rest[:stepAt-1]); err != nil {
		return key, 0, false
	}
	var s [8]byte
	if _, err := hex.Decode(s[:], rest[stepAt:jsonAt-1]); err != nil {
		return key, 0, false
	}
	for _, b := range s {
		step = step<<8 | uint64(b)
	}
	return key, step, true
}

// stepHash need not be cryptographic: two steps with one hash share a Last, which only
// explains a decision.
func stepHash(pipeline, step string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(pipeline))
	h.Write([]byte{0})
	h.Write([]byte(step))
	return h.Sum64()
}

func (l *keyLog) entryAt(at int) (engine.Entry, error) {
	var e engine.Entry
	if err := json.Unmarshal(l.rest(at)[jsonAt:], &e); err != nil {
		return engine.Entry{}, fmt.Errorf("reading an entry of %q: %w", l.path, err)
	}
	return e, nil
}

// resultAt is entryAt without the parts of the key, which are most of an entry.
func (l *keyLog) resultAt(at int) (engine.Entry, error) {
	e, err := readResult(l.rest(at)[jsonAt:])
	if err != nil {
		return engine.Entry{}, fmt.Errorf("reading an entry of %q: %w", l.path, err)
	}
	return e, nil
}

// lookup returns the newest entry of a key. One that was added here comes before those
// of the file.
func (l *keyLog) lookup(key schema.Digest) (engine.Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.added[key]; ok {
		return *e, true, nil
	}
	k, err := key32(key)
	if err != nil {
		return engine.Entry{}, false, err
	}
	at, ok := l.keys[k]
	if !ok {
		return engine.Entry{}, false, nil
	}
	e, err := l.resultAt(at)
	return e, err == nil, err
}

func (l *keyLog) last(pipeline, step string) (engine.Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.latest[[2]string{pipeline, step}]; ok {
		return *e, true, nil
	}
	at, ok := l.steps[stepHash(pipeline, step)]
	if !ok {
		return engine.Entry{}, false, nil
	}
	e, err := l.entryAt(at)
	return e, err == nil, err
}

// startsWith returns the newest entry of the key that keyStart shortened.
func (l *keyLog) startsWith(start string) (engine.Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(start) != 2*key.ShortSize {
		return engine.Entry{}, false, nil
	}
	for k, e := range l.added {
		if key.Short(k) == start {
			return *e, true, nil
		}
	}
	for k, at := range l.keys {
		if hex.EncodeToString(k[:key.ShortSize]) == start {
			e, err := l.entryAt(at)
			return e, err == nil, err
		}
	}
	return engine.Entry{}, false, nil
}

// record adds an entry: to the file first, so that nothing in memory is found that the
// next process does not have.
func (l *keyLog) record(e engine.Entry) error {
	h, err := e.Key.Hex()
	if err != nil {
		return err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line := make([]byte, restAt, restAt+jsonAt+len(data)+1)
	line = fmt.Appendf(line, "%s %016x ", h, stepHash(e.Pipeline, e.Step))
	if err := l.add(append(line, data...)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.added[e.Key], l.latest[[2]string{e.Pipeline, e.Step}] = &e, &e
	return nil
}

// compactAt is the size in bytes from which the log is worth compacting.
const compactAt = 1 << 20

// outdated reports whether more than half of the lines say nothing new.
func (l *keyLog) outdated() bool {
	if len(l.data) < compactAt {
		return false
	}
	lines := 0
	l.each(func(int, []byte) { lines++ })
	return lines > 2*len(l.live())
}

// live lists the offsets of the lines that are the newest of their key or of
// their step.
func (l *keyLog) live() map[int]bool {
	live := make(map[int]bool, len(l.keys))
	for _, at := range l.keys {
		live[at] = true
	}
	for _, at := range l.steps {
		live[at] = true
	}
	return live
}
