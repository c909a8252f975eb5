// Package expr evaluates the `when` of a pipeline step, a CUE expression, and
// reads pipeline files that are written in CUE. It is apart from the engine so
// that only commands which meet such a file pay for CUE.
//
// A condition is parsed when the pipeline is compiled, for its mistakes and for the
// names that it reads, which become edges of the plan; it is evaluated once these have
// results. CUE has no loops without a bound, reads no files and knows no time, so a
// condition of somebody else's pipeline can do no harm, and is the same each time.
package expr

import (
	"sort"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"

	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// maxText bounds an expression, in bytes.
const maxText = 10_000

// roots are the names an expression may begin a reference with.
var roots = []string{"params", "matrix", "steps", "run"}

// Compile reads a condition. Invalid if it is not one, or uses a name that
// there is not.
func Compile(text string) (*plan.Condition, error) {
	if len(text) > maxText {
		return nil, schema.Errorf(schema.Invalid, "the condition is over %d bytes", maxText)
	}
	x, err := parser.ParseExpr("when", text)
	if err != nil {
		return nil, hinted(wrong(err), text)
	}
	c := &plan.Condition{Text: text}
	if m := unquoted.FindStringSubmatch(text); m != nil {
		c.Unquoted = [2]string{m[1], m[2]}
	}
	var bad error
	c.Refs, bad = references(x)
	if bad != nil {
		return nil, hinted(bad, text)
	}
	c.Eval = func(scope map[string]any) (bool, error) { return eval(text, scope) }
	return c, nil
}

// wrong is a CUE error in one line, without the position in the expression.
func wrong(err error) error {
	msg := errors.Errors(err)[0].Error()
	return schema.Errorf(schema.Invalid, "not a condition: %s", msg).WithHint(`write CUE, like params.intent == "training"`)
}

// unquoted finds a name with a hyphen or a slash after a dot, which CUE reads as
// a difference or a quotient: steps.gpu-check, steps.lib/up, params.dry-run.
var unquoted = pattern.New(`\b(params|matrix|steps)\.(\w+(?:[-/]\w+)+)`)

// hinted adds how such a name is written to the error that it led to.
func hinted(err error, text string) error {
	var e *schema.Error
	m := unquoted.FindStringSubmatch(text)
	if m == nil || !errors.As(err, &e) {
		return err
	}
	return e.WithHint("write %s[%q]", m[1], m[2])
}

// references lists the paths that x reads, sorted, each once. Names that x
// defines itself, in a comprehension, are none; they are collected first, as a
// comprehension may use a name before the walk gets to its clause.
func references(x ast.Expr) ([][]string, error) {
	seen := map[string][]string{}
	var bad error
	local := map[string]bool{}
	ast.Walk(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForClause:
			for _, id := range []*ast.Ident{n.Key, n.Value} {
				if id != nil {
					local[id.Name] = true
				}
			}
		case *ast.LetClause:
			local[n.Ident.Name] = true
		}
		return true
	}, nil)
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr, *ast.Ident, *ast.IndexExpr:
			path, rest := selected(n.(ast.Expr))
			for _, r := range rest {
				ast.Walk(r, visit, nil)
			}
			if len(path) == 0 {
				return false
			}
			known := false
			for _, r := range roots {
				known = known || path[0] == r
			}
			switch {
			case known:
				seen[strings.Join(path, "\x00")] = path
			case local[path[0]] || predeclared(path[0]):
			case bad == nil:
				bad = schema.Errorf(schema.Invalid, "%q is not defined", path[0]).WithHint("a condition reads params, matrix and steps")
			}
			return false
		case *ast.Field:
			if n.Value != nil {
				ast.Walk(n.Value, visit, nil)
			}
			return false
		}
		return true
	}
	ast.Walk(x, visit, nil)
	var out [][]string
	for _, p := range seen {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return strings.Join(out[i], ".") < strings.Join(out[j], ".") })
	return out, bad
}

// selected takes a.b["c"].d apart; rest is what other indexes hold.
func selected(x ast.Expr) (names []string, rest []ast.Expr) {
	switch x := x.(type) {
	case *ast.Ident:
		return []string{x.Name}, nil
	case *ast.SelectorExpr:
		names, rest = selected(x.X)
		if len(names) == 0 {
			return nil, rest
		}
		name, _, err := ast.LabelName(x.Sel)
		if err != nil {
			return names, rest
		}
		return append(names, name), rest
	case *ast.IndexExpr:
		names, rest = selected(x.X)
		if lit, ok := x.Index.(*ast.BasicLit); ok && len(names) > 0 {
			if name, ok := stringOf(lit); ok {
				return append(names, name), rest
			}
		}
		return names, append(rest, x.Index)
	}
	return nil, []ast.Expr{x}
}

// stringOf is the text of a literal with its escapes, false if it is a number.
func stringOf(lit *ast.BasicLit) (string, bool) {
	v := cuecontext.New().BuildExpr(lit)
	s, err := v.String()
	return s, err == nil
}

// predeclared reports whether CUE itself defines name. A word that it adds and that is
// not here is reported as not defined: an error, never another meaning.
func predeclared(name string) bool {
	switch name {
	case "len", "and", "or", "div", "mod", "quo", "rem", "close", "error", "true", "false", "null",
		"string", "int", "number", "bool", "float", "bytes", "_", "_|_", "matchN", "matchIf":
		return true
	}
	return strings.HasPrefix(name, "__")
}

// eval returns the value of text in scope. A context of its own is made each
// time: a shared one keeps what it has seen, and is not safe for several workers.
func eval(text string, scope map[string]any) (bool, error) {
	ctx := cuecontext.New()
	x, err := parser.ParseExpr("when", text)
	if err != nil {
		return false, wrong(err)
	}
	v := ctx.BuildExpr(x, cue.Scope(ctx.Encode(scope)), cue.InferBuiltins(true))
	if err := v.Err(); err != nil {
		return false, schema.Errorf(schema.Invalid, "evaluating %q: %s", text, errors.Errors(err)[0].Error())
	}
	b, err := v.Bool()
	if err != nil {
		return false, schema.Errorf(schema.Invalid, "%q is not true or false: %s", text, errors.Errors(errors.Promote(err, ""))[0].Error())
	}
	return b, nil
}
