package render

import (
	"reflect"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// own notes in the components what the profiles of the recipe own of them.
func own(cs []*component, profiles []schema.Profile) {
	for i := range profiles {
		for _, o := range profiles[i].Owns {
			name, at, _ := strings.Cut(o, ":")
			keys, err := path.Parse(at)
			if err != nil {
				continue // of a recipe that was written by hand: it owns nothing here
			}
			for _, c := range cs {
				if c.Name == name {
					c.owned = append(c.owned, ownedValue{keys.Keys(), &profiles[i]})
				}
			}
		}
	}
}

// ownedValue is a value that a profile decides.
type ownedValue struct {
	keys    []string
	profile *schema.Profile
}

// trespasses returns what profiles decide and v at keys would change: there, above
// it or below it. The recipe's own value changes nothing.
func (c *component) trespasses(keys []string, v any) []ownedValue {
	var out []ownedValue
	for _, o := range c.owned {
		if !path.Overlap(keys, o.keys) {
			continue
		}
		at, said := keys, v
		if len(keys) < len(o.keys) { // a mapping, which may hold another value of it
			m, ok := v.(map[string]any)
			if ok {
				var err error
				if said, err = path.Keys(o.keys[len(keys):]...).Get(m); err != nil {
					continue
				}
			}
			at = o.keys
		}
		if old, ok := c.recipeValue(at); !ok || !reflect.DeepEqual(old, said) {
			out = append(out, o)
		}
	}
	return out
}

// recipeValue is what the recipe has at keys; its components are in the bundle.
func (c *component) recipeValue(keys []string) (any, bool) {
	if isEnabled(keys) {
		return true, true
	}
	v, err := path.Keys(keys...).Get(c.Values)
	return v, err == nil
}

func isEnabled(keys []string) bool { return len(keys) == 1 && keys[0] == "enabled" }

// decided is the error of a value that a profile decides.
func (c *component) decided(o ownedValue) *schema.Error {
	p := o.profile
	others := slices.DeleteFunc(slices.Clone(p.Choices), func(x string) bool { return x == p.Choice })
	return schema.Errorf(schema.Invalid, "profile %s of the recipe (%s) decides %s:%s", p.Name, p.Choice, c.Name, path.Keys(o.keys...)).
		WithHint("make the recipe with another choice: %s=%s", schema.Parameter("profile")+" "+p.Name, strings.Join(others, "|"))
}
