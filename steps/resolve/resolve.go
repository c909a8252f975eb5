// Package resolve answers a question, or a snapshot, with a recipe.
package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/detect"
	"github.com/NVIDIA/eidos/schema"
)

// Question is what a recipe is asked for.
type Question struct {
	// Stated is what the user says; it wins over what the snapshot shows. The
	// word any leaves a field open whatever the snapshot shows.
	Stated schema.Criteria
	// Snapshot fills in what is not stated, if there is one.
	Snapshot *schema.Snapshot
	// AllowGeneric accepts a recipe that does not cover every stated field.
	AllowGeneric bool
	// Profiles are choices within the recipe, NAME=CHOICE.
	Profiles []string
	// Provenance asks who set each value.
	Provenance bool
}

// Recipe answers q from cat. The notes are for people: what was detected and
// could not be used. Invalid if a stated field is one that no recipe covers.
func Recipe(cat *recipes.Catalog, q Question) (*schema.RecipeResult, []string, error) {
	var err error
	if q.Stated, err = cat.Known(q.Stated); err != nil {
		return nil, nil, err
	}
	want := q.Stated
	var seen []schema.Detection
	var notes []string
	if q.Snapshot != nil {
		words, err := cat.Words()
		if err != nil {
			return nil, nil, err
		}
		seen = detect.Snapshot(words, q.Snapshot).Detected
		want, notes = q.complete(cat, seen)
	}
	answer, by, stands, err := cat.StandIn(want)
	if err != nil {
		return nil, notes, err
	}
	res, err := cat.Resolve(answer, q.AllowGeneric, q.Profiles...)
	if err != nil {
		return nil, notes, err
	}
	if stands {
		notes = append(notes, fmt.Sprintf("no recipe covers %s; %s is used instead, made for %s", recipes.CriteriaOf(want), strings.Join(by, " and "), recipes.CriteriaOf(answer)))
		res.Criteria, res.Metadata.Maturity = recipes.CriteriaOf(want).Schema(), "experimental"
		res.Criteria.Nodes = want.Nodes
	}
	res.Detected = seen
	if _, uncovered := cat.Match(recipes.CriteriaOf(want)); uncovered != (recipes.Criteria{}) && !stands {
		res.Metadata.Maturity = "experimental" // no reference cluster was of this kind
		notes = append(notes, fmt.Sprintf("generic: no recipe covers %s; what applies is %s", uncovered, strings.Join(res.Metadata.AppliedOverlays, ", ")))
	}
	if q.Provenance {
		if res.Provenance, err = cat.Provenance(res); err != nil {
			return nil, notes, err
		}
	}
	return res, notes, nil
}

// complete adds to what is stated what was detected and some recipe covers. The
// notes say of every field that stays open why: only what the user asks for has
// to be covered.
func (q Question) complete(cat *recipes.Catalog, seen []schema.Detection) (schema.Criteria, []string) {
	all := recipes.CriteriaOf(q.Stated)
	stated := raw(q.Stated)
	var notes []string
	var added []int
	for _, d := range seen {
		i := slices.Index(recipes.Fields(), d.Field)
		switch {
		case stated[i] != "":
		case d.Value == "":
			notes = append(notes, detect.Sentence(d))
		default:
			all[i] = d.Value
			added = append(added, i)
		}
	}
	covering := all
	if answer, _, ok, err := cat.StandIn(all.Schema()); err == nil && ok {
		covering = recipes.CriteriaOf(answer)
	}
	_, uncovered := cat.Match(covering)
	for _, i := range added {
		if uncovered[i] == "" {
			continue
		}
		note := fmt.Sprintf("the snapshot shows %s %s, but no recipe for the rest of the question covers it: left open", recipes.Fields()[i], all[i])
		if near := cat.Nearest(all, 1); len(near) == 1 {
			note += fmt.Sprintf("; the nearest recipe is %s (%s)", near[0].Name, recipes.CriteriaOf(near[0].Criteria).Flags())
		}
		notes = append(notes, note)
	}
	for _, i := range added {
		if uncovered[i] != "" {
			all[i] = ""
		}
	}
	out := all.Schema()
	out.Nodes = q.Stated.Nodes
	return out, notes
}

// raw is c with the word any kept.
func raw(c schema.Criteria) recipes.Criteria {
	return recipes.Criteria{c.Service, c.Accelerator, c.Intent, c.OS, c.Platform}
}

// Merge fills the fields that first leaves out from then: flags over a file.
func Merge(first, then schema.Criteria) schema.Criteria {
	a, b := raw(first), raw(then)
	for i := range a {
		if a[i] == "" {
			a[i] = b[i]
		}
	}
	out := a.Schema()
	if out.Nodes = first.Nodes; out.Nodes == 0 {
		out.Nodes = then.Nodes
	}
	return out
}
