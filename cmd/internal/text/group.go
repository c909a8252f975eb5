package text

import (
	"cmp"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema/pattern"
)

// Groups collects the names of steps that have something in common, in the order
// in which the first of each came. A matrix of a thousand rows that fail for one reason
// is one group, and is printed as one line. The zero value is empty and ready to use; it
// is not safe for concurrent use.
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

// Alike adds a step to the group of rows of the same step that have the same kind and
// reason, and returns that. A group with one name is new.
func (g *Groups) Alike(kind, why, name string) *Group {
	return g.add([2]string{kind + "\x00" + why, Base(name)}, kind, why, name)
}

// All adds a step to the one group of its kind, whatever the step and the reason; the
// first reason is the group's.
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

// Rows lists the group's rows, [1] [2] …, at most mostRows of them, or its steps if one
// of them is not a row.
func (g *Group) Rows() string {
	rows := make([]string, len(g.Names))
	for i, n := range g.Names {
		if rows[i] = strings.Join(rowPart.FindAllString(n, -1), ""); rows[i] == "" {
			return g.Steps()
		}
	}
	return ordered(rows, mostRows)
}

// Steps lists the names of the group's steps, at most mostSteps of them.
func (g *Group) Steps() string { return ordered(slices.Clone(g.Names), mostSteps) }

// ordered lists names in an order that does not depend on which step ended first: by
// length and then by text, so that [9] comes before [10]. It sorts names in place.
func ordered(names []string, most int) string {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
	return List(names, most)
}

var rowPart = pattern.New(`\[[^\]]*\]`)

// Base is the name of a step without its row.
func Base(name string) string { return rowPart.ReplaceAllString(name, "") }
