package charts

import (
	"strings"
	"unicode"

	"github.com/NVIDIA/eidos/schema"
)

// nearest is the path with an effect that keys most likely meant, "" if none is
// really near. depth is how far keys are known.
func (c *Chart) nearest(keys []string, depth int) string {
	// A misspelt key: the same path with a key beside it.
	if depth < len(keys) {
		n := c.root
		for _, k := range keys[:depth] {
			n = n.sub[k]
		}
		var siblings []string
		for k := range n.sub {
			siblings = append(siblings, k)
		}
		if s := schema.Nearest(keys[depth], siblings); s != "" {
			try := append(append(append([]string{}, keys[:depth]...), s), keys[depth+1:]...)
			if _, err := c.knows(try); err {
				return JoinPath(try)
			}
		}
	}
	// Another place or another name: the path that shares most words with it.
	want := words(keys)
	best, score := "", 0.0
	var walk func(n *node, at []string)
	walk = func(n *node, at []string) {
		if (n.value != nil && !n.value.Unread || n.read) && len(at) > 0 {
			if s := likeness(want, words(at)); s > score || s == score && better(JoinPath(at), best) {
				best, score = JoinPath(at), s
			}
		}
		for k, e := range n.sub {
			walk(e, append(at[:len(at):len(at)], k))
		}
	}
	walk(c.root, nil)
	if score < 0.4 {
		return ""
	}
	return best
}

// knows is Know without a search for the nearest.
func (c *Chart) knows(keys []string) (*node, bool) {
	n := c.root
	if n == nil { // a zero Chart
		return nil, false
	}
	for _, k := range keys {
		if n.free {
			return n, true
		}
		if n = n.sub[k]; n == nil {
			return nil, false
		}
	}
	return n, n.value == nil || !n.value.Unread || n.read
}

// better decides between equals, so that the answer is always the same.
func better(a, b string) bool { return b == "" || len(a) < len(b) || len(a) == len(b) && a < b }

// words are the words of a path: keys cut where letters become capitals, and
// those that charts use for the same thing made one.
func words(keys []string) map[string]bool {
	out := map[string]bool{}
	for _, k := range keys {
		var b strings.Builder
		flush := func() {
			w := strings.ToLower(b.String())
			b.Reset()
			switch w {
			case "enable", "enabled", "install", "installed", "deploy", "create", "use":
				w = "enabled"
			}
			if w = strings.TrimSuffix(w, "s"); w != "" {
				out[w] = true
			}
		}
		last := 'A'
		for _, r := range k {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsUpper(r) && !unicode.IsUpper(last) {
				flush()
			}
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				b.WriteRune(r)
			}
			last = r
		}
		flush()
	}
	return out
}

// likeness is the share of words that both have.
func likeness(a, b map[string]bool) float64 {
	both := 0
	for w := range a {
		if b[w] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}
