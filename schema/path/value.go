package path

import "strings"

// Miss is why Get found nothing: In, which is at Found, has no Rest[0].
type Miss struct {
	Found Path // the part of the path that is there
	Rest  Path // the part that is not
	In    any  // what is at Found
}

func (m *Miss) Error() string {
	return "nothing is at " + append(m.Found[:len(m.Found):len(m.Found)], m.Rest[0]).String()
}

// Get returns the value at p below v, which is made of map[string]any, []any and
// scalars. Several keys without quotes may be one key that holds dots, where no
// shorter one is there: constraints.K8s.server.version. An index finds the key of
// its digits in a mapping. The error is a *Miss.
func (p Path) Get(v any) (any, error) {
	for i := 0; i < len(p); {
		n, next := p[i:].descend(v)
		if n == 0 {
			return nil, &Miss{p[:i], p[i:], v}
		}
		v, i = next, i+n
	}
	return v, nil
}

// descend goes one element down, or several that are one key; n is how many.
func (p Path) descend(v any) (n int, next any) {
	switch v := v.(type) {
	case map[string]any:
		if next, ok := v[p[0].Key]; ok {
			return 1, next
		}
		for n := len(p); n > 1; n-- {
			key, ok := p[:n].joined()
			if next, there := v[key]; ok && there {
				return n, next
			}
		}
	case []any:
		if i := p[0].Index; i >= 0 && i < len(v) {
			return 1, v[i]
		}
	}
	return 0, nil
}

func (p Path) joined() (string, bool) {
	parts := make([]string, len(p))
	for i, e := range p {
		if e.Quoted || e.Index >= 0 {
			return "", false
		}
		parts[i] = e.Key
	}
	return strings.Join(parts, "."), true
}

// Misfit is why Set cannot go on: what is at At is not what the path takes it
// for. Next is the element of the path that it does not have.
type Misfit struct {
	At   Path
	Next Element
	Is   any
}

func (m *Misfit) Error() string { return "no " + Path{m.Next}.String() + " at " + m.At.String() }

// Setter stores a value in a document and decides what may be new in it.
type Setter struct {
	// Add is whether keys and one more element of a list may be new.
	Add bool
	// New is asked, unless Add, about a key that is not there: at ends with it, in
	// is the mapping, nil if there is none. It returns an error, or whether all
	// below it may be new too.
	New func(at Path, in map[string]any) (all bool, err error)
	// Put returns what becomes of the value that is there, nil if there is none.
	Put func(old any) (any, error)
}

// Set changes the value at p below v and returns v, or what is in its place.
// Errors are those of New and Put, or a *Misfit; v may be changed in part then.
func (s Setter) Set(v any, p Path) (any, error) { return s.set(v, p, 0) }

func (s Setter) set(node any, p Path, i int) (any, error) {
	if i == len(p) {
		return s.Put(node)
	}
	e := p[i]
	if e.Index >= 0 {
		list, ok := node.([]any)
		if !ok && !(node == nil && s.Add) || e.Index > len(list) || e.Index == len(list) && !s.Add {
			return nil, &Misfit{p[:i], e, node}
		}
		if e.Index == len(list) {
			list = append(list, nil)
		}
		next, err := s.set(list[e.Index], p, i+1)
		if err != nil {
			return nil, err
		}
		list[e.Index] = next
		return list, nil
	}
	m, ok := node.(map[string]any)
	if !ok && node != nil {
		return nil, &Misfit{p[:i], e, node}
	}
	if _, there := m[e.Key]; !there && !s.Add {
		all, err := s.New(p[:i+1], m)
		if err != nil {
			return nil, err
		}
		s.Add = all
	}
	if m == nil {
		m = map[string]any{}
	}
	next, err := s.set(m[e.Key], p, i+1)
	if err != nil {
		return nil, err
	}
	m[e.Key] = next
	return m, nil
}
