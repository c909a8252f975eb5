package view

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Change is one thing that two recipes have different.
type Change = schema.RecipeChange

// Diff lists what differs: criteria, constraints, components, their versions,
// sources, namespaces, dependencies, manifests and values, and the deployment
// order; sorted by path. Equal recipes give none.
func Diff(a, b *schema.RecipeResult) ([]Change, error) {
	x, err := leaves(a)
	if err != nil {
		return nil, err
	}
	y, err := leaves(b)
	if err != nil {
		return nil, err
	}
	byA, byB := setters(a), setters(b)
	paths := map[string]bool{}
	for p := range x {
		paths[p] = true
	}
	for p := range y {
		paths[p] = true
	}
	var out []Change
	for p := range paths {
		if reflect.DeepEqual(x[p], y[p]) {
			continue
		}
		// A component that only one has is one change, not one a value.
		if name, ok := component(p); ok && p != "components."+name && (x["components."+name] == nil) != (y["components."+name] == nil) {
			continue
		}
		out = append(out, Change{Path: p, A: x[p], B: y[p], FromA: byA[p], FromB: byB[p]})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

// component is the name of the component that a path is about; names hold no
// dots that would need quotes, other keys may.
func component(p string) (string, bool) {
	rest, ok := strings.CutPrefix(p, "components.")
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, ".")
	return name, true
}

// leaves flattens what is compared.
func leaves(res *schema.RecipeResult) (map[string]any, error) {
	tree, err := Tree(res)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, c := range res.Constraints {
		out[recipes.JoinPath([]string{"constraints", c.Name})] = c.Value
	}
	flatten(out, []string{"criteria"}, tree["criteria"])
	flatten(out, []string{"validation"}, tree["validation"])
	out["deploymentOrder"] = strings.Join(res.DeploymentOrder, " ")
	for name, c := range tree["components"].(map[string]any) {
		m := c.(map[string]any)
		out[recipes.JoinPath([]string{"components", name})] = "present"
		for _, f := range []string{"type", "source", "chart", "version", "namespace", "dependencyRefs", "values"} {
			flatten(out, []string{"components", name, f}, m[f])
		}
	}
	for _, c := range res.ComponentRefs {
		for _, m := range c.Manifests {
			out[recipes.JoinPath([]string{"components", c.Name, "manifests", path.Base(m.Path)})] = string(m.Digest)
		}
	}
	return out, nil
}

func flatten(out map[string]any, path []string, v any) {
	if v == nil && len(path) < 4 {
		return // not there
	}
	if m, ok := v.(map[string]any); ok && len(m) > 0 {
		for k, e := range m {
			flatten(out, append(path[:len(path):len(path)], k), e)
		}
		return
	}
	if v == nil {
		v = json.RawMessage("null") // set, to nothing
	}
	out[recipes.JoinPath(path)] = v
}

func setters(res *schema.RecipeResult) map[string]string {
	out := map[string]string{}
	for _, p := range res.Provenance {
		out[p.Path] = p.From
	}
	return out
}

// DiffText writes changes for people: - is only or so in a, + in b.
func DiffText(changes []Change) string {
	var b strings.Builder
	side := func(sign string, v any, from string) {
		if v == nil {
			return
		}
		fmt.Fprintf(&b, "  %s %s", sign, short(v))
		if from != "" {
			fmt.Fprintf(&b, "  (%s)", from)
		}
		b.WriteByte('\n')
	}
	for _, c := range changes {
		b.WriteString(c.Path + times(c.Recipes) + "\n")
		side("-", c.A, c.FromA)
		side("+", c.B, c.FromB)
	}
	return b.String()
}
