package importer

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	keypath "github.com/NVIDIA/eidos/schema/path"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// profile is a named choice within the recipes of one of their overlays. Upstream
// puts what is chosen on top of everything else, and refuses other values there;
// here no other layer may state them. So they are taken out of the overlay, and of
// those below it, and written in the choices.
type profile struct {
	doc           *schema.Doc
	name, initial string // initial is the choice where none is asked for
	choices       map[string]*schema.Doc
	values        map[string]map[string]any // by choice: components with their values
	owned         []statement               // values that some choice sets
	description   string
}

// Names that the grammar of the catalogue has for a profile and its choices.
var (
	profileName = pattern.New(`^[a-z][A-Za-z0-9-]{0,62}$`)
	choiceName  = pattern.New(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
)

// readProfile reads what an overlay declares; nil if that is nothing, or is left
// over.
func (im *importing) readProfile(o *overlay) *profile {
	d := o.doc.At("spec", "profile")
	if d == nil {
		return nil
	}
	p := &profile{
		doc: d, name: d.TextAt("name"), initial: d.TextAt("default"),
		choices: map[string]*schema.Doc{}, values: map[string]map[string]any{},
		description: strings.Join(strings.Fields(d.TextAt("description")), " "),
	}
	im.unknown(d, "name", "description", "default", "values")
	if p.description == "" {
		p.description = "from " + o.doc.Name()
	}
	if list := d.At("values"); list != nil {
		for c, e := range list.Children() {
			if !choiceName.MatchString(c) {
				im.left(e, "%q of profile %s is not a name: lower-case letters, digits, dots and dashes", c, p.name)
				continue
			}
			p.choices[c], p.values[c] = e, im.choiceValues(e, p.name)
		}
	}
	if !profileName.MatchString(p.name) || p.choices[p.initial] == nil {
		im.left(d, "profile %q needs a name of letters, digits and dashes, and a default that is one of its values", p.name)
		return nil
	}
	seen := map[string]bool{}
	for _, c := range slices.Sorted(maps.Keys(p.values)) {
		for _, name := range slices.Sorted(maps.Keys(p.values[c])) {
			for _, s := range leaves(name, []string{"values"}, p.values[c][name]) {
				if key := recipes.JoinPath(append([]string{name}, s.path...)); !seen[key] {
					seen[key] = true
					p.owned = append(p.owned, s)
				}
			}
		}
	}
	return p
}

// choiceValues are the values that a choice sets, by component. It can set nothing
// else of them, in upstream as here.
func (im *importing) choiceValues(e *schema.Doc, profile string) map[string]any {
	im.unknown(e, "description", "componentRefs", "constraints")
	out := map[string]any{}
	if list := e.At("componentRefs"); list != nil {
		for _, ref := range list.Children() {
			im.unknown(ref, "name", "type", "overrides")
			over := ref.At("overrides")
			if over == nil {
				continue
			}
			values, _ := plain(over).(map[string]any)
			if _, ok := values["enabled"]; ok {
				im.left(over.At("enabled"), "profile %s decides whether component %s is deployed: state it in overlays of their own", profile, ref.TextAt("name"))
				delete(values, "enabled")
			}
			out[ref.TextAt("name")] = values
		}
	}
	return out
}

// valueAt is what a component has at the path of a statement.
func valueAt(c *component, s statement) (any, bool) {
	if c == nil {
		return nil, false
	}
	v, err := keypath.Keys(s.path[1:]...).Get(c.values)
	return v, err == nil
}

// decided takes out of eff what profiles decide, so that the overlay does not state
// it too. What a descendant of the overlay with the profile has there instead is
// left over, and so is what differs from a profile of ours.
func (d *differ) decided(eff map[string]*theirs, ours []schema.Profile) {
	d.o.decided = map[string]any{}
	take := func(s statement, report func(value any, key string)) {
		c := eff[s.component]
		if c == nil {
			return
		}
		if v, ok := valueAt(&c.component, s); ok {
			report(v, s.key())
			c.forget(s.path)
		}
	}
	mine := map[string]bool{}
	for x := d.o; x != nil; x = d.overlays[x.base] {
		if x.profile == nil {
			continue
		}
		mine[x.profile.name] = true
		for _, s := range x.profile.owned {
			take(s, func(v any, key string) {
				d.o.decided[key] = v
				if x != d.o && !reflect.DeepEqual(v, d.overlays[d.o.base].decided[key]) {
					d.left(d.o.doc, "overlay %s sets %s to %s, which the profile %s of %s decides", d.o.name, key, shorten(literal(meant(v, nil))), x.profile.name, x.name)
				}
			})
		}
	}
	for _, p := range ours {
		for _, owned := range p.Owns {
			name, at, _ := strings.Cut(owned, ":")
			keys, err := keypath.Parse(at)
			if err != nil || at == "enabled" {
				continue
			}
			s := statement{component: name, path: append([]string{"values"}, keys.Keys()...)}
			take(s, func(v any, key string) {
				was, _ := valueAt(d.before[name], s)
				if line := "profile " + p.Name + " " + owned; !mine[p.Name] && !reflect.DeepEqual(meant(v, was), was) && !d.reported[line] {
					d.reported[line] = true // not again for each overlay that inherits it
					d.left(d.o.doc, "overlay %s sets %s to %s, which the profile %s of ours decides (%s)", d.o.name, key, shorten(literal(meant(v, was))), p.Name, strings.Join(p.Choices, ", "))
				}
			})
		}
	}
}

// profile writes the choices of the overlay's profile: all of it, or what one of
// ours with its name lacks.
func (d *differ) profile(eff map[string]*theirs, res *schema.RecipeResult) {
	p := d.o.profile
	if p == nil {
		return
	}
	var ours *schema.Profile
	for i := range res.Profiles {
		if res.Profiles[i].Name == p.name {
			ours = &res.Profiles[i]
		}
	}
	choices := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(p.choices)) {
		fields, err := d.choice(eff, name, ours, res)
		if err != nil {
			d.errs = append(d.errs, err)
			return
		}
		known := ours != nil && slices.Contains(ours.Choices, name)
		switch {
		case known && len(fields) == 0:
			continue
		case ours != nil && ours.From != d.w.target:
			d.left(p.choices[name], "the profile %s belongs to %s of ours, which overlay %s cannot add to: state this there", p.name, ours.From, d.w.target)
			continue
		case !known:
			fields["description"] = name + ", from " + path.Join(d.name, "overlays")
			if s := p.choices[name].TextAt("description"); s != "" {
				fields["description"] = strings.Join(strings.Fields(s), " ")
			}
		}
		choices[name] = fields
	}
	out := map[string]any{}
	if ours == nil {
		out["description"], out["default"] = p.description, p.initial
	} else if ours.Choice != p.initial {
		d.note(p.doc.At("default"), "the profile %s of ours chooses %s where none is asked for; here it is %s", p.name, ours.Choice, p.initial)
	}
	if len(choices) > 0 {
		out["choices"] = choices
		d.w.profiles = map[string]any{p.name: out}
	}
}

// choice is what one choice adds: its values, all of them where the profile is not
// ours, so that whatever one choice sets is known to be the profile's; and its
// constraints.
func (d *differ) choice(eff map[string]*theirs, name string, ours *schema.Profile, res *schema.RecipeResult) (map[string]any, error) {
	p := d.o.profile
	known := ours != nil && slices.Contains(ours.Choices, name)
	layer := ""
	if known {
		layer = recipes.ChoiceLayer(ours.From, p.name, name)
		var err error
		if res, err = d.cat.Resolve(d.o.criteria.Schema(), true, p.name+"="+name); err != nil {
			return nil, err
		}
	}
	before := stateOf(res.ComponentRefs)
	for _, b := range d.bases {
		before.add(b.written, d.importing)
	}
	before.add(d.w, d.importing)
	components := map[string]any{}
	for _, s := range p.owned {
		have, want := before[s.component], eff[s.component]
		was, there := valueAt(have, s)
		v, err := keypath.Keys(s.path[1:]...).Get(p.values[name][s.component])
		if err != nil { // another choice sets it: what the overlay has without the profile
			if v = d.o.decided[s.key()]; v == nil || ours != nil {
				continue
			}
		}
		if have == nil || want == nil {
			d.left(p.choices[name], "component %s is not in overlay %s, and a choice of a profile cannot add it", s.component, d.o.name)
			continue
		}
		is := meant(v, was)
		if known && there && reflect.DeepEqual(was, is) || !d.accepts(d.facts(s.component, have, want), s.component, s.path[1:], is) {
			continue
		}
		if by := d.pinned(s, layer, is, was, there); by != "" {
			d.left(p.choices[name], "%s sets %s, which %s=%s cannot replace", by, s.key(), p.name, name)
			continue
		}
		set(components, is, append([]string{s.component}, s.path...)...)
	}
	sub := *d
	sub.w = &written{target: layer, ours: known, constraints: map[string]any{}}
	if list := p.choices[name].At("constraints"); list != nil {
		asked := asked{}
		for _, c := range res.Constraints {
			asked.learn(c.Name, c.Value)
		}
		for _, e := range list.Children() {
			sub.constraint(e, asked)
		}
	}
	fields := map[string]any{}
	if len(components) > 0 {
		fields["components"] = components
	}
	if len(sub.w.constraints) > 0 {
		fields["constraints"] = sub.w.constraints
	}
	return fields, nil
}

// pinned names what states a value that a choice would set, other than as a default
// of its type; choices of other layers are not asked. layer is ours for the choice,
// if there is one.
func (d *differ) pinned(s statement, layer string, is, was any, there bool) string {
	for _, l := range append(slices.Clone(d.applied), d.w.target, layer) {
		if strings.Contains(l, "=") && l != layer {
			continue
		}
		for _, x := range d.layers[l] {
			switch {
			case x.component != s.component || !keypath.Overlap(x.path, s.path) || x.specialise:
			case l == layer:
				return "the choice of ours"
			default:
				return "overlay " + l
			}
		}
	}
	for _, x := range d.defaults[s.component] {
		if x.pins(s.path, is, was, there) {
			return "component " + s.component
		}
	}
	return ""
}
