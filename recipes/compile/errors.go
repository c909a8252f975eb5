package compile

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"cuelang.org/go/cue/errors"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// noise is what CUE says beside, or instead of, the message of the grammar.
var noise = pattern.New(`^(\d+ errors in empty disjunction|conflicting values|invalid value|field is required)`)

// errors turns CUE's errors into ours: one a problem, at the author's line,
// with the other lines named beside it. A mistake that all descendants of an
// overlay inherit is said once.
func (l *loaded) errors(err error) error {
	var all []*schema.Error
	plain := map[string]bool{}         // paths that the grammar has words for
	conflict := map[string]bool{}      // paths that two levels set to different values
	levels := map[*schema.Error]bool{} // between which the conflict is
	paths := map[*schema.Error][]string{}
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		p := &schema.Error{Code: schema.Invalid, Msg: fmt.Sprintf(format, args...), Err: e}
		var path []string
		path, p.Pos = l.subject(e.Path())
		p.Path, paths[p] = strings.Join(path, "."), path
		conflicting := strings.HasPrefix(p.Msg, "conflicting values")
		places, own := l.places(e)
		if l.written.inst != nil {
			p.Hint = l.written.hint(p.Msg, path)
			if at := l.written.place(path, conflicting || strings.HasPrefix(p.Msg, "write ")); !own && at != "" {
				places = []string{at}
			}
			if m := l.written.mismatch(p.Msg, places); m != "" && l.levels(e) < 2 {
				p.Msg, places = m, places[:1]
			}
		}
		if p.Pos == "" && len(places) > 0 {
			p.Pos = places[0]
			if len(places) > 1 {
				p.Msg += "; see also " + strings.Join(places[1:], ", ")
			}
		}
		if kind, ok := strings.CutPrefix(p.Msg, "incomplete value "); ok {
			p.Msg = "a value is missing: " + kind
		}
		all = append(all, p)
		if conflicting && l.levels(e) > 1 {
			conflict[p.Path], levels[p] = true, true
		}
		if !noise.MatchString(p.Msg) {
			plain[p.Path] = true
		}
	}
	var out []error
	for _, p := range all {
		// A mapping in which something is wrong is not also wrong as a text.
		if p.Path != "" && l.written.isMapping(paths[p]) && slices.ContainsFunc(all, func(q *schema.Error) bool {
			return strings.HasPrefix(q.Path, p.Path+".") && (plain[q.Path] || strings.HasSuffix(q.Msg, "not allowed"))
		}) {
			continue
		}
		// The type that a component gives a value has nothing to say where two
		// levels disagree.
		if conflict[p.Path] {
			if levels[p] {
				out = append(out, p)
			}
		} else if !plain[p.Path] || !noise.MatchString(p.Msg) {
			out = append(out, p)
		}
	}
	return schema.Join(out)
}

// levels counts the values of overlays and mixins that an error comes from.
func (l *loaded) levels(e errors.Error) int {
	n := 0
	places, _ := l.places(e)
	for _, at := range places {
		if !strings.Contains(at, "components/") {
			n++
		}
	}
	return n
}

// subject is what an evaluated path is about, as authors write it, and its
// place where the path says that better than the error does.
func (l *loaded) subject(path []string) (subject []string, pos string) {
	path = slices.Clone(path)
	for i, k := range path {
		if s, err := strconv.Unquote(k); err == nil {
			path[i] = s
		}
	}
	if len(path) > 0 && path[0] == "catalog" {
		path = path[1:]
	}
	switch {
	case len(path) > 1 && path[0] == "mistakes":
		return nil, l.where(path[1])
	case len(path) > 2 && path[0] == "answers":
		path = path[2:]
	case len(path) > 1 && path[0] == "#answer":
		path = path[1:]
	}
	return path, ""
}

// places lists where an error comes from, authors' files only when there are
// any (own): the grammar's lines tell them nothing.
func (l *loaded) places(e errors.Error) (places []string, authors bool) {
	var own, grammar []string
	seen := map[string]bool{}
	for _, pos := range errors.Positions(e) {
		if !pos.IsValid() {
			continue
		}
		at := fmt.Sprintf("%s:%d:%d", l.src.known(pos.Filename()), pos.Line(), pos.Column())
		if seen[at] {
			continue
		}
		seen[at] = true
		if strings.HasPrefix(at, "recipes/catalog/") || strings.HasPrefix(at, l.src.inModule("recipes.cue")) || strings.HasPrefix(at, "schema/") ||
			strings.HasPrefix(at, l.src.inModule("components/types.cue")) {
			grammar = append(grammar, at)
		} else {
			own = append(own, at)
		}
	}
	// The site's own lines first: what comes with eidos is not the mistake.
	sort.Slice(own, func(i, j int) bool {
		if a, b := l.src.isAdded(own[i]), l.src.isAdded(own[j]); a != b {
			return a
		}
		return own[i] < own[j]
	})
	if own == nil && grammar != nil {
		return grammar[:1], false
	}
	return own, own != nil
}
