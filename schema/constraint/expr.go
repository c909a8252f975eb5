// Package constraint is what a recipe demands of a cluster: an expression
// (">= 1.32.4", "ubuntu", ">= 1.30, < 1.34", "in [a, b]") about the value that
// stands at a path of a snapshot.
package constraint

import (
	"fmt"
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
	text    string
	allowed set
	ordered bool // asks for an order, so a value that is no version is unknown
}

// String is the expression with its space made regular.
func (e Expr) String() string { return e.text }

// Parse reads an expression: terms joined with commas, all of which must hold.
// A term is an operator (>= <= > < == !=) and a value, a bare value, which
// means ==, or in [a, b]. Invalid says what is wrong with it and what would be
// right.
func Parse(s string) (Expr, error) {
	if len(s) > maxLen {
		return Expr{}, schema.Errorf(schema.Invalid, "expression of %d bytes is over the limit of %d", len(s), maxLen)
	}
	terms, err := split(s)
	if err != nil {
		return Expr{}, bad(s, err)
	}
	e := Expr{allowed: everything()}
	var texts []string
	for _, t := range terms {
		text, allowed, ordered, err := parseTerm(t)
		if err != nil {
			return Expr{}, bad(s, err)
		}
		texts = append(texts, text)
		e.allowed = e.allowed.intersect(allowed)
		e.ordered = e.ordered || ordered
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

func parseTerm(t string) (text string, allowed set, ordered bool, err error) {
	if rest, ok := strings.CutPrefix(t, "in"); ok && strings.HasPrefix(strings.TrimSpace(rest), "[") {
		return parseIn(strings.TrimSpace(rest))
	}
	op := t[:len(t)-len(strings.TrimLeft(t, "<>=!~^"))]
	operand := strings.TrimSpace(t[len(op):])
	if err := checkOperand(op, operand); err != nil {
		return "", set{}, false, err
	}
	eq := equal(operand)
	switch op {
	case "":
		return operand, eq, false, nil
	case "==":
		return "== " + operand, eq, false, nil
	case "!=":
		return "!= " + operand, eq.complement(), false, nil
	}
	v, err := version.Parse(operand)
	if err != nil {
		return "", set{}, false, fmt.Errorf("%s orders versions, and %w", op, err)
	}
	at, below, above := spanOf(v), bound{inf: -1}, bound{inf: 1}
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
		return "", set{}, false, fmt.Errorf("no operator %q; use >= <= > < == !=", op)
	}
	return op + " " + operand, set{spans: []span{at}}, true, nil
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

func parseIn(list string) (string, set, bool, error) {
	body, ok := strings.CutSuffix(strings.TrimPrefix(list, "["), "]")
	if !ok {
		return "", set{}, false, fmt.Errorf("text after ]")
	}
	parts := strings.Split(body, ",")
	if len(parts) > maxTerms {
		return "", set{}, false, fmt.Errorf("more than %d items in the list", maxTerms)
	}
	var items []string
	var allowed set
	for _, item := range parts {
		item = strings.TrimSpace(item)
		if err := checkOperand("", item); err != nil {
			return "", set{}, false, err
		}
		items = append(items, item)
		allowed = allowed.union(equal(item))
	}
	return "in [" + strings.Join(items, ", ") + "]", allowed, false, nil
}

// equal is the set of values that are the same as operand: versions within
// 1.2 for 1.2, else the very text.
func equal(operand string) set {
	if v, err := version.Parse(operand); err == nil {
		return set{spans: []span{spanOf(v)}}
	}
	return set{texts: words{list: []string{operand}}}
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
	// A version stands for all that it leaves open: v1.32 for every 1.32.x.
	is := set{spans: []span{spanOf(v)}}
	switch {
	case is.subset(e.allowed):
		return Passed, ""
	case len(is.intersect(e.allowed).spans) == 0:
		return Failed, fmt.Sprintf("%s is not %s", actual, e.text)
	}
	return Unknown, fmt.Sprintf("%s has too few parts to compare with %s", actual, e.text)
}

// Implies reports whether every value that satisfies e satisfies o too.
func (e Expr) Implies(o Expr) bool { return e.allowed.subset(o.allowed) }

// Satisfiable reports whether some release, or some text, satisfies all of
// exprs: >= 1.34 with < 1.30 is not.
func Satisfiable(exprs ...Expr) bool {
	all := everything()
	for _, e := range exprs {
		all = all.intersect(e.allowed)
	}
	return !all.empty()
}
