package compile

import (
	"fmt"
	"sort"
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
	plain := map[string]bool{}    // paths that the grammar has words for
	conflict := map[string]bool{} // paths that two levels set to different values
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		p := &schema.Error{Code: schema.Invalid, Msg: fmt.Sprintf(format, args...), Err: e}
		p.Path, p.Pos = l.subject(e.Path())
		if places := l.places(e); p.Pos == "" && len(places) > 0 {
			p.Pos = places[0]
			if len(places) > 1 {
				p.Msg += "; see also " + strings.Join(places[1:], ", ")
			}
		}
		all = append(all, p)
		if strings.HasPrefix(p.Msg, "conflicting values") && l.levels(e) > 1 {
			conflict[p.Path] = true
		}
		if !noise.MatchString(p.Msg) {
			plain[p.Path] = true
		}
	}
	var out []error
	for _, p := range all {
		// The type that a component gives a value has nothing to say where two
		// levels disagree.
		if conflict[p.Path] {
			if strings.HasPrefix(p.Msg, "conflicting values") {
				out = append(out, p)
			}
		} else if !plain[p.Path] || !noise.MatchString(p.Msg) {
			out = append(out, p)
		}
	}
	return schema.Join(out)
}

// levels counts the files of overlays and mixins that an error comes from.
func (l *loaded) levels(e errors.Error) int {
	files := map[string]bool{}
	for _, at := range l.places(e) {
		file, _, _ := strings.Cut(at, ":")
		if !strings.Contains(file, "components/") {
			files[file] = true
		}
	}
	return len(files)
}

// subject is what an evaluated path is about, as authors write it, and its
// place where the path says that better than the error does.
func (l *loaded) subject(path []string) (subject, pos string) {
	for i, k := range path {
		path[i] = strings.Trim(k, `"`)
	}
	if len(path) > 0 && path[0] == "catalog" {
		path = path[1:]
	}
	switch {
	case len(path) > 1 && path[0] == "mistakes":
		return "", l.where(path[1])
	case len(path) > 2 && path[0] == "answers":
		path = path[2:]
	}
	return strings.Join(path, "."), ""
}

// places lists where an error comes from, authors' files only when there are
// any: the grammar's own lines tell them nothing.
func (l *loaded) places(e errors.Error) []string {
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
		if strings.HasPrefix(at, "recipes/catalog/") || strings.HasPrefix(at, l.src.inModule("recipes.cue")) || strings.HasPrefix(at, "schema/") {
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
		return grammar[:1]
	}
	return own
}
