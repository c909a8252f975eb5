package constraint

import (
	"slices"
	"sort"

	"github.com/NVIDIA/eidos/schema/version"
)

// A set is the measured values that satisfy an expression. Values are of two
// sorts: versions, which are ordered, and other text, which is not. With sets
// there is one meaning for evaluation, for "stricter than" and for "can never
// hold": inside, subset, empty.
type set struct {
	spans []span // of versions; sorted, disjoint, not empty
	texts words
}

// words is a finite set of texts, or all texts but a finite set.
type words struct {
	except bool
	list   []string // sorted, unique
}

// span is the versions from lo up to, not including, hi.
type span struct{ lo, hi bound }

// bound is a place between versions. At equal parts the order is
//
//	floor < pre-releases by their order < release
//
// so that 1.33's floor is above all of 1.32.x and below 1.33.0-alpha.1. At an
// equal pre-release, or release, builds follow in their order.
type bound struct {
	inf   int // -1 or 1: below or above everything
	parts []version.Part
	kind  kind
	pre   string
	build []version.Item
	after bool // above all that begins so, for a pre-release or a build
}

type kind int

const (
	floor kind = iota
	pre
	release
)

func (a bound) compare(b bound) int {
	if a.inf != b.inf || a.inf != 0 {
		return a.inf - b.inf
	}
	if c := version.CompareParts(a.parts, b.parts); c != 0 {
		return c
	}
	if a.kind != b.kind {
		return int(a.kind) - int(b.kind)
	}
	if c := version.ComparePre(a.pre, b.pre); c != 0 && a.pre != b.pre {
		return c
	}
	n := min(len(a.build), len(b.build))
	if c := version.CompareItems(a.build[:n], b.build[:n]); c != 0 {
		return c
	}
	switch {
	case a.after == b.after:
		if a.after {
			return len(b.build) - len(a.build)
		}
		return len(a.build) - len(b.build)
	case a.after && len(a.build) <= len(b.build):
		return 1
	case b.after && len(b.build) <= len(a.build):
		return -1
	}
	return len(a.build) - len(b.build)
}

// spanOf returns what v means when it is written down: 1.2 is all of 1.2.x, a
// pre-release is itself, and so is a build.
func spanOf(v version.Version) span {
	if v.Pre != "" || len(v.Build) > 0 {
		at := bound{parts: v.Parts, kind: pre, pre: v.Pre, build: v.Build}
		if v.Pre == "" {
			at.kind = release
		}
		after := at
		after.after = true
		return span{at, after}
	}
	next := slices.Clone(v.Parts)
	next[len(next)-1] = version.Part{Number: next[len(next)-1].Number + 1}
	return span{bound{parts: v.Parts, kind: release}, bound{parts: next, kind: floor}}
}

func everything() set {
	return set{[]span{{bound{inf: -1}, bound{inf: 1}}}, words{except: true}}
}

func (s set) intersect(o set) set {
	var out set
	for _, a := range s.spans {
		for _, b := range o.spans {
			c := a
			if b.lo.compare(c.lo) > 0 {
				c.lo = b.lo
			}
			if b.hi.compare(c.hi) < 0 {
				c.hi = b.hi
			}
			if c.lo.compare(c.hi) < 0 {
				out.spans = append(out.spans, c)
			}
		}
	}
	sort.Slice(out.spans, func(i, j int) bool { return out.spans[i].lo.compare(out.spans[j].lo) < 0 })
	out.texts = s.texts.intersect(o.texts)
	return out
}

func (s set) union(o set) set {
	all := append(slices.Clone(s.spans), o.spans...)
	sort.Slice(all, func(i, j int) bool { return all[i].lo.compare(all[j].lo) < 0 })
	out := set{texts: s.texts.complement().intersect(o.texts.complement()).complement()}
	for _, x := range all {
		if n := len(out.spans); n > 0 && x.lo.compare(out.spans[n-1].hi) <= 0 {
			if x.hi.compare(out.spans[n-1].hi) > 0 {
				out.spans[n-1].hi = x.hi
			}
			continue
		}
		out.spans = append(out.spans, x)
	}
	return out
}

func (s set) complement() set {
	out := set{texts: s.texts.complement()}
	lo := bound{inf: -1}
	for _, x := range s.spans {
		if lo.compare(x.lo) < 0 {
			out.spans = append(out.spans, span{lo, x.lo})
		}
		lo = x.hi
	}
	if lo.inf != 1 {
		out.spans = append(out.spans, span{lo, bound{inf: 1}})
	}
	return out
}

// subset reports whether every member of s is in o.
func (s set) subset(o set) bool {
	rest := s.intersect(o.complement())
	return len(rest.spans) == 0 && rest.texts.none()
}

// empty reports whether no release and no text is in s. What only pre-releases
// between two releases could meet (> 1.32, < 1.33) counts as empty.
func (s set) empty() bool {
	for _, x := range s.spans {
		between := x.lo.inf == 0 && x.hi.inf == 0 && x.lo.kind == floor && x.hi.kind == release &&
			version.CompareParts(x.lo.parts, x.hi.parts) == 0
		if !between {
			return false
		}
	}
	return s.texts.none()
}

func (w words) none() bool        { return !w.except && len(w.list) == 0 }
func (w words) complement() words { return words{!w.except, w.list} }

func (w words) has(s string) bool { return slices.Contains(w.list, s) != w.except }

func (w words) intersect(o words) words {
	switch {
	case w.except && o.except:
		return words{true, sorted(append(slices.Clone(w.list), o.list...))}
	case w.except:
		return o.intersect(w)
	}
	var out []string
	for _, s := range w.list {
		if o.has(s) {
			out = append(out, s)
		}
	}
	return words{list: out}
}

func sorted(list []string) []string {
	sort.Strings(list)
	return slices.Compact(list)
}
