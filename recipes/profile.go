package recipes

import (
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Profile is a named choice within the recipes that an overlay is part of.
type Profile struct {
	Name string `json:"name"`
	// From is the overlay, or the mixin that it includes, that brings it.
	From        string `json:"from"`
	Description string `json:"description"`
	// Default is the choice where none is asked for.
	Default string   `json:"default"`
	Choices []Choice `json:"choices"` // by name
	// Owns are the values that its choices set, COMPONENT:PATH, and
	// COMPONENT:enabled of components that only some of them deploy; sorted.
	Owns []string `json:"owns"`
}

// Choice is one of a profile's.
type Choice struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Maturity is experimental where no reference cluster has proven the choice.
	Maturity string `json:"maturity"`
}

// ChoiceLayer names the layer of a choice of a profile that a layer brings.
func ChoiceLayer(from, profile, choice string) string {
	return from + "." + profile + "=" + choice
}

// profilesOf are the profiles of the recipe that leaves select, in the order of
// the overlays.
func (c *Catalog) profilesOf(leaves []string) []Profile {
	var out []Profile
	seen := map[string]bool{}
	for _, leaf := range leaves {
		for _, name := range c.Chain(leaf) {
			for _, p := range c.Overlays[c.byName[name]].Profiles {
				if layer := p.Layer(""); !seen[layer] {
					out, seen[layer] = append(out, p), true
				}
			}
		}
	}
	return out
}

// Layer names the layer of a choice.
func (p Profile) Layer(choice string) string { return ChoiceLayer(p.From, p.Name, choice) }

// Profiles are the profiles of the recipes that the overlay of that name is part of.
func (c *Catalog) Profiles(overlay string) []Profile { return c.profilesOf([]string{overlay}) }

// Choose returns the layers of what is chosen, NAME=CHOICE each, in the recipe that
// leaves select; choices that are the default anyway are left out. Invalid if the
// recipe has no such profile, or the profile no such choice.
func (c *Catalog) Choose(leaves, chosen []string) ([]string, error) {
	all := c.profilesOf(leaves)
	picked := map[string]string{}
	var errs []error
	for _, text := range chosen {
		name, choice, ok := strings.Cut(text, "=")
		i := slices.IndexFunc(all, func(d Profile) bool { return d.Name == name })
		switch {
		case !ok:
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is not NAME=CHOICE", text).WithHint("as in gpuStack=operator-managed"))
		case i < 0 && len(all) == 0:
			errs = append(errs, schema.Errorf(schema.Invalid, "the recipe has no profile %q", name).WithHint("recipes with profiles: eidos recipe list --profile %s", name))
		case i < 0:
			errs = append(errs, schema.Errorf(schema.Invalid, "the recipe has no profile %q", name).WithHint("%s", schema.Suggest(name, names(all))))
		case !slices.ContainsFunc(all[i].Choices, func(x Choice) bool { return x.Name == choice }):
			errs = append(errs, schema.Errorf(schema.Invalid, "profile %s has no choice %q", name, choice).WithHint("%s", schema.Suggest(choice, choices(all[i]))))
		case picked[name] != "" && picked[name] != choice:
			errs = append(errs, schema.Errorf(schema.Invalid, "profile %s is chosen twice: %s and %s", name, picked[name], choice))
		default:
			picked[name] = choice
		}
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	var out []string
	for _, d := range all {
		if choice := picked[d.Name]; choice != "" && choice != d.Default {
			out = append(out, d.Layer(choice))
		}
	}
	return out, nil
}

// Defaults are the answers in which nothing is chosen: one for each set of leaves.
func (c *Catalog) Defaults() ([]Answer, error) {
	all, err := c.Answers()
	var out []Answer
	for _, a := range all {
		if len(a.Choices) == 0 {
			out = append(out, a)
		}
	}
	return out, err
}

// Applied are the leaves of an answer with the layers of all choices, the defaults
// too.
func (c *Catalog) Applied(a Answer) []string {
	out := slices.Clone(a.Leaves)
	for _, d := range c.profilesOf(a.Leaves) {
		out = append(out, d.Layer(d.chosen(a)))
	}
	return out
}

// chosen is what an answer chooses of a profile.
func (d Profile) chosen(a Answer) string {
	for _, x := range d.Choices {
		if slices.Contains(a.Choices, d.Layer(x.Name)) {
			return x.Name
		}
	}
	return d.Default
}

// Combinations are the answers for leaves: one for each combination of choices,
// the defaults first.
func (c *Catalog) Combinations(leaves []string) []Answer {
	out := []Answer{{Leaves: leaves}}
	for _, d := range c.profilesOf(leaves) {
		for _, a := range slices.Clone(out) {
			for _, x := range d.Choices {
				if x.Name != d.Default {
					out = append(out, Answer{Leaves: leaves, Choices: append(slices.Clone(a.Choices), d.Layer(x.Name))})
				}
			}
		}
	}
	return out
}

// profiles are those of an answer as its recipe shows them, with what they own of
// the components that it has.
func (c *Catalog) profiles(a Answer, components []schema.ComponentRef) []schema.Profile {
	has := map[string]bool{}
	for _, r := range components {
		has[r.Name] = true
	}
	var out []schema.Profile
	for _, d := range c.profilesOf(a.Leaves) {
		p := schema.Profile{Name: d.Name, Choice: d.chosen(a), Choices: choices(d), From: d.From, Owns: []string{}}
		for _, o := range d.Owns {
			if component, _, _ := strings.Cut(o, ":"); has[component] {
				p.Owns = append(p.Owns, o)
			}
		}
		out = append(out, p)
	}
	return out
}

func choices(p Profile) []string {
	var out []string
	for _, x := range p.Choices {
		out = append(out, x.Name)
	}
	return out
}

func names(all []Profile) []string {
	set := map[string]bool{}
	for _, d := range all {
		set[d.Name] = true
	}
	return slices.Sorted(maps.Keys(set))
}
