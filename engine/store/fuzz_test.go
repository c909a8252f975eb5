package store

import (
	"bytes"
	"testing"
)

func FuzzLineFile(f *testing.F) {
	f.Add([]byte("00000000 x\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := lineFile{data: data}
		l.each(func(at int, rest []byte) {
			if !bytes.Equal(l.rest(at), rest) {
				t.Fatal("rest differs")
			}
		})
		k := keyLog{lineFile: lineFile{data: data}}
		k.index()
		for at := range k.live() {
			if _, err := k.entryAt(at); err == nil && at > len(data) {
				t.Fatal("beyond the end")
			}
		}
		s := smallLog{lineFile: lineFile{data: data}}
		s.index()
		for d := range s.at {
			if doc := s.get(digest32(d)); len(doc) == 0 || doc[len(doc)-1] != '\n' {
				t.Fatal("not a line")
			}
		}
	})
}
