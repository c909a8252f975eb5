package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Index finds which rows of a step go with a row of another, without looking at
// all of them: two steps of 10,000 rows have 100,000,000 pairs. It is not safe for
// concurrent use.
type Index struct {
	rows   []*Node
	groups []*group
	byID   map[string]*Node
}

// group is rows that have values of the same names; all rows of a step, but for
// those that include adds.
type group struct {
	names []string // sorted
	rows  []*Node
	by    map[string]map[string][]*Node // names that are compared → their values → rows
}

// newIndex indexes rows by id and by the names of their values. What agreeing compares
// is indexed when it is first asked for: most steps are never asked.
func newIndex(rows []*Node) *Index {
	x := &Index{rows: rows, byID: make(map[string]*Node, len(rows))}
	groups := map[string]*group{}
	for _, r := range rows {
		x.byID[r.ID] = r
		names := slices.Sorted(maps.Keys(r.labels))
		key := joint(names)
		g := groups[key]
		if g == nil {
			g = &group{names: names, by: map[string]map[string][]*Node{}}
			groups[key] = g
			x.groups = append(x.groups, g)
		}
		g.rows = append(g.rows, r)
	}
	return x
}

// Agreeing are the rows that n goes with, in their order: the one with the very
// same values if there is one, else all that have the same value of every name
// that both have.
func (x *Index) Agreeing(n *Node) []*Node {
	var out []*Node
	for _, g := range x.groups {
		found := g.agreeing(n)
		if len(found) > 0 && n.labels != nil && maps.Equal(found[0].labels, n.labels) {
			return found[:1]
		}
		out = append(out, found...)
	}
	if len(x.groups) > 1 {
		slices.SortFunc(out, func(a, b *Node) int { return cmp.Compare(a.Index, b.Index) })
	}
	return out
}

func (g *group) agreeing(n *Node) []*Node {
	shared := slices.DeleteFunc(slices.Clone(g.names), func(name string) bool { _, ok := n.labels[name]; return !ok })
	if len(shared) == 0 {
		return g.rows
	}
	key := joint(shared)
	m := g.by[key]
	if m == nil {
		m = make(map[string][]*Node, len(g.rows))
		for _, r := range g.rows {
			v := valuesOf(r.labels, shared)
			m[v] = append(m[v], r)
		}
		g.by[key] = m
	}
	return m[valuesOf(n.labels, shared)]
}

func valuesOf(labels map[string]string, names []string) string {
	values := make([]string, len(names))
	for i, n := range names {
		values[i] = labels[n]
	}
	return joint(values)
}

// joint is a key of several words, which have no zero bytes.
func joint(words []string) string { return strings.Join(words, "\x00") }

// Indexes are those of the steps of a plan, made when they are first asked for.
type Indexes map[*Step]*Index

// Of is the index of the rows of s, which are made once: none while they are unknown, and
// all of them after.
func (m Indexes) Of(s *Step, rows []*Node) *Index {
	x := m[s]
	if x == nil || len(x.rows) != len(rows) {
		x = newIndex(rows)
		m[s] = x
	}
	return x
}
