package compile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// variants collects the distinct forms that components have over all recipes.
// A variant is named by the overlays that set something of its component, the
// fewest that lead to it: they determine it, and a change of a value renames
// nothing. Where they do not (a site may compute components by patterns), it
// carries the name of a recipe that has it.
type variants struct {
	l    *loaded
	uses []use
}

// use is one component of one recipe.
type use struct {
	ref    schema.ComponentRef
	name   string // the overlays that set something of it, joined with +
	recipe string // the name of the recipe's file, without .json
}

// add records the components of a recipe, in its order, and returns the
// numbers by which names finds them again.
func (v *variants) add(d *recipes.Document, recipe string) []int {
	out := make([]int, len(d.Components))
	for i, ref := range d.Components {
		out[i] = len(v.uses)
		v.uses = append(v.uses, use{ref: ref, name: v.l.setters(ref.Name, d.AppliedOverlays), recipe: recipe})
	}
	return out
}

// setters names the applied overlays that set something of a component, the
// ones nearer to the root first.
func (l *loaded) setters(component string, applied []string) string {
	var names []string
	for _, n := range applied {
		if slices.ContainsFunc(l.said[n], func(s layer) bool {
			path := s.Path
			if path[0] == "override" {
				path = path[1:]
			}
			return len(path) > 0 && path[0] == "components" && (len(path) == 1 || path[1] == component)
		}) {
			names = append(names, n)
		}
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := len(l.chains[names[i]]), len(l.chains[names[j]])
		if a != b {
			return a < b
		}
		return names[i] < names[j]
	})
	if names == nil {
		names = []string{"any"}
	}
	return strings.Join(names, "+")
}

// files writes every variant once, and returns the variant, NAME/VARIANT, of
// each use.
func (v *variants) files(to Files) ([]string, error) {
	type group struct { // uses with one content
		names, recipes map[string]bool
		uses           []int
	}
	groups := map[string]map[string]*group{} // by component and content
	content := map[string]string{}           // by component/name
	differ := map[string]bool{}              // component/name with two contents
	for i, u := range v.uses {
		data, err := schema.EncodeIndent(u.ref)
		if err != nil {
			return nil, err
		}
		component, text := u.ref.Name, string(data)
		if groups[component] == nil {
			groups[component] = map[string]*group{}
		}
		g := groups[component][text]
		if g == nil {
			g = &group{names: map[string]bool{}, recipes: map[string]bool{}}
			groups[component][text] = g
		}
		g.names[component+"/"+u.name], g.recipes[component+"/="+u.recipe] = true, true
		g.uses = append(g.uses, i)
		if was, ok := content[component+"/"+u.name]; ok && was != text {
			differ[component+"/"+u.name] = true
		}
		content[component+"/"+u.name] = text
	}
	names := make([]string, len(v.uses))
	for component, byContent := range groups {
		distinct := map[string]map[string]json.RawMessage{} // by NAME/VARIANT
		for text, g := range byContent {
			maps.DeleteFunc(g.names, func(n string, _ bool) bool { return differ[n] })
			if len(g.names) == 0 {
				g.names = g.recipes
			}
			name := slices.MinFunc(slices.Sorted(maps.Keys(g.names)), func(a, b string) int {
				return cmp.Compare(strings.Count(a, "+"), strings.Count(b, "+"))
			})
			for _, i := range g.uses {
				names[i] = name
			}
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(text), &fields); err != nil {
				return nil, fmt.Errorf("splitting component %s: %w", component, err)
			}
			distinct[name] = fields
		}
		if err := split(to, component, distinct); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// own are the fields that every variant has in a file of its own.
var own = map[string]bool{"values": true, "manifests": true, "dependencyRefs": true}

// split writes what the variants of a component have in common into one file,
// and the rest of each into another.
func split(to Files, component string, distinct map[string]map[string]json.RawMessage) error {
	order := slices.Sorted(maps.Keys(distinct))
	shared := map[string]json.RawMessage{}
	for f, text := range distinct[order[0]] {
		same := !own[f]
		for _, name := range order[1:] {
			same = same && bytes.Equal(text, distinct[name][f])
		}
		if same {
			shared[f] = text
		}
	}
	write := func(file string, fields map[string]json.RawMessage) (err error) {
		to[file], err = schema.EncodeIndent(fields)
		return err
	}
	for _, name := range order {
		for f := range shared {
			delete(distinct[name], f)
		}
		if err := write(recipes.VariantFile(name), distinct[name]); err != nil {
			return err
		}
	}
	return write(recipes.VariantFile(component+"/"+strings.TrimSuffix(recipes.SharedFile, ".json")), shared)
}
