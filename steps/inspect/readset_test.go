package inspect

import (
	"fmt"
	"testing"

	"github.com/NVIDIA/eidos/recipes/charts/reads"
)

// A chart with many values takes as many lookups as they have keys, however many
// paths are read.
func TestReadSet(t *testing.T) {
	const n = 2000
	found := []reads.Path{{Keys: []string{"a", "b"}}, {Keys: []string{"map"}, Whole: true}}
	for i := range n {
		found = append(found, reads.Path{Keys: []string{fmt.Sprint("k", i), "a"}})
	}
	s := setOf(found)
	for _, c := range []struct {
		keys        []string
		read, whole bool
	}{
		{nil, true, false}, {[]string{"a"}, true, false}, {[]string{"a", "b"}, true, false}, {[]string{"a", "b", "c"}, false, false},
		{[]string{"map", "x", "y"}, true, true}, {[]string{"map"}, true, true}, {[]string{"ma"}, false, false}, {[]string{""}, false, false},
	} {
		if r, w := s.read(c.keys), s.whole(c.keys); r != c.read || w != c.whole {
			t.Errorf("%q: read %t, whole %t", c.keys, r, w)
		}
	}
	s.lookups = 0
	for i := range n {
		s.read([]string{fmt.Sprint("k", i), "b"})
	}
	if s.lookups > 4*n {
		t.Errorf("%d lookups for %d values", s.lookups, n)
	}
	if all := setOf([]reads.Path{{Whole: true}}); !all.read([]string{"x"}) || !all.whole([]string{"x"}) {
		t.Error("values that are passed through whole are not read")
	}
}
