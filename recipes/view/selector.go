package view

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// maxSelector is the longest selector, in bytes.
const maxSelector = 4096

// step is one key or index of a selector.
type step struct {
	key    string
	quoted bool // stands for exactly this key
	index  int  // -1 for a key
}

// Select returns what stands at selector in tree: keys with dots between, keys
// with dots in them in quotes (a."nvidia.com/gpu"), list elements in brackets.
// An unquoted key may also be several that belong together, where there is
// one such key: constraints.K8s.server.version. Invalid if the selector is
// malformed; NotFound names the nearest key.
func Select(tree any, selector string) (any, error) {
	steps, err := parseSelector(selector)
	if err != nil {
		return nil, err
	}
	at := tree
	for i := 0; i < len(steps); {
		n, v, err := descend(at, steps[i:], path(steps[:i]))
		if err != nil {
			return nil, err
		}
		at, i = v, i+n
	}
	return at, nil
}

// parseSelector splits a selector; "" and "." are the whole.
func parseSelector(s string) ([]step, error) {
	bad := func(i int, format string, args ...any) error {
		return schema.Errorf(schema.Invalid, "selector %q: "+format+" at character %d", append(append([]any{s}, args...), i+1)...).
			WithHint(`write keys with dots between, components.gpu-operator.values.driver.version; a key with dots in quotes; list[0]`)
	}
	if len(s) > maxSelector {
		return nil, schema.Errorf(schema.Invalid, "a selector of %d bytes is over the limit of %d", len(s), maxSelector)
	}
	var out []step
	i := 0
	if strings.HasPrefix(s, ".") {
		i = 1
	}
	for start := true; i < len(s); start = false {
		switch {
		case s[i] == '[':
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				return nil, bad(i, "[ without ]")
			}
			n, err := strconv.Atoi(s[i+1 : i+end])
			if err != nil || n < 0 {
				return nil, bad(i, "%q is not a place in a list", s[i+1:i+end])
			}
			out = append(out, step{index: n})
			i += end + 1
			continue
		case s[i] == '.' && !start:
			i++
		case !start:
			return nil, bad(i, "a dot is missing")
		}
		if i < len(s) && s[i] == '"' {
			quoted, err := strconv.QuotedPrefix(s[i:])
			if err != nil {
				return nil, bad(i, "a quote is not closed")
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, bad(i, "%s is not a quoted key", quoted)
			}
			out = append(out, step{key: key, quoted: true, index: -1})
			i += len(quoted)
			continue
		}
		end := strings.IndexAny(s[i:], ".[")
		if end < 0 {
			end = len(s) - i
		}
		if end == 0 {
			return nil, bad(i, "a key is empty")
		}
		out = append(out, step{key: s[i : i+end], index: -1})
		i += end
	}
	return out, nil
}

// descend goes one key or element down, or several keys that are one.
func descend(at any, steps []step, where string) (int, any, error) {
	s := steps[0]
	switch at := at.(type) {
	case map[string]any:
		if s.index >= 0 {
			return 0, nil, schema.Errorf(schema.NotFound, "%s is not a list", where).WithHint("its keys are %s", keysOf(at))
		}
		if v, ok := at[s.key]; ok {
			return 1, v, nil
		}
		for n := len(steps); n > 1; n-- {
			if key, ok := joined(steps[:n]); ok {
				if v, ok := at[key]; ok {
					return n, v, nil
				}
			}
		}
		err := schema.Errorf(schema.NotFound, "%s has no key %q", where, s.key)
		if near := schema.Nearest(s.key, keys(at)); near != "" {
			return 0, nil, err.WithHint("did you mean %s?", near)
		}
		return 0, nil, err.WithHint("its keys are %s", keysOf(at))
	case []any:
		if s.index < 0 {
			return 0, nil, schema.Errorf(schema.NotFound, "%s is a list of %d", where, len(at)).WithHint("write %s[0]", where)
		}
		if s.index >= len(at) {
			return 0, nil, schema.Errorf(schema.NotFound, "%s has %d elements, none at %d", where, len(at), s.index).
				WithHint("the first is [0]")
		}
		return 1, at[s.index], nil
	}
	return 0, nil, schema.Errorf(schema.NotFound, "%s is %v, there is nothing below it", where, at)
}

func joined(steps []step) (string, bool) {
	var parts []string
	for _, s := range steps {
		if s.quoted || s.index >= 0 {
			return "", false
		}
		parts = append(parts, s.key)
	}
	return strings.Join(parts, "."), true
}

func path(steps []step) string {
	if len(steps) == 0 {
		return "the recipe"
	}
	var b strings.Builder
	for i, s := range steps {
		switch {
		case s.index >= 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.quoted:
			if i > 0 {
				b.WriteByte('.')
			}
			fmt.Fprintf(&b, "%q", s.key)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// keysOf lists keys for a message, not too many.
func keysOf(m map[string]any) string {
	k := keys(m)
	if len(k) > 12 {
		return strings.Join(k[:12], ", ") + fmt.Sprintf(" and %d more", len(k)-12)
	}
	if len(k) == 0 {
		return "none"
	}
	return strings.Join(k, ", ")
}
