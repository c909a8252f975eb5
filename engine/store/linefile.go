package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"syscall"
)

// lineFile is an append-only file of lines, each begun by the CRC-32C of its
// rest in 8 hex digits and a space:
//
//	CRC REST\n
//
// A line is one write, so that those of several processes do not mix. The torn
// last line of a killed process, or of a full disk, is ended by the next writer
// with torn. It is passed over, as is every line whose CRC is wrong; the latter
// is damaged. Lines that others add while the file is open are seen by the next
// who opens it.
type lineFile struct {
	path  string
	mu    sync.Mutex
	f     *os.File // nil until the first line is added
	half  bool     // see appendLines
	dirty bool
	data  []byte // of the file, when it was opened; offsets are into it, and it only grows
}

const (
	restAt  = 9 // where the rest of a line begins
	lineMax = 16 << 20
)

// torn ends a line that was not written to its end: ASCII's "cancel", which no
// JSON contains, and the newline.
const torn = "\x18\n"

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// load reads the file. One that is not there is empty, and is made by the first add.
func (l *lineFile) load(path string) error {
	l.path = path
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	l.data = data
	return nil
}

// each calls f with every sound line: its offset, and its rest.
func (l *lineFile) each(f func(at int, rest []byte)) { l.eachFrom(0, f) }

func (l *lineFile) eachFrom(start int, f func(at int, rest []byte)) {
	l.scan(start, f, func(int) {})
}

// damaged returns how many lines are neither sound nor torn, and the number of
// the first, from 1.
func (l *lineFile) damaged() (count, first int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scan(0, func(int, []byte) {}, func(at int) {
		if count++; count == 1 {
			first = 1 + bytes.Count(l.data[:at], []byte("\n"))
		}
	})
	return count, first
}

// scan visits the lines from offset start on: sound ones, and damaged ones.
func (l *lineFile) scan(start int, sound func(at int, rest []byte), damaged func(at int)) {
	table := castagnoli()
	for at := start; at < len(l.data); {
		end := bytes.IndexByte(l.data[at:], '\n')
		if end < 0 {
			return
		}
		line := l.data[at : at+end]
		switch {
		case hasSum(line, table):
			sound(at, line[restAt:])
		case end == 0 || line[end-1] != torn[0]:
			damaged(at)
		}
		at += end + 1
	}
}

// hasSum reports whether line begins with the CRC of its rest.
func hasSum(line []byte, table *crc32.Table) bool {
	var crc [4]byte
	if len(line) <= restAt || line[restAt-1] != ' ' {
		return false
	}
	if _, err := hex.Decode(crc[:], line[:restAt-1]); err != nil {
		return false
	}
	return crc32.Checksum(line[restAt:], table) == binary.BigEndian.Uint32(crc[:])
}

// grow reads what was added to the file since it was read, by anybody, and
// reports whether there was anything. Whoever calls holds mu. A line that is being
// written is left for the next time. The file shrinks only while nobody else has the
// store, so what was read stays what it was.
func (l *lineFile) grow() bool {
	f, err := os.Open(l.path)
	if err != nil {
		return false
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() <= int64(len(l.data)) {
		return false
	}
	more := make([]byte, fi.Size()-int64(len(l.data)))
	n, _ := f.ReadAt(more, int64(len(l.data)))
	more = more[:bytes.LastIndexByte(more[:n], '\n')+1]
	l.data = append(l.data, more...)
	return len(more) > 0
}

// rest returns the line at an offset that each gave.
func (l *lineFile) rest(at int) []byte {
	line := l.data[at+restAt:]
	return line[:bytes.IndexByte(line, '\n')]
}

// add appends a line. line has room for the CRC in front of the rest, and no
// newline.
func (l *lineFile) add(line []byte) error {
	if len(line) > lineMax {
		return fmt.Errorf("a line of over %d MiB", lineMax>>20)
	}
	const digits = "0123456789abcdef"
	sum := crc32.Checksum(line[restAt:], castagnoli())
	for i := range 8 {
		line[i] = digits[sum>>(28-4*i)&15]
	}
	line[8] = ' '
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	l.dirty = true
	return appendLines(l.f, &l.half, append(line, '\n'))
}

// appendLines adds whole lines to f. A full disk may take half of one: it is ended,
// so that it spoils no other, at once, or before the next line where there is no
// room for that either, which half keeps between calls.
func appendLines(f *os.File, half *bool, lines []byte) error {
	if *half {
		if err := mend(f); err != nil {
			return err
		}
		*half = false
	}
	n, err := f.Write(lines)
	if err != nil && n > 0 {
		*half = mend(f) != nil
	}
	return err
}

// open makes the file ready to append to.
func (l *lineFile) open() error {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err = f.Chmod(0o600); err == nil {
		err = mend(f)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.f = f
	return nil
}

// mend ends the torn last line of a killed process.
func mend(f *os.File) error {
	fi, err := f.Stat()
	if err != nil || fi.Size() == 0 {
		return err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], fi.Size()-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = f.Write([]byte(torn))
	}
	return err
}

// sync puts what was added on the disk. It is the slowest thing the store does, some
// milliseconds: at the end of a run, and after each effect.
func (l *lineFile) sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dirty {
		return nil
	}
	l.dirty = false
	return l.f.Sync()
}

func (l *lineFile) close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}

// keep writes the file anew with the lines at the given offsets, in their
// order. Nobody else may have it open: they would add to a file without a name. Offsets
// are others afterwards, so the caller makes its index anew.
func (l *lineFile) keep(live map[int]bool) error {
	out := make([]byte, 0, len(l.data))
	l.each(func(at int, rest []byte) {
		if live[at] {
			out = append(out, l.data[at:at+restAt+len(rest)+1]...)
		}
	})
	err := replaceFile(l.path, out)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		// No room for both: lines move towards the beginning of the file that is
		// there. A crash in the middle may cost the line that it moves.
		err = overwriteFile(l.path, out)
	}
	if err != nil {
		return err
	}
	l.data = out
	return nil
}

// replaceFile writes data beside path and renames it. It is flushed before, so that a
// power failure leaves the old file or the new one.
func replaceFile(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp) // the next to write it truncates it
	}
	return err
}

// overwriteFile writes data, which is no longer than the file, into it.
func overwriteFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
