package text

import (
	"cmp"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// Groups collects the names of steps that have something in common, in the order
// in which the first of each came. The zero value is empty.
type Groups struct {
	List []*Group
	at   map[[2]string]*Group
}

// Group is steps of one kind for one reason.
type Group struct {
	Kind  string // state, or sort of error
	Why   string
	Names []string
}

// Alike adds a step to the rows of the same step with the same kind and reason.
func (g *Groups) Alike(kind, why, name string) *Group {
	return g.add([2]string{kind + "\x00" + why, Base(name)}, kind, why, name)
}

// All adds a step to everything of that kind; the first reason is the group's.
func (g *Groups) All(kind, why, name string) *Group {
	return g.add([2]string{kind}, kind, why, name)
}

func (g *Groups) add(key [2]string, kind, why, name string) *Group {
	if g.at == nil {
		g.at = map[[2]string]*Group{}
	}
	one := g.at[key]
	if one == nil {
		one = &Group{Kind: kind, Why: why}
		g.at[key] = one
		g.List = append(g.List, one)
	}
	one.Names = append(one.Names, name)
	return one
}

// How many rows or steps of a group are named.
const (
	mostRows  = 40
	mostSteps = 10
)

// Rows are the group's rows, [1] [2] …, or its steps if they are not rows.
func (g *Group) Rows() string {
	rows := make([]string, len(g.Names))
	for i, n := range g.Names {
		if rows[i] = strings.Join(rowPart.FindAllString(n, -1), ""); rows[i] == "" {
			return g.Steps()
		}
	}
	return ordered(rows, mostRows)
}

// Steps are the names of the group's steps.
func (g *Group) Steps() string { return ordered(slices.Clone(g.Names), mostSteps) }

// ordered lists names the same way however the steps came: [9] before [10].
func ordered(names []string, most int) string {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
	return List(names, most)
}

var rowPart = pattern.New(`\[[^\]]*\]`)

// Base is the name of a step without its row.
func Base(name string) string { return rowPart.ReplaceAllString(name, "") }
