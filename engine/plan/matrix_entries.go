package plan

import "github.com/NVIDIA/eidos/schema"

// maxAdded bounds the values that the entries of include add to combinations.
const maxAdded = 1_000_000

// byLabel finds the combinations that have some values, by the values of each axis,
// so that 10,000 entries are not compared with 10,000 combinations each.
type byLabel map[string]map[string][]int // axis → label → places, ascending

func indexed(rows []row, axes []string) byLabel {
	x := make(byLabel, len(axes))
	for _, a := range axes {
		x[a] = map[string][]int{}
		for i := range rows {
			l := rows[i].labels[a]
			x[a][l] = append(x[a][l], i)
		}
	}
	return x
}

// with returns the places of the combinations that have the entry's values of all
// axes that it names, and whether it names any.
func (x byLabel) with(rows []row, entry map[string]any) (places []int, named bool) {
	wanted := map[string]string{}
	for n, v := range entry {
		if x[n] == nil {
			continue
		}
		l := label(v)
		wanted[n] = l
		if found := x[n][l]; !named || len(found) < len(places) {
			places, named = found, true
		}
	}
	var out []int
	for _, i := range places {
		has := true
		for n, l := range wanted {
			has = has && rows[i].labels[n] == l
		}
		if has {
			out = append(out, i)
		}
	}
	return out, named
}

// without leaves out the combinations that exclude names.
func (m *matrix) without(rows []row, axes []string) []row {
	entries := m.exclude.entries()
	if len(entries) == 0 {
		return rows
	}
	x := indexed(rows, axes)
	left := make([]bool, len(rows))
	for _, e := range entries {
		places, _ := x.with(rows, e) // that it names nothing else, checkExclude sees to
		for _, i := range places {
			left[i] = true
		}
	}
	out := rows[:0]
	for i, r := range rows {
		if !left[i] {
			out = append(out, r)
		}
	}
	return out
}

// extend adds the values of each entry of include to the combinations that have no
// other value on one of the axes, and returns the rows of those entries that go
// with none.
func (m *matrix) extend(rows []row, axes []string) ([]row, error) {
	entries := m.include.entries()
	if len(entries) == 0 {
		return nil, nil
	}
	x := indexed(rows, axes)
	added := 0
	var more []row
	for _, e := range entries {
		places, named := x.with(rows, e)
		if !named {
			places = all(len(rows))
		}
		if added += len(places) * len(e); added > maxAdded {
			return nil, schema.Errorf(schema.Invalid, "include adds more than %d values to the rows of the matrix", maxAdded)
		}
		for _, i := range places {
			for n, v := range e {
				if x[n] == nil {
					rows[i].set(n, v)
				}
			}
		}
		if len(places) > 0 {
			continue
		}
		r := row{values: map[string]any{}, labels: map[string]string{}}
		for n, v := range e {
			r.set(n, v)
		}
		more = append(more, r)
	}
	return more, nil
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
