package compile

import (
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// profile is one as an overlay writes it.
type profile struct {
	Description, Default string
	Choices              map[string]struct{ Description, Maturity string }
}

// choiceOf is whose choice a layer is.
type choiceOf struct {
	overlay, profile string
	// owned are the statements of all choices of the profile about values.
	owned []layer
}

// profiles are those that an overlay or a mixin brings, with what they own.
func (l *loaded) profiles(from string, all map[string]profile) []recipes.Profile {
	var out []recipes.Profile
	for _, name := range slices.Sorted(maps.Keys(all)) {
		x := all[name]
		p := recipes.Profile{Name: name, From: from, Description: x.Description, Default: x.Default}
		of := choiceOf{overlay: from, profile: name}
		order := slices.Sorted(maps.Keys(x.Choices))
		mentioned := map[string]int{} // in how many choices, by component
		for _, c := range order {
			layer := recipes.ChoiceLayer(from, name, c)
			p.Choices = append(p.Choices, recipes.Choice{Name: c, Description: x.Choices[c].Description, Maturity: x.Choices[c].Maturity})
			components := map[string]bool{}
			for _, s := range l.said[layer] {
				if s.Path[0] != "components" {
					continue
				}
				components[s.Path[1]] = true
				if len(s.Path) > 3 && s.Path[2] == "values" && !s.open() {
					of.owned = append(of.owned, s)
				}
			}
			for c := range components {
				mentioned[c]++
			}
		}
		owns := map[string]bool{}
		for _, s := range of.owned {
			owns[s.Path[1]+":"+recipes.JoinPath(s.Path[3:])] = true
		}
		for component, n := range mentioned {
			if n < len(order) && !l.deployedElsewhere(component) {
				owns[component+":enabled"] = true
			}
		}
		p.Owns = slices.Sorted(maps.Keys(owns))
		for _, c := range order {
			layer := recipes.ChoiceLayer(from, name, c)
			if l.choices == nil {
				l.choices, l.unproven = map[string]choiceOf{}, map[string]bool{}
			}
			l.choices[layer], l.unproven[layer] = of, x.Choices[c].Maturity == "experimental"
		}
		out = append(out, p)
	}
	return out
}

// deployedElsewhere reports whether an overlay or a mixin, not only choices, has
// the component.
func (l *loaded) deployedElsewhere(component string) bool {
	return slices.ContainsFunc(l.layers, func(s layer) bool {
		return s.Overlay && !strings.Contains(s.Name, "=") && len(s.Path) > 1 && s.Path[0] == "components" && s.Path[1] == component
	})
}

// trespasses are the statements of an answer's layers about values that a profile
// owns, and profiles of one name.
func (l *loaded) trespasses(a raw) []error {
	var errs []error
	names := map[string]string{} // the overlay, by profile
	for _, n := range a.Layers {
		of, ok := l.choices[n]
		if !ok {
			continue
		}
		if other, ok := names[of.profile]; ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "overlays %s and %s both bring a profile %s", other, of.overlay, of.profile).
				At(l.where(n), n).WithHint("give one of them another name"))
		}
		names[of.profile] = of.overlay
		for _, m := range a.Layers {
			if m == n {
				continue
			}
			for _, s := range l.said[m] {
				path := s.Path
				if path[0] == "override" {
					path = path[1:]
				}
				i := slices.IndexFunc(of.owned, func(o layer) bool { return touches(path, o.Path) })
				if i < 0 || s.open() || len(path) < 4 {
					continue
				}
				errs = append(errs, schema.Errorf(schema.Invalid, "%s sets %s:%s, which the profile %s of %s owns (%s)",
					m, path[1], recipes.JoinPath(path[3:]), of.profile, of.overlay, of.owned[i].At).
					At(s.At, recipes.JoinPath(append([]string{m}, s.Path...))).
					WithHint("leave it to the choices of the profile: every choice may set it"))
			}
		}
	}
	return errs
}
