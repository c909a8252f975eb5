package recipes

import (
	"errors"
	"io/fs"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Match returns the leaves that a question selects, by name, those that apply
// everywhere last, and which of the fields it states none of them carries.
//
// An overlay applies when the question states everything that it states, so a
// field left open never pulls in an overlay that states it. Ancestors of
// others come in through their descendants; what remains are the leaves.
func (c *Catalog) Match(q Criteria) (leaves []string, uncovered Criteria) {
	inner := map[string]bool{}
	var matches []int
	var everywhere []string
	for i, o := range c.Overlays {
		if c.criteria[i].Within(q) {
			matches = append(matches, i)
			inner[o.Base] = true
		}
	}
	uncovered = q
	for _, i := range matches {
		for f, v := range c.criteria[i] {
			if v != "" {
				uncovered[f] = ""
			}
		}
		// The ancestors of a match match too: their criteria are within its own.
		switch name := c.Overlays[i].Name; {
		case inner[name]:
		case c.criteria[i] == Criteria{}:
			everywhere = append(everywhere, name)
		default:
			leaves = append(leaves, name)
		}
	}
	return append(leaves, everywhere...), uncovered
}

// Covers returns the error that Resolve returns for a question that states a
// field which no applied overlay carries; it reads no answer.
func (c *Catalog) Covers(q schema.Criteria) error {
	if _, uncovered := c.Match(CriteriaOf(q)); uncovered != (Criteria{}) {
		return c.notCovered(CriteriaOf(q), uncovered)
	}
	return nil
}

// Resolve answers a question with what is chosen of its profiles, NAME=CHOICE each.
// Invalid if it states a field that no applied overlay carries, unless allowGeneric.
func (c *Catalog) Resolve(q schema.Criteria, allowGeneric bool, chosen ...string) (*schema.RecipeResult, error) {
	leaves, uncovered := c.Match(CriteriaOf(q))
	if uncovered != (Criteria{}) && !allowGeneric {
		return nil, c.notCovered(CriteriaOf(q), uncovered)
	}
	choices, err := c.Choose(leaves, chosen)
	if err != nil {
		return nil, err
	}
	a := Answer{Leaves: leaves, Choices: choices}
	a.File = c.AnswerFile(a)
	if _, err := fs.Stat(c.files, a.File); errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Errorf(schema.Failed, "the compiled catalogue has no answer for %s", strings.Join(leaves, " and ")).
			WithHint("it is older than its sources: go generate ./recipes")
	}
	d, err := c.Document(a)
	if err != nil {
		return nil, err
	}
	return c.result(d, q), nil
}

func (c *Catalog) result(d *Document, q schema.Criteria) *schema.RecipeResult {
	stated := CriteriaOf(q).Schema()
	stated.Nodes = q.Nodes
	return &schema.RecipeResult{
		Kind:       "RecipeResult",
		APIVersion: schema.APIVersion,
		Metadata: schema.RecipeMetadata{
			Release: c.Release, Version: c.Version, Catalog: d.Digest, AppliedOverlays: d.AppliedOverlays, Maturity: d.Maturity,
		},
		Criteria:        stated,
		Constraints:     d.Constraints,
		ComponentRefs:   d.Components,
		DeploymentOrder: d.Order,
		Validation:      d.Validation,
		Warnings:        d.Warnings,
		Rules:           d.Rules,
		Profiles:        d.Profiles,
	}
}

func (c *Catalog) notCovered(q, uncovered Criteria) error {
	err := schema.Errorf(schema.Invalid, "no recipe for %s covers %s", q, uncovered)
	if q == uncovered {
		err = schema.Errorf(schema.Invalid, "no recipe is for %s and nothing else", q)
	}
	near := c.Nearest(q, 3)
	if len(near) == 0 {
		return err.WithHint("%s accepts a recipe that knows nothing about it", schema.Parameter("allowGeneric"))
	}
	var list []string
	for _, o := range near {
		list = append(list, o.Name+" ("+CriteriaOf(o.Criteria).Flags()+")")
	}
	return err.WithHint("the nearest recipes are %s; %s accepts one that knows nothing about it", strings.Join(list, ", "), schema.Parameter("allowGeneric"))
}

// Nearest returns up to n overlays by how much of the question they carry,
// then by how little else they state, then by name. One for another product,
// that contradicts a stated field, is not near.
func (c *Catalog) Nearest(q Criteria, n int) []Overlay {
	type scored struct{ i, same, extra int }
	var all []scored
	for i, k := range c.criteria {
		s, other := scored{i: i}, false
		for f, v := range k {
			switch {
			case v != "" && v == q[f]:
				s.same++
			case v != "" && q[f] != "":
				other = true
			case v != "":
				s.extra++
			}
		}
		if s.same > 0 && !other {
			all = append(all, s)
		}
	}
	sort.SliceStable(all, func(a, b int) bool {
		x, y := all[a], all[b]
		if x.same != y.same {
			return x.same > y.same
		}
		return x.extra < y.extra
	})
	var out []Overlay
	for _, s := range all[:min(n, len(all))] {
		out = append(out, c.Overlays[s.i])
	}
	return out
}
