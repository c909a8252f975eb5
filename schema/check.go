package schema

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// check reports everything in val, the plain form of d, that breaks the rules.
func (r *rule) check(d *Doc, val any) error {
	c := checkRun{doc: d}
	c.value(r, val)
	return c.problems.Err()
}

// checkRun is one walk over a document. path is where it stands.
type checkRun struct {
	doc      *Doc
	path     []string
	problems Problems
	brief    bool // problems are only counted
	deep     int  // the longest path that a problem was found at
}

// add adds a problem at path, or at the key extra below it.
func (c *checkRun) add(extra string, say func() *Error) {
	depth := len(c.path)
	if extra != "" {
		depth++
	}
	c.deep = max(c.deep, depth)
	if c.brief || c.problems.Full() {
		c.problems.Count(1)
		return
	}
	path := c.path
	if extra != "" {
		path = append(append([]string(nil), path...), extra)
	}
	c.problems.Add(c.doc.locate(path, extra != "", say()))
}

func (c *checkRun) fail(format string, args ...any) {
	c.add("", func() *Error { return Errorf(Invalid, format, args...) })
}

// written shows val, a number as it is written: 1.10 is not 1.1.
func (c *checkRun) written(val any) string {
	if _, ok := number(val); ok {
		if at := c.doc.At(c.path...); at != nil {
			if text, ok := at.Text(); ok {
				return text
			}
		}
	}
	return show(val)
}

func (c *checkRun) below(key string, r *rule, val any) {
	c.path = append(c.path, key)
	c.value(r, val)
	c.path = c.path[:len(c.path)-1]
}

func (c *checkRun) value(r *rule, val any) {
	for r.to != nil {
		r = r.to
	}
	for _, a := range r.AllOf {
		c.value(a, val)
	}
	if len(r.AnyOf) > 0 {
		c.anyOf(r.AnyOf, val)
	}
	if r.Const != nil && !same(r.Const, val) {
		c.add("", func() *Error {
			err := Errorf(Invalid, "must be %s, not %s", show(r.Const), show(val))
			if r.Const == APIVersion {
				err = err.WithHint("this eidos reads %s", APIVersion)
			}
			return err
		})
		return
	}
	if len(r.Enum) > 0 && !oneOf(r.Enum, val) {
		c.notInEnum(texts(r.Enum), val)
		return
	}
	if len(r.Type) > 0 && !hasType(r.Type, val) {
		c.add("", func() *Error { return Errorf(Invalid, "must be %s, not %s", orList(typeWords(r.Type)), c.written(val)) })
		return
	}
	switch v := val.(type) {
	case string:
		if r.MinLength > 0 && utf8.RuneCountInString(v) < r.MinLength {
			c.fail("must not be empty")
		} else if r.re != nil && r.Pattern != "" && !r.re.MatchString(v) {
			c.add("", func() *Error { return Errorf(Invalid, "%q has the wrong form", v).WithHint("%s", r.form()) })
		}
	case map[string]any:
		c.object(r, v)
	case []any:
		if r.Items != nil && r.Items.rule != nil {
			for i, e := range v {
				c.below(strconv.Itoa(i), r.Items.rule, e)
			}
		}
	default:
		if f, ok := number(val); ok {
			if r.Minimum != nil && f < *r.Minimum {
				c.fail("must be at least %v, not %v", *r.Minimum, val)
			}
			if r.Maximum != nil && f > *r.Maximum {
				c.fail("must be at most %v, not %v", *r.Maximum, val)
			}
		}
	}
}

func (c *checkRun) notInEnum(want []string, val any) {
	s, ok := val.(string)
	if !ok {
		c.add("", func() *Error { return Errorf(Invalid, "must be %s, not %s", orList(want), c.written(val)) })
		return
	}
	c.add("", func() *Error {
		return Errorf(Invalid, "no %s %q", last(c.path), s).WithHint("%s", nearest(s, want, "use "))
	})
}

func (c *checkRun) object(r *rule, v map[string]any) {
	if k := r.Properties["kind"]; len(c.path) == 0 && k != nil && k.Const != nil && k.Const != v["kind"] && isKind(v["kind"]) {
		c.below("kind", k, v["kind"]) // and nothing else is as it should be
		return
	}
	for _, k := range r.Required {
		if _, ok := v[k]; !ok {
			c.fail("key %q is missing", k)
		}
	}
	if r.Properties == nil && r.PatternProperties == nil && r.AdditionalProperties == nil {
		return
	}
	var few [MaxProblems]string // on the stack
	keys := few[:0]
	if len(v) > MaxProblems { // so that the problems that are kept are the first
		keys = c.doc.At(c.path...).inOrder(v)
	} else {
		for k := range v {
			keys = append(keys, k)
		}
		if len(r.Properties) > 0 {
			slices.Sort(keys) // problems are sorted by position anyway: only where there is none
		}
	}
	for _, k := range keys {
		if p := r.Properties[k]; p != nil {
			c.below(k, p, v[k])
			continue
		}
		if r.PatternProperties != nil {
			for pattern, p := range r.PatternProperties {
				if !r.re.MatchString(k) {
					c.add(k, func() *Error {
						return Errorf(Invalid, "%q is not a good name here", k).WithHint("%s", formOf(pattern))
					})
					continue
				}
				c.below(k, p, v[k])
			}
			continue
		}
		switch extra := r.AdditionalProperties; {
		case extra == nil || extra.all:
		case extra.rule != nil:
			c.below(k, extra.rule, v[k])
		default:
			c.add(k, func() *Error { return r.unknown(k) })
		}
	}
}

// unknown is the error for a key that r does not have.
func (r *rule) unknown(key string) *Error {
	return Errorf(Invalid, "unknown key %q", key).WithHint("%s", nearest(key, r.keys, "the keys here are "))
}

// Unknown adds to p the keys of d, a mapping, that #definition does not have,
// without looking at values: 200,000 of them are counted in no time.
func (d *Doc) Unknown(definition string, p *Problems) error {
	r, err := rulesFor(definition)
	if err != nil {
		return err
	}
	r = r.follow()
	for _, k := range d.Keys() {
		switch {
		case r.Properties[k] != nil:
		case p.Full():
			p.Count(1)
		default:
			p.Add(d.locate([]string{k}, true, r.unknown(k)))
		}
	}
	return nil
}

// anyOf takes the first alternative that holds. If none does, it reports the
// one that went furthest into the document: that is the one that was meant.
func (c *checkRun) anyOf(alts []*rule, val any) {
	var best checkRun
	var want []string
	for _, a := range alts {
		try := checkRun{doc: c.doc, path: c.path, brief: c.brief || c.problems.Full()}
		try.value(a, val)
		if try.problems.Len() == 0 {
			return
		}
		if try.deep > best.deep || best.problems.Len() == 0 {
			best = try
		}
		want = append(want, a.wants()...)
	}
	if best.deep > len(c.path) {
		c.deep = max(c.deep, best.deep)
		c.problems.Add(best.problems.Err())
		return
	}
	c.add("", func() *Error { return Errorf(Invalid, "must be %s, not %s", orList(want), c.written(val)) })
}

// wants says in words what r takes.
func (r *rule) wants() []string {
	for r.to != nil {
		r = r.to
	}
	switch {
	case len(r.Enum) > 0:
		return texts(r.Enum)
	case r.Const != nil:
		return []string{show(r.Const)}
	}
	return typeWords(r.Type)
}

// locate puts an error at the value, or the key, at path.
func (d *Doc) locate(path []string, key bool, e *Error) *Error {
	full := joinPath(append(append([]string(nil), d.path...), path...))
	if key {
		return e.At(d.KeyPos(path...), full)
	}
	return e.At(d.Pos(path...), full)
}

func same(want, got any) bool {
	if a, ok := number(want); ok {
		b, ok := number(got)
		return ok && a == b
	}
	switch want.(type) {
	case string, bool:
		return want == got
	}
	return false
}

func oneOf(words []any, v any) bool {
	for _, w := range words {
		if same(w, v) {
			return true
		}
	}
	return false
}

func hasType(types []string, v any) bool {
	for _, t := range types {
		ok := false
		switch v := v.(type) {
		case nil:
			ok = t == "null"
		case string:
			ok = t == "string"
		case bool:
			ok = t == "boolean"
		case map[string]any:
			ok = t == "object"
		case []any:
			ok = t == "array"
		default:
			f, num := number(v)
			ok = num && (t == "number" || t == "integer" && f == math.Trunc(f))
		}
		if ok {
			return true
		}
	}
	return false
}

// number reports whether v is a number and gives it, nearly for huge ones.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func last(path []string) string {
	if len(path) == 0 {
		return "value"
	}
	l := path[len(path)-1]
	if strings.Trim(l, "0123456789") == "" && len(path) > 1 {
		return strings.TrimSuffix(path[len(path)-2], "s")
	}
	return l
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%q", v)
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	}
	return fmt.Sprint(v)
}

func texts(vs []any) []string {
	var out []string
	for _, v := range vs {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

func typeWords(types []string) []string {
	words := map[string]string{"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}
	var out []string
	for _, t := range types {
		out = append(out, words[t])
	}
	return out
}

// form describes text that r accepts: in the words of its definition if that has
// some, "#Duration is …", else by its pattern.
func (r *rule) form() string {
	if _, words, ok := strings.Cut(r.Description, " is "); ok && strings.Count(strings.TrimSuffix(r.Description, " is "+words), " ") == 0 {
		return "it is " + strings.TrimSuffix(words, ".")
	}
	return "it must match " + r.Pattern
}

// formOf describes the keys that match pattern, in the words of the definition with
// this pattern: a schema has only the pattern for its keys, and no reference to the
// definition. It searches all definitions, and is called for errors only.
func formOf(pattern string) string {
	for _, name := range Definitions() {
		if r, err := rulesFor(name); err == nil && r.Pattern == pattern {
			return r.form()
		}
	}
	return "it must match " + pattern
}
