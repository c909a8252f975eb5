package drift

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/upgrade"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// Recipe says where the cluster of a snapshot is not what a recipe asks for:
// constraints that do not hold, components that are missing, installed in
// another version or namespace, or installed beside it in a namespace that the
// recipe fills. Invalid if the recipe holds a constraint that cannot be read.
func Recipe(want *schema.RecipeResult, now *schema.Snapshot, p schema.DiffParams) (*schema.Drift, error) {
	r := newReport(p, schema.DriftSide{Kind: "RecipeResult", Catalog: string(want.Metadata.Catalog)}, sideOf(now))
	var errs []error
	for _, c := range want.Constraints {
		if err := r.constraint(c, now); err != nil {
			errs = append(errs, err)
		}
	}
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	installed, ok := releases(now)
	images := running(now)
	by := deployer(installed, images)
	if !ok {
		for _, c := range ofCharts(want) {
			r.untraced(c, by, images, noReleases(now))
		}
		return r.done(), nil
	}
	if err := r.components(want, installed, by, images); err != nil {
		return nil, err
	}
	return r.done(), nil
}

func (r *report) constraint(c schema.Constraint, now *schema.Snapshot) error {
	path, err := constraint.ParsePath(c.Name)
	if err != nil {
		return err
	}
	expr, err := constraint.Parse(c.Value)
	if err != nil {
		return err
	}
	change := schema.Change{From: c.Value, DemandedBy: c.From, Hint: c.Hint}
	verdict := constraint.Unknown
	if nodes, ok := constraint.Differing(now, c.Name); ok {
		verdict, change.To, change.Reason = expr.EvalNodes(nodes)
	} else if value, ok := path.In(now); ok {
		change.To = constraint.Text(value)
		verdict, change.Reason = expr.Eval(change.To)
	} else if change.Reason = why(now, c.Name); change.Reason == "" {
		change.Reason = "not in the snapshot"
	}
	switch verdict {
	case constraint.Passed:
		change = schema.Change{}
	case constraint.Failed:
		change.Change = "regressed"
	default:
		change.Change = "unknown"
	}
	r.compare(c.Name, change)
	return nil
}

// components compares the charts of the recipe with what is installed.
func (r *report) components(want *schema.RecipeResult, installed []release, by string, images map[string][]string) error {
	moves, err := upgradesOf(want)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	ours := map[string]bool{} // namespaces
	for _, c := range ofCharts(want) {
		ours[c.Namespace] = true
		path := "components." + c.Name
		got, ok := find(installed, c)
		if !ok {
			r.untraced(c, by, images, "")
			continue
		}
		used[got.key] = true
		version := differ(strings.TrimPrefix(c.Version, "v"), strings.TrimPrefix(got.version, "v"), c.Version, got.version)
		if version.Change != "" {
			move, err := moves.to(c, got.version)
			if err != nil {
				return err
			}
			if move != nil {
				version.Upgrade, version.Reason, version.Hint = move, "the upgrade is "+move.Verdict, upgrade.Steps(*move)
			}
		}
		r.compare(path+".version", version)
		if got.part == "" { // a part of an umbrella chart has the umbrella's namespace
			r.compare(path+".namespace", differ(c.Namespace, got.namespace, c.Namespace, got.namespace))
		}
		status := differ("deployed", got.status, "deployed", got.status)
		if status.Change != "" {
			status.Reason = "its Helm release is not in order"
		}
		r.compare(path+".status", status)
	}
	for _, i := range installed {
		umbrella := slices.ContainsFunc(installed, func(o release) bool {
			return o.part != "" && used[o.key] && o.name == i.name && o.namespace == i.namespace
		})
		if i.part == "" && !used[i.key] && !umbrella && ours[i.namespace] {
			r.compare("components."+i.name, schema.Change{
				Change: "extra", To: i.version, Reason: "installed in namespace " + i.namespace + ", not part of the recipe",
			})
		}
	}
	return nil
}

// differ is a change from and to as they are shown, if what they stand for is
// not the same.
func differ(want, got, from, to string) schema.Change {
	if want == got {
		return schema.Change{}
	}
	return schema.Change{Change: "changed", From: from, To: to}
}

// ofCharts are the components that a Helm release or images can show.
func ofCharts(r *schema.RecipeResult) []schema.ComponentRef {
	var out []schema.ComponentRef
	for _, c := range r.ComponentRefs {
		if c.Chart != "" {
			out = append(out, c)
		}
	}
	return out
}
