package compile

import (
	"errors"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// shape turns an answer into the terms of a RecipeResult.
func (l *loaded) shape(a raw) (*recipes.Document, error) {
	d := &recipes.Document{AppliedOverlays: a.Layers, Maturity: "stable", Criteria: a.Criteria}
	if a.Experimental {
		d.Maturity = "experimental"
	}
	var errs []error
	asks, levels, err := l.floors(a)
	if err != nil {
		errs = append(errs, err)
	}
	if d.Constraints, err = l.strictest(asks, levels); err != nil {
		errs = append(errs, err)
	}
	if d.Validation, err = l.phases(a); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, l.trespasses(a)...)
	deps := map[string][]string{}
	refs := map[string]schema.ComponentRef{}
	for _, name := range slices.Sorted(maps.Keys(a.Components)) {
		c := a.Components[name]
		ref, err := l.ref(c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, dep := range ref.DependencyRefs {
			if _, ok := a.Components[dep]; !ok {
				if err := l.droppedAway(a, name, dep); err != nil {
					errs = append(errs, err)
					continue
				}
				errs = append(errs, schema.Errorf(schema.Invalid, "component %q depends on %q, which the recipe does not have", name, dep).
					At(l.saidAt("components", name, "dependsOn", dep), "").
					WithHint("asked for %s: add %s to the components of the overlay, or of its base", recipes.CriteriaOf(a.Criteria), dep))
			}
		}
		deps[name], refs[name] = ref.DependencyRefs, ref
		for _, unless := range slices.Sorted(maps.Keys(c.Warnings)) {
			w := c.Warnings[unless]
			if w.Intent == nil || slices.Contains(w.Intent, a.Criteria.Intent) {
				d.Warnings = append(d.Warnings, schema.Warning{Component: name, Unless: unless, Message: w.Message})
			}
		}
	}
	errs = append(errs, l.references(a, refs)...)
	if err := schema.Join(errs); err != nil {
		return nil, err
	}
	var circle []string
	if d.Order, circle = order(deps); circle != nil {
		return nil, l.circular(circle)
	}
	for _, name := range d.Order {
		d.Components = append(d.Components, refs[name])
	}
	d.Rules = recipes.Applicable(l.rules, d)
	return d, nil
}

// droppedAway says that an overlay drops what a component needs, nil if none does.
func (l *loaded) droppedAway(a raw, name, dep string) error {
	for _, n := range a.Layers {
		if at := l.saidAtBy(n, "drop", dep); at != "" {
			return schema.Errorf(schema.Invalid, "drops %q, on which component %q depends", dep, name).
				At(at, recipes.JoinPath([]string{n, "drop", dep})).
				WithHint("drop what depends on it too, or take the drop away")
		}
	}
	return nil
}

func (l *loaded) ref(c component) (schema.ComponentRef, error) {
	ref := schema.ComponentRef{
		Name: c.Name, DisplayName: c.DisplayName, Type: "Helm",
		Source: c.Repository, Chart: c.Chart, Version: c.Version, Namespace: c.Namespace,
		DependencyRefs: on(c.DependsOn), ValueOverrideKeys: on(c.Aliases), Scheduling: c.Scheduling,
		Values: recipes.Numbers(c.Values).(map[string]any),
	}
	if c.Chart == "" {
		ref.Type = "Manifest"
	}
	if k := c.Kustomize; k != nil {
		if c.Chart != "" || len(on(c.Manifests)) > 0 || (k.Source == "") != k.Files["kustomization.yaml"] {
			return ref, schema.Errorf(schema.Invalid, "component %q: a kustomization is a source, or files with kustomization.yaml among them, and nothing beside it", c.Name).
				At(l.saidAt("components", c.Name, "namespace"), "components."+c.Name+".kustomize")
		}
		ref.Type = "Kustomize"
		ref.Kustomize = &schema.Kustomize{Source: k.Source, Path: k.Path, Ref: k.Ref}
		for _, file := range on(k.Files) {
			m, err := l.manifest("components/" + c.Name + "/kustomize/" + file)
			if err != nil {
				return ref, err
			}
			ref.Kustomize.Files = append(ref.Kustomize.Files, m)
		}
	}
	for _, file := range on(c.Manifests) {
		m, err := l.manifest("components/" + c.Name + "/manifests/" + file)
		if err != nil {
			return ref, err
		}
		ref.Manifests = append(ref.Manifests, m)
	}
	return ref, nil
}

// manifest names a manifest by digest; the text of one from --data is part of
// the recipe, for nobody else has it.
func (l *loaded) manifest(path string) (schema.Manifest, error) {
	if m, ok := l.manifests[path]; ok {
		return m, nil
	}
	text, ok := l.src.files[path]
	if !ok || !recipes.IsManifest(path) {
		return schema.Manifest{}, l.noFile(path)
	}
	m := schema.Manifest{Path: path, Digest: schema.DigestOf(text)}
	if _, added := l.src.added[path]; added {
		m.Content = string(text)
	}
	l.manifests[path] = m
	return m, nil
}

// noFile says that a file of a component is not there, where it is named.
func (l *loaded) noFile(path string) error {
	part := strings.SplitN(path, "/", 4) // components NAME manifests FILE
	at := l.saidAt("components", part[1], part[2], part[3])
	if part[2] == "kustomize" {
		at = l.saidAt("components", part[1], "kustomize", "files", part[3])
	}
	return schema.Errorf(schema.Invalid, "there is no file %q", path).At(at, "components."+part[1]+"."+part[2]).
		WithHint("add the file, or take the name away")
}

// on returns the names that are true, sorted; nil for none.
func on(set map[string]bool) []string {
	var out []string
	for k, v := range set {
		if v {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// strictest keeps of each path the asks that no other implies, with the level
// that asked first.
func (l *loaded) strictest(byPath map[string]map[string]ask, layers []string) ([]schema.Constraint, error) {
	var out []schema.Constraint
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		if p, err := constraint.ParsePath(path); err != nil {
			errs = append(errs, err)
			continue
		} else if err := p.Measured(); err != nil {
			errs = append(errs, l.placed(err, "constraints", path))
			continue
		}
		kept, err := l.asks("constraints", path, byPath[path], layers)
		if err != nil {
			errs = append(errs, err)
		}
		out = append(out, kept...)
	}
	return out, schema.Join(errs)
}

// placed gives err the line of the overlay that says something of path.
func (l *loaded) placed(err error, path ...string) error {
	for _, s := range l.layers {
		if s.Overlay && len(s.Path) >= len(path) && slices.Equal(s.Path[:len(path)], path) {
			var e *schema.Error
			if errors.As(err, &e) {
				return e.At(s.At, s.Name)
			}
		}
	}
	return err
}

// asks reduces what the layers ask of one path. A warning never stands for what
// is demanded, however strict it is.
func (l *loaded) asks(what, name string, byLevel map[string]ask, layers []string) ([]schema.Constraint, error) {
	var demanded, all []constraint.Ask
	var exprs []constraint.Expr
	for _, level := range layers {
		x, ok := byLevel[level]
		if !ok {
			continue
		}
		e, err := constraint.Parse(x.Value)
		if err != nil {
			return nil, schema.Errorf(schema.Invalid, "constraint %s of %s: %w", name, level, err)
		}
		if x.Severity != "warning" {
			demanded = append(demanded, constraint.Ask{Expr: e, From: level})
		}
		all = append(all, constraint.Ask{Expr: e, From: level})
		exprs = append(exprs, e)
	}
	var out []schema.Constraint
	keep := func(asks []constraint.Ask, warnings bool) {
		for _, a := range asks {
			x := byLevel[a.From]
			if (x.Severity == "warning") == warnings {
				out = append(out, schema.Constraint{Name: name, Value: a.Expr.String(), From: a.From, Severity: x.Severity, Hint: x.Hint})
			}
		}
	}
	keep(constraint.Strictest(demanded), false)
	keep(constraint.Strictest(all), true)
	if !constraint.Satisfiable(exprs...) {
		apart := contradiction(all)
		pos := "" // of the last overlay: what a chart demands no overlay says
		for i := len(apart) - 1; i >= 0 && pos == ""; i-- {
			pos = l.saidAtBy(apart[i].From, what, name)
		}
		return out, unsatisfiable(name, apart).At(pos, "")
	}
	return out, nil
}

// contradiction is the first pair of asks, which are in the order of their
// levels, that cannot hold together, or all of them where every pair can: the
// answers that have both levels then report the same.
func contradiction(asks []constraint.Ask) []constraint.Ask {
	for i, b := range asks {
		for _, a := range asks[:i] {
			if !constraint.Satisfiable(a.Expr, b.Expr) {
				return []constraint.Ask{a, b}
			}
		}
	}
	return asks
}

func unsatisfiable(name string, asks []constraint.Ask) *schema.Error {
	text := ""
	for i, a := range asks {
		if i > 0 {
			text += " and "
		}
		text += a.Expr.String() + " (" + a.From + ")"
	}
	return schema.Errorf(schema.Invalid, "nothing can satisfy the constraints on %s: %s", name, text).
		WithHint("a descendant can tighten what its ancestors ask for, never contradict it")
}

// phases sorts the checks into their phases.
func (l *loaded) phases(a raw) (map[string]schema.Phase, error) {
	if len(a.Checks) == 0 {
		return nil, nil
	}
	out := map[string]schema.Phase{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(a.Checks)) {
		def := l.checkDefs[name]
		p := out[def.Phase]
		p.Checks = append(p.Checks, name)
		exprs := map[string]ask{}
		for level, v := range a.Checks[name] {
			if text, ok := v.(string); ok {
				exprs[level] = ask{Value: text}
			}
		}
		if len(exprs) > 0 && def.Measures == "" {
			errs = append(errs, schema.Errorf(schema.Invalid, "check %q measures nothing that could be compared", name).
				WithHint("write %s: true", name))
		}
		kept, err := l.asks("checks", def.Measures, exprs, a.Layers)
		if err != nil {
			errs = append(errs, err)
		}
		p.Constraints = append(p.Constraints, kept...)
		out[def.Phase] = p
	}
	return out, schema.Join(errs)
}
