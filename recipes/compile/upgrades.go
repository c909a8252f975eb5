package compile

import (
	"cuelang.org/go/cue"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// upgrades are what components record of their versions, by component. A record
// that nothing can match is an error.
func (l *loaded) upgrades() (map[string]recipes.Upgrades, error) {
	var defs map[string]struct {
		Replaces map[string]bool
		Upgrades []recipes.Upgrade
	}
	if err := decode(l.root.LookupPath(cue.MakePath(cue.Str("components"))), &defs); err != nil {
		return nil, err
	}
	out := map[string]recipes.Upgrades{}
	var errs []error
	for name, d := range defs {
		u := recipes.Upgrades{Replaces: on(d.Replaces), Records: d.Upgrades}
		for _, r := range u.Records {
			if err := record(r); err != nil {
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q: the upgrade from %s to %s: %w", name, r.From, r.To, err).
					At(l.saidAt("components", name, "upgrades"), "components."+name+".upgrades"))
			}
		}
		for _, old := range u.Replaces {
			if _, there := defs[old]; there {
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q replaces %q, which this release has too", name, old).
					At(l.saidAt("components", name, "replaces", old), "components."+name+".replaces"))
			}
		}
		if len(u.Replaces)+len(u.Records) > 0 {
			out[name] = u
		}
	}
	return out, schema.Join(errs)
}

// record refuses expressions that cannot be read, that no version satisfies, and
// a move that stays where it is.
func record(r recipes.Upgrade) error {
	from, errA := constraint.Parse(r.From)
	to, errB := constraint.Parse(r.To)
	if err := schema.Join([]error{errA, errB}); err != nil {
		return err
	}
	switch {
	case !constraint.Satisfiable(from) || !constraint.Satisfiable(to):
		return schema.Errorf(schema.Invalid, "no version satisfies it")
	case constraint.Satisfiable(from, to):
		return schema.Errorf(schema.Invalid, "a version satisfies both").WithHint("end from before to: < 1.2.0 to 1.2.0")
	case r.Verdict == "manual" && len(r.Steps) == 0:
		return schema.Errorf(schema.Invalid, "it is manual and has no steps").WithHint("write what to do: steps: [\"…\"]")
	case r.Verdict == "safe" && len(r.Steps) > 0:
		return schema.Errorf(schema.Invalid, "it is safe and has steps").WithHint("write verdict: \"manual\", or take the steps away")
	}
	return nil
}
