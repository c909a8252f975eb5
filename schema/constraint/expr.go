// Package constraint is what a recipe demands of a cluster: an expression
// (">= 1.32.4", "ubuntu", ">= 1.30, < 1.34", "in [a, b]") about the value that
// stands at a path of a snapshot.
package constraint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/version"
)

// Limits of one expression.
const (
	maxLen   = 1024 // bytes
	maxTerms = 32   // terms, or items of a list
)

// Verdict is what an expression says of a value.
type Verdict string

const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Unknown Verdict = "unknown" // there is no value, or it cannot be compared
)

// Expr is a parsed expression. It is not changed after Parse.
type Expr struct {
	text     string
	allowed  set      // what satisfies it
	possible set      // what may: builds that have no order (hashes) are possible
	ordered  bool     // asks for an order, so a value that is no version is unknown
	builds   bool     // asks for a build, so that of the value takes part
	makers   []string // the distributions whose builds it asks for; sorted
}

// String is the expression with its space made regular.
func (e Expr) String() string { return e.text }

// Parse reads an expression: terms joined with commas, all of which must hold,
// and such alternatives joined with ||. A term is an operator (>= <= > < ==
// !=) and a value, a bare value, which means ==, or in [a, b]. Invalid says
// what is wrong with it and what would be right.
func Parse(s string) (Expr, error) {
	if len(s) > maxLen {
		return Expr{}, schema.Errorf(schema.Invalid, "expression of %d bytes is over the limit of %d", len(s), maxLen)
	}
	var e Expr
	for i, alternative := range strings.Split(s, "||") {
		a, err := parseAll(alternative)
		if err != nil {
			return Expr{}, bad(s, err)
		}
		if i == 0 {
			e = a
			continue
		}
		e = e.or(a)
		e.text += " || " + a.text
	}
	return e, nil
}

// or is satisfied by what satisfies e or o. It asks for builds of a
// distribution only if both do.
func (e Expr) or(o Expr) Expr {
	e.allowed, e.possible = e.allowed.union(o.allowed), e.possible.union(o.possible)
	e.ordered, e.builds = e.ordered || o.ordered, e.builds || o.builds
	if len(e.makers) > 0 && len(o.makers) > 0 {
		e.makers = sorted(slices.Concat(e.makers, o.makers))
	} else {
		e.makers = nil
	}
	return e
}

// parseAll reads terms that must all hold.
func parseAll(s string) (Expr, error) {
	terms, err := split(s)
	if err != nil {
		return Expr{}, err
	}
	e := Expr{allowed: everything(), possible: everything()}
	var texts []string
	for _, term := range terms {
		t, err := parseTerm(term)
		if err != nil {
			return Expr{}, err
		}
		if len(e.makers) > 0 && len(t.makers) > 0 && !slices.Equal(e.makers, t.makers) {
			return Expr{}, fmt.Errorf("it asks for builds of %s and of %s at once", orList(e.makers), orList(t.makers))
		}
		texts = append(texts, t.text)
		e.allowed = e.allowed.intersect(t.allowed)
		e.possible = e.possible.intersect(t.possible)
		e.ordered, e.builds = e.ordered || t.ordered, e.builds || t.builds
		if len(t.makers) > 0 {
			e.makers = t.makers
		}
	}
	e.text = strings.Join(texts, ", ")
	return e, nil
}

func bad(s string, err error) error {
	return schema.Errorf(schema.Invalid, "malformed expression %q: %w", s, err).
		WithHint(`write ">= 1.32.4", "ubuntu", ">= 1.30, < 1.34" or "in [a, b]"`)
}

// split cuts at commas outside of brackets.
func split(s string) ([]string, error) {
	var out []string
	start, open := 0, false
	for i, c := range s {
		switch {
		case c == '[' && open, c == ']' && !open:
			return nil, fmt.Errorf("unexpected %q", c)
		case c == '[' || c == ']':
			open = c == '['
		case c == ',' && !open:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		case c < ' ' || c == 0x7f:
			return nil, fmt.Errorf("control character %q", c)
		}
	}
	if open {
		return nil, fmt.Errorf("[ without ]")
	}
	if len(out) >= maxTerms {
		return nil, fmt.Errorf("more than %d terms", maxTerms)
	}
	return append(out, strings.TrimSpace(s[start:])), nil
}

// parseTerm reads one term as an expression of its own.
func parseTerm(t string) (Expr, error) {
	if rest, ok := strings.CutPrefix(t, "in"); ok && strings.HasPrefix(strings.TrimSpace(rest), "[") {
		return parseIn(strings.TrimSpace(rest))
	}
	op := t[:len(t)-len(strings.TrimLeft(t, "<>=!~^"))]
	operand := strings.TrimSpace(t[len(op):])
	if err := checkOperand(op, operand); err != nil {
		return Expr{}, err
	}
	eq := equal(operand)
	switch op {
	case "":
		return eq, nil
	case "==":
		eq.text = "== " + operand
		return eq, nil
	case "!=":
		eq.text = "!= " + operand
		eq.allowed, eq.possible = eq.allowed.complement(), eq.allowed.complement()
		return eq, nil
	}
	v, err := version.Parse(operand)
	if err != nil {
		return Expr{}, fmt.Errorf("%s orders versions, and %w", op, err)
	}
	at, below, above := spanOf(v), bound{inf: -1}, bound{inf: 1}
	whole := at
	switch op {
	case ">=":
		at.hi = above
	case ">":
		at = span{at.hi, above}
	case "<=":
		at.lo = below
	case "<":
		at = span{below, at.lo}
	default:
		return Expr{}, fmt.Errorf("no operator %q; use >= <= > < == !=", op)
	}
	e := Expr{text: op + " " + operand, allowed: set{spans: []span{at}}, ordered: true, builds: len(v.Build) > 0, makers: makers(v)}
	e.possible = e.allowed
	if n := len(v.Ordered()); n < len(v.Build) {
		// The others that begin so have no order to this one.
		v.Build = v.Build[:n]
		others := set{spans: []span{spanOf(v)}}.intersect(set{spans: []span{whole}}.complement())
		e.allowed = e.allowed.intersect(others.complement())
		e.possible = e.possible.union(others)
	}
	return e, nil
}

// makers names what a version that is asked for is compared with only: its
// distribution, and before :// its runtime.
func makers(v version.Version) []string {
	var out []string
	if v.Scheme != "" {
		out = append(out, v.Scheme+"://")
	}
	if d := v.Distribution(); d != "" {
		out = append(out, d)
	}
	return out
}

func checkOperand(op, operand string) error {
	if operand == "" && op == "" {
		return fmt.Errorf("a term is empty")
	}
	if operand == "" {
		return fmt.Errorf("%s without a value", op)
	}
	if i := strings.IndexAny(operand, "<>=![]"); i >= 0 {
		return fmt.Errorf("unexpected %q in %q", operand[i], operand)
	}
	if first, _, more := strings.Cut(operand, " "); more {
		if _, err := version.Parse(first); err == nil || op != "" {
			return fmt.Errorf("space in %q; put a comma between terms", operand)
		}
	}
	return nil
}

func parseIn(list string) (Expr, error) {
	body, ok := strings.CutSuffix(strings.TrimPrefix(list, "["), "]")
	if !ok {
		return Expr{}, fmt.Errorf("text after ]")
	}
	parts := strings.Split(body, ",")
	if len(parts) > maxTerms {
		return Expr{}, fmt.Errorf("more than %d items in the list", maxTerms)
	}
	var items []string
	var e Expr
	for i, item := range parts {
		item = strings.TrimSpace(item)
		if err := checkOperand("", item); err != nil {
			return Expr{}, err
		}
		items = append(items, item)
		if i == 0 {
			e = equal(item)
		} else {
			e = e.or(equal(item))
		}
	}
	e.text = "in [" + strings.Join(items, ", ") + "]"
	return e, nil
}

// equal asks for what is the same as operand: versions within 1.2 for 1.2,
// else the very text.
func equal(operand string) Expr {
	e := Expr{text: operand, allowed: set{texts: words{list: []string{operand}}}}
	if v, err := version.Parse(operand); err == nil {
		e.allowed = set{spans: []span{spanOf(v)}}
		e.builds, e.makers = len(v.Build) > 0, makers(v)
	}
	e.possible = e.allowed
	return e
}

// Eval says whether actual, a measured value as text, satisfies e, and why not
// when it does not.
func (e Expr) Eval(actual string) (Verdict, string) {
	if actual == "" {
		return Unknown, "the measured value is empty"
	}
	v, err := version.Parse(actual)
	if err != nil {
		switch {
		case e.ordered:
			return Unknown, err.Error()
		case e.allowed.texts.has(actual):
			return Passed, ""
		}
		return Failed, fmt.Sprintf("%q is not %s", actual, e.text)
	}
	if why := e.otherMaker(actual, v); why != "" {
		return Unknown, why
	}
	if !e.builds {
		v.Build = nil
	}
	// A version stands for all that it leaves open: v1.32 for every 1.32.x.
	is := set{spans: []span{spanOf(v)}}
	switch {
	case is.subset(e.allowed):
		return Passed, ""
	case len(is.intersect(e.possible).spans) == 0:
		return Failed, fmt.Sprintf("%s is not %s", actual, e.text)
	case len(e.makers) > 0 && is.subset(e.possible):
		return Unknown, fmt.Sprintf("%s and %s differ in a part that has no order", actual, e.text)
	}
	return Unknown, fmt.Sprintf("%s has too few parts to compare with %s", actual, e.text)
}

// otherMaker says why v cannot be compared with e: e asks for builds of a
// distribution, and v is not one. "" if it can.
func (e Expr) otherMaker(actual string, v version.Version) string {
	if len(e.makers) == 0 {
		return ""
	}
	of := makers(v)
	asks, has := [2]bool{}, [2]bool{} // by sort: of a distribution, of a runtime
	for _, m := range e.makers {
		sort := 0
		if strings.HasSuffix(m, "://") {
			sort = 1
		}
		asks[sort] = true
		has[sort] = has[sort] || slices.Contains(of, m)
	}
	if asks == has {
		return ""
	}
	is := "does not name its distribution"
	if len(of) > 0 {
		is = "is of " + orList(of)
	}
	return fmt.Sprintf("%s %s, and %s compares builds of %s", actual, is, e.text, orList(e.makers))
}

func orList(list []string) string { return strings.Join(list, " or ") }

// Implies reports whether every value that satisfies e satisfies o too.
func (e Expr) Implies(o Expr) bool {
	versions := len(e.allowed.spans) > 0
	if versions && len(o.makers) > 0 && (len(e.makers) == 0 || !subsetOf(e.makers, o.makers)) {
		return false
	}
	return e.allowed.subset(o.allowed)
}

func subsetOf(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// Satisfiable reports whether some release, or some text, satisfies all of
// exprs: >= 1.34 with < 1.30 is not.
func Satisfiable(exprs ...Expr) bool {
	all := everything()
	var makers []string
	for _, e := range exprs {
		if len(makers) > 0 && len(e.makers) > 0 && !subsetOf(makers, e.makers) && !subsetOf(e.makers, makers) {
			return false
		}
		if len(e.makers) > 0 {
			makers = e.makers
		}
		all = all.intersect(e.possible)
	}
	return !all.empty()
}
