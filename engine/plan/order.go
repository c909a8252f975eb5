package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// uses yields the steps that d waits for, with the position of each: what is written
// there closes a cycle, and is where that is reported. A step may come several times.
func (d *draft) uses(yield func(*Step, schema.Position) bool) {
	for _, in := range d.inputs {
		if in.from != nil && !yield(in.from, in.at) {
			return
		}
		if len(in.byRow) == 0 {
			continue // nearly always: what follows allocates
		}
		for _, row := range slices.Sorted(maps.Keys(in.byRow)) {
			if from := in.byRow[row].from; from != nil && !yield(from, in.at) {
				return
			}
		}
	}
	for o := d; o != nil; o = o.scope.outer { // and what the steps that include d wait for
		for _, r := range o.Refs {
			if !yield(r.From, r.at) {
				return
			}
		}
		for i, n := range o.Step.needs {
			if !yield(n, o.places[i]) {
				return
			}
		}
	}
	for _, i := range d.inside {
		if !yield(i.Step, d.At) {
			return
		}
	}
}

// sort orders the steps so that each comes after what it waits for, otherwise
// as declared, and notes every cycle once, with the path round it. It is a depth-first
// walk: as deep as the longest chain, 100,000 steps at most, which Go's stack takes.
func (c *compiler) sort() []*draft {
	const (
		unseen = iota
		open   // on the path being followed
		done
	)
	state := make([]uint8, len(c.declared))
	var order, path []*draft
	var visit func(d *draft)
	visit = func(d *draft) {
		state[d.index] = open
		path = append(path, d)
		for s, at := range d.uses {
			switch state[s.index] {
			case unseen:
				visit(c.declared[s.index])
			case open:
				// The steps of an included pipeline wait for what its step waits for, and it
				// for them: that it meets itself this way is not a cycle of the user's.
				if s != d.Step || len(d.inside) == 0 {
					c.cycle(path, s, at)
				}
			}
		}
		path = path[:len(path)-1]
		state[d.index] = done
		order = append(order, d)
	}
	for _, d := range c.declared {
		if state[d.index] == unseen {
			visit(d)
		}
	}
	return order
}

// cycle notes the cycle that the edge from the end of path to s closes. It is
// reported from the step that was declared first.
func (c *compiler) cycle(path []*draft, s *Step, at schema.Position) {
	i := slices.IndexFunc(path, func(d *draft) bool { return d.Step == s })
	round := path[i:]
	first := 0
	for k := range round {
		if round[k].index < round[first].index {
			first = k
		}
	}
	var names []string
	for k := range round {
		names = append(names, round[(first+k)%len(round)].Name)
	}
	names = append(names, names[0])
	c.fail(at.Errorf("steps wait for each other: %s", strings.Join(names, " -> ")))
}
