// Package expect decides checks that are conditions on live objects. It reads
// nothing itself: a check that is bound to a recipe names its sources, whoever
// can reads them, and evaluating is a function over what was found, so that it
// can be repeated later from a record.
//
//	Bind → Bound.Sources → (read, Keep) → Readings → Evaluate → Verdict
//
// There are three answers. What was read and is not as expected failed; what
// could not be read, or not compared, is unknown with the reason.
package expect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/schema/constraint"
)

// Verdict is the result of a check.
type Verdict struct {
	Status   constraint.Verdict
	Actual   string   // the value that was measured, if the check measures one
	Problems []string // what is wrong, or why it is not known; sorted by object
	Hint     string   // the next step, of the first problem
}

// Reason is the problems in a sentence.
func (v Verdict) Reason() string { return lines(v.Problems) }

// evaluation is one check over one set of readings.
type evaluation struct {
	bound    Bound
	readings Readings
	claimed  func(Source, Object) bool
	actual   []string
	quiet    bool // nobody reads the problems of fields
}

// Evaluate decides a check. claimed reports whether another check names an
// object; see Claims.
func Evaluate(b Bound, readings Readings, claimed func(Source, Object) bool) Verdict {
	e := &evaluation{bound: b, readings: readings, claimed: claimed}
	v := e.all(b.conditions)
	slices.Sort(e.actual)
	v.Actual = strings.Join(slices.Compact(e.actual), ", ")
	return v
}

// all is passed if every condition is, failed if one has failed.
func (e *evaluation) all(list []condition) Verdict {
	out := Verdict{Status: constraint.Passed}
	for _, c := range list {
		v := e.condition(c)
		switch {
		case v.Status == constraint.Failed && out.Status != constraint.Failed:
			out = Verdict{Status: constraint.Failed, Problems: v.Problems, Hint: v.Hint} // what is unknown beside it matters less
		case v.Status == constraint.Failed, v.Status == constraint.Unknown && out.Status != constraint.Failed:
			out.Status = cmp.Or(v.Status, out.Status)
			out.Problems = append(out.Problems, v.Problems...)
			out.Hint = cmp.Or(out.Hint, v.Hint)
		}
	}
	out.Problems = unique(out.Problems)
	return out
}

// any is passed if some condition is, failed if none is and one has failed. What
// is about a component that the recipe does not have is left out, unless all is.
func (e *evaluation) any(list []condition) Verdict {
	if apply := slices.DeleteFunc(slices.Clone(list), condition.problematic); len(apply) > 0 {
		list = apply
	}
	out := Verdict{Status: constraint.Unknown}
	for _, c := range list {
		v := e.condition(c)
		switch {
		case v.Status == constraint.Passed:
			return v
		case v.Status == constraint.Failed && out.Status != constraint.Failed:
			out = v
		case v.Status == out.Status:
			out.Problems = append(out.Problems, v.Problems...)
			out.Hint = cmp.Or(out.Hint, v.Hint)
		}
	}
	out.Problems = unique(out.Problems)
	return out
}

// problematic reports whether nothing that is read can decide c.
func (c condition) problematic() bool {
	return c.problem != "" || slices.ContainsFunc(c.all, condition.problematic)
}

func (e *evaluation) condition(c condition) Verdict {
	switch {
	case len(c.any) > 0:
		return e.any(c.any)
	case len(c.all) > 0:
		return e.all(c.all)
	case c.problem != "":
		return Verdict{Status: constraint.Unknown, Problems: []string{c.problem}}
	}
	found, unread := e.find(c)
	if len(unread) > 0 {
		return Verdict{Status: constraint.Unknown, Problems: unread}
	}
	if v, ok := e.count(c, len(found)); !ok {
		v.Hint = e.missingHint(c)
		return v
	}
	out := Verdict{Status: constraint.Passed}
	holds := 0
	for _, f := range found {
		v := e.fields(c, f)
		if v.Status == constraint.Passed {
			holds++
			e.measure(c, f)
			if c.Match == "none" {
				out.Problems = append(out.Problems, e.shows(c, f))
				out.Hint = cmp.Or(out.Hint, e.fieldsHint(c, f))
			}
			continue
		}
		if c.Match == "none" && v.Status == constraint.Failed {
			continue
		}
		e.measure(c, f)
		out.Problems = append(out.Problems, v.Problems...)
		if out.Status == constraint.Passed || v.Status == constraint.Failed && out.Status != constraint.Failed {
			out.Status, out.Hint = v.Status, e.fieldsHint(c, f)
		}
	}
	slices.Sort(out.Problems)
	switch {
	case c.Match == "none" && holds > 0:
		out.Status = constraint.Failed
	case c.Match == "any" && holds > 0, c.Match == "any" && len(found) == 0:
		return Verdict{Status: constraint.Passed}
	}
	return out
}

// object is one that a condition is about.
type object struct {
	source Source
	tree   Object
}

// find returns the objects that a condition selects, and why some source could
// not be read.
func (e *evaluation) find(c condition) (found []object, unread []string) {
	for _, s := range c.sources {
		r, read := e.readings[s]
		switch {
		case !read:
			unread = append(unread, "not read: "+s.Right().String())
			continue
		case r.Unread != "":
			unread = append(unread, r.Unread)
			continue
		}
		for _, o := range r.Objects {
			if s.Service == "" && !c.named(o) || c.Unclaimed && e.claimed != nil && e.claimed(s, o) {
				continue
			}
			if len(c.which) == 0 || e.quietly(true, c.which, object{s, o}).Status == constraint.Passed {
				found = append(found, object{s, o})
			}
		}
	}
	return found, unread
}

// count decides how many objects there must be; false if that is not so.
func (e *evaluation) count(c condition, n int) (Verdict, bool) {
	if c.Count != "" {
		v := e.compare(c.Count, strconv.Itoa(n), nil)
		if v.Status == constraint.Passed {
			return v, true
		}
		if len(v.Problems) > 0 {
			return v, false
		}
		expr, _ := e.resolve(c.Count, nil)
		return Verdict{Status: v.Status, Problems: []string{fmt.Sprintf("%d %s, must be %s", n, c.what(), expr)}}, false
	}
	if n > 0 || c.Match == "none" {
		return Verdict{}, true
	}
	v := Verdict{Status: constraint.Failed, Problems: []string{"no " + c.what() + e.why(c)}}
	switch c.Missing {
	case "passed":
		v = Verdict{Status: constraint.Passed}
	case "unknown":
		v.Status = constraint.Unknown
	}
	return v, false
}

// why is that the cluster does not know what a condition is about.
func (e *evaluation) why(c condition) string {
	for _, s := range c.sources {
		if !e.readings[s].Absent {
			return ""
		}
	}
	if len(c.sources) == 0 {
		return ""
	}
	if s := c.sources[0]; s.Service == "" && s.Group != "" {
		return ": the cluster has no " + s.Resource + "." + s.Group
	}
	return ": not there"
}

// what names the objects that a condition is about.
func (c condition) what() string {
	if c.Proxy != nil {
		return "elements of " + c.Proxy.Service + "/" + c.Proxy.Path
	}
	s := c.Kind
	if c.Name != "" {
		s += " " + c.Name
	}
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		s += " " + k + "=" + c.Labels[k]
	}
	if !c.Cluster && c.Namespace != everywhere && c.Namespace != ofRecipe {
		s += " in namespace " + c.Namespace
	}
	return s
}

// fields decides what an object's fields must be.
func (e *evaluation) fields(c condition, o object) Verdict {
	return e.quietly(c.Match == "none", c.must, o)
}

// quietly decides fields without the words for what does not hold.
func (e *evaluation) quietly(quiet bool, fields []field, o object) Verdict {
	defer func(was bool) { e.quiet = was }(e.quiet)
	e.quiet = quiet
	return e.expressions(fields, o)
}

// measure records the value that a check is about.
func (e *evaluation) measure(c condition, o object) {
	if c.Value != "" {
		if p, err := parseField(c.Value); err == nil {
			e.actual = append(e.actual, p.Values(o.tree)...)
		}
	}
}

// shows names the fields of an object that must not be as they are.
func (e *evaluation) shows(c condition, o object) string {
	var parts []string
	for _, path := range slices.Sorted(maps.Keys(c.Fields)) {
		if p, err := parseField(path); err == nil {
			parts = append(parts, path+" is "+strings.Join(p.Values(o.tree), ", "))
		}
	}
	return nameOf(o.source, o.tree) + ": " + strings.Join(parts, ", ")
}

// expressions decides several fields of an object, all of which must hold.
func (e *evaluation) expressions(fields []field, o object) Verdict {
	out := Verdict{Status: constraint.Passed}
	for _, f := range fields {
		if f.err != nil {
			return Verdict{Status: constraint.Unknown, Problems: []string{f.err.Error()}}
		}
		v := e.field(f, f.steps.Values(o.tree), o)
		if v.Status == constraint.Passed {
			continue
		}
		if out.Status != constraint.Failed {
			out.Status = v.Status
		}
		out.Problems = append(out.Problems, v.Problems...)
	}
	return out
}

// field decides one field; of several values one must be as expected.
func (e *evaluation) field(f field, got []string, o object) Verdict {
	if f.fixed != nil {
		out := constraint.Failed
		for _, g := range got {
			status, _ := f.fixed.Eval(g)
			if status == constraint.Passed {
				return Verdict{Status: status}
			}
			if status == constraint.Unknown {
				out = status
			}
		}
		if e.quiet {
			return Verdict{Status: out}
		}
	}
	name := nameOf(o.source, o.tree) + ": " + f.path
	must, missing := e.resolve(f.expr, o.tree)
	switch {
	case missing != "":
		return Verdict{Status: constraint.Unknown, Problems: []string{name + " cannot be compared: " + missing}}
	case len(got) == 0 && f.expr == "*":
		return Verdict{Status: constraint.Failed, Problems: []string{name + " is not set"}}
	case len(got) == 0:
		return Verdict{Status: constraint.Failed, Problems: []string{fmt.Sprintf("%s is not set, must be %s", name, must)}}
	}
	out := Verdict{Status: constraint.Failed}
	for _, g := range got {
		v := e.compare(f.expr, g, o.tree)
		if v.Status == constraint.Passed {
			return v
		}
		if v.Status == constraint.Unknown {
			out.Status = constraint.Unknown
		}
	}
	out.Problems = []string{fmt.Sprintf("%s is %s, must be %s", name, cut(strings.Join(got, ", ")), must)}
	return out
}

func cut(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
