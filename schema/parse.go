package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/NVIDIA/eidos/schema/path"
)

// Limits of every document that is read.
const (
	MaxBytes = 32 << 20 // a snapshot of 5,000 nodes is 10 MiB
	maxDepth = 64       // levels of nesting
	maxNodes = 2 << 20  // keys and values, after aliases are followed
)

// Doc is a parsed YAML or JSON document that knows where everything stands.
// It is not changed after Parse and may be read concurrently.
type Doc struct {
	name  string     // as errors show it: a path, a URI, "<stdin>"
	root  *yaml.Node // a mapping, sequence or scalar
	path  []string   // of root in the file
	noPos bool       // the text is ours, not the user's: no positions in messages
	index *index     // shared by all parts of a file
}

// index finds keys of mappings of more than a few: where there is a problem
// with each of 200,000 keys, each is looked for. It is filled when asked.
type index struct {
	mu   sync.Mutex
	keys map[*yaml.Node]map[string]int // of a mapping: key → its place in Content
}

// small is how many keys of a mapping are looked through one by one.
const small = 16

func (x *index) find(n *yaml.Node, key string) int {
	if len(n.Content) <= 2*small {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return i
			}
		}
		return -1
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := x.keys[n]
	if keys == nil {
		keys = make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			keys[n.Content[i].Value] = i
		}
		if x.keys == nil {
			x.keys = map[*yaml.Node]map[string]int{}
		}
		x.keys[n] = keys
	}
	if i, ok := keys[key]; ok {
		return i
	}
	return -1
}

// Parse reads one YAML or JSON document; name is for messages. It refuses, as
// Invalid, text that is too long, too deep, or too large once its aliases are
// followed, and duplicate keys.
func Parse(name string, data []byte) (*Doc, error) {
	if len(data) > MaxBytes {
		return nil, Errorf(Invalid, "reading %q: %d MiB is over the limit of %d MiB", name, len(data)>>20, MaxBytes>>20)
	}
	if !utf8.Valid(data) {
		return nil, Errorf(Invalid, "reading %q: not UTF-8 text", name)
	}
	if root, ok := parseJSON(data); ok {
		return newDoc(&Doc{name: name, root: root})
	}
	if root, ok := parseYAML(data); ok {
		return newDoc(&Doc{name: name, root: root})
	}
	var root yaml.Node
	var err error
	if j := bytes.TrimLeft(data, " \t\r\n"); len(j) > 0 && j[0] == '{' && bytes.ContainsRune(data, '\t') {
		data = untab(data) // YAML does not take JSON that is indented with tabs
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err = dec.Decode(&root); err != nil {
		return nil, syntaxError(name, string(data), err)
	}
	var more yaml.Node
	if dec.Decode(&more) == nil {
		return nil, Errorf(Invalid, "more than one document in the file").At(fmt.Sprintf("%s:%d:%d", name, more.Line, more.Column), "")
	}
	return newDoc(&Doc{name: name, root: root.Content[0]})
}

// parseJSON reads text that is JSON, which takes a tenth of the time of the YAML
// parser. ok is false for what is not, and for what YAML reads in another way:
// escapes by number, whose surrogates it does not join, and its own line breaks.
func parseJSON(data []byte) (root *yaml.Node, ok bool) {
	start := bytes.TrimLeft(data, " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' || !json.Valid(data) || bytes.Contains(data, []byte(`\u`)) ||
		bytes.Contains(data, []byte("\u0085")) || bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029")) {
		return nil, false
	}
	b := nodes{rest: data, all: data, line: 1, column: 1}
	root, err := b.value()
	return root, err == nil
}

// newDoc returns d if it is within the limits of documents.
func newDoc(d *Doc) (*Doc, error) {
	d.index = &index{}
	c := checker{doc: d}
	c.walk(d.root, make([]string, 0, maxDepth+2), 0) // the paths of all values share it
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// FromValue returns v, a document or plain values, as a Doc that has no text, so
// that messages have no positions in it. at is its path in messages.
func FromValue(v any, at ...string) (*Doc, error) {
	if m, ok := v.(map[string]any); ok && m == nil {
		v = map[string]any{}
	}
	data, err := Encode(v)
	if err != nil {
		return nil, err
	}
	d, err := FromJSON("", data, nil)
	if err != nil {
		return nil, err
	}
	d.path = at
	return d, nil
}

// FromJSON returns JSON that was made of the text of a file, in another language,
// as a Doc of that file. pos finds line and column of a value in the text, or of
// the key before it; zero, as without pos, where it is not known.
func FromJSON(name string, data []byte, pos func(p path.Path, key bool) (line, column int)) (*Doc, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, Errorf(Invalid, "reading %q: not JSON: %w", name, err)
	}
	b := nodes{rest: compact.Bytes(), pos: pos}
	root, err := b.value()
	if err != nil {
		return nil, Errorf(Invalid, "reading %q: not JSON: %w", name, err)
	}
	return newDoc(&Doc{name: name, root: root})
}

// Unplaced returns d without positions: the text is not the user's.
func (d *Doc) Unplaced() *Doc {
	c := *d
	c.noPos = true
	return &c
}

// untab replaces tabs outside of strings by spaces; columns stay as they are.
func untab(data []byte) []byte {
	out := bytes.Clone(data)
	in := false
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			in = !in
		case out[i] == '\\' && in:
			i++
		case out[i] == '\t' && !in:
			out[i] = ' '
		}
	}
	return out
}

// checker walks the tree once for what the parser lets through.
type checker struct {
	doc      *Doc
	problems Problems
	count    int
	full     bool
}

func (c *checker) fail(n *yaml.Node, path []string, format string, args ...any) {
	if c.problems.Full() {
		c.problems.Count(1)
		return
	}
	c.problems.Add(Errorf(Invalid, format, args...).At(c.doc.pos(n), joinPath(path)))
}

func (c *checker) walk(n *yaml.Node, path []string, depth int) {
	c.count++
	if c.full {
		return
	}
	if c.count > maxNodes {
		c.full = true
		c.fail(n, nil, "more than %d values once aliases are followed", maxNodes)
		return
	}
	if depth > maxDepth {
		c.full = true
		c.fail(n, nil, "nested deeper than %d levels", maxDepth)
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		c.tag(n, path)
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!float" && beyondFloat(n.Value) { // JSON alone: to YAML it is text
			c.fail(n, path, "%s is too large for a number", n.Value)
		}
	case yaml.AliasNode:
		c.walk(n.Alias, path, depth+1)
	case yaml.SequenceNode:
		for i, e := range n.Content {
			c.walk(e, append(path, strconv.Itoa(i)), depth+1)
		}
	case yaml.MappingNode:
		var seen map[string]*yaml.Node
		if len(n.Content) > 2*small {
			seen = make(map[string]*yaml.Node, len(n.Content)/2)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Tag == "!!merge" {
				c.fail(k, path, "merge keys (<<) are not supported")
				continue
			}
			if k.Kind != yaml.ScalarNode {
				c.fail(k, path, "keys must be text")
				continue
			}
			if k.Style&yaml.TaggedStyle != 0 {
				c.tag(k, path)
			}
			if first := firstOf(n.Content[:i], seen, k.Value); first != nil {
				c.fail(k, append(path, k.Value), "duplicate key, first at line %d", first.Line)
			}
			if seen != nil {
				seen[k.Value] = k
			}
			c.walk(n.Content[i+1], append(path, k.Value), depth+1)
		}
	}
}

// tag refuses a tag that is written out where what follows is not of its type, or
// that has a meaning to other programs only: !!bool yes would be false.
func (c *checker) tag(n *yaml.Node, path []string) {
	kind, ok := yaml.ScalarNode, true
	switch n.Tag {
	case "!!str", "!!timestamp":
	case "!!map":
		kind = yaml.MappingNode
	case "!!seq":
		kind = yaml.SequenceNode
	case "!!bool":
		ok = strings.EqualFold(n.Value, "true") || strings.EqualFold(n.Value, "false")
	case "!!null":
		ok = n.Value == "" || n.Value == "~" || strings.EqualFold(n.Value, "null")
	case "!!int", "!!float":
		_, text := scalar(n).(string)
		ok = !text
	default:
		c.fail(n, path, "the tag %s is not supported", n.Tag)
		return
	}
	switch {
	case n.Kind != kind:
		c.fail(n, path, "what follows is not of the tag %s", n.Tag)
	case !ok:
		c.fail(n, path, "%q is not a value of the tag %s", n.Value, n.Tag)
	}
}

// beyondFloat reports whether text is a number that no float64 holds.
func beyondFloat(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return errors.Is(err, strconv.ErrRange)
}

// firstOf finds a key among those before it: in seen, if they are many.
func firstOf(before []*yaml.Node, seen map[string]*yaml.Node, key string) *yaml.Node {
	if seen != nil {
		return seen[key]
	}
	for i := len(before) - 2; i >= 0; i -= 2 { // the last, as in seen
		if before[i].Value == key && before[i].Kind == yaml.ScalarNode && before[i].Tag != "!!merge" {
			return before[i]
		}
	}
	return nil
}
