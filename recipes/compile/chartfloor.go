package compile

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// serverVersion is the path of the Kubernetes version.
const serverVersion = "K8s.server.version"

// facts are what is known of a chart; NotFound without facts.
func (l *loaded) facts(chart, version string) (*charts.Chart, error) {
	if l.read == nil {
		l.read = map[string]readFacts{}
	}
	key := chart + " " + version
	if f, ok := l.read[key]; ok {
		return f.chart, f.err
	}
	c, err := l.src.library().Find(chart, version)
	l.read[key] = readFacts{c, err}
	return c, err
}

type readFacts struct {
	chart *charts.Chart
	err   error
}

// checkFacts reads the fact files of a user's directory.
func (l *loaded) checkFacts() error {
	var errs []error
	for _, file := range slices.Sorted(maps.Keys(l.src.added)) {
		if kindFile.MatchString(file) {
			errs = append(errs, schema.List(l.checkKindFacts(file))...)
		}
		if !factFile.MatchString(file) {
			continue
		}
		var f schema.ChartFacts
		at := l.src.added[file]
		if err := schema.Decode(at, l.src.files[file], &f); err != nil {
			errs = append(errs, schema.List(err)...)
			continue
		}
		if want := charts.FileName(f.Name, f.Version); path.Base(file) != want {
			errs = append(errs, schema.Errorf(schema.Invalid, "the facts are of chart %s %s", f.Name, f.Version).At(at, "").WithHint("name the file %s", want))
		} else if _, err := charts.New(&f); err != nil {
			errs = append(errs, err.(*schema.Error).At(at, ""))
		}
	}
	return schema.Join(errs)
}

// floors are the constraints of an answer with those on the Kubernetes version
// that its charts have, by component. Helm would refuse to install them
// elsewhere. levels are who demands something, components last.
func (l *loaded) floors(a raw) (asks map[string]map[string]ask, levels []string, err error) {
	asks, levels = maps.Clone(a.Constraints), a.Layers
	var errs []error
	own := map[string]ask{}
	for _, name := range slices.Sorted(maps.Keys(a.Components)) {
		c := a.Components[name]
		if c.Chart == "" {
			continue
		}
		known, err := l.facts(c.Chart, c.Version)
		if schema.CodeOf(err) == schema.NotFound {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ranges := []string{known.KubeVersion}
		for _, d := range known.Dependencies {
			if d.Condition == "" && !d.Off || d.Condition != "" && known.On([]string{d.Condition}, d.Off, c.Values) {
				ranges = append(ranges, d.KubeVersion)
			}
		}
		text, err := floor(ranges)
		if err != nil {
			errs = append(errs, schema.Errorf(schema.Invalid, "chart %s: %w", known, err).At(l.componentFile(name), "components."+name))
		}
		if text != "" {
			own[name] = ask{Value: text}
			levels = append(levels[:len(levels):len(levels)], name)
		}
	}
	if len(own) > 0 {
		own, asked := own, asks[serverVersion]
		for level, x := range asked {
			own[level] = x
		}
		if asks == nil {
			asks = map[string]map[string]ask{}
		}
		asks[serverVersion] = own
	}
	return asks, levels, schema.Join(errs)
}

var kubeTerm = pattern.New(`^(>=|<=|>|<|=|\^|)v?([0-9]+(\.[0-9]+){0,2})(-0|-[0-9a-z.-]+)?$`)

// floor is the constraint that ranges of a chart's kubeVersion come to, "" if
// there are none. Helm's ~, || and x are not read.
func floor(ranges []string) (string, error) {
	var exprs []constraint.Expr
	for _, r := range ranges {
		terms := strings.Fields(strings.NewReplacer(",", " ", ">= ", ">=", "<= ", "<=", "> ", ">", "< ", "<", "= ", "=").Replace(r))
		var all []string
		for _, t := range terms {
			m := kubeTerm.FindStringSubmatch(t)
			if m == nil {
				return "", schema.Errorf(schema.Invalid, "kubeVersion %q is not read: write it with >= and <", r)
			}
			op := map[string]string{"": "==", "=": "==", "^": ">="}[m[1]] // Kubernetes 2 is not in sight
			if op == "" {
				op = m[1]
			}
			all = append(all, op+" "+strings.TrimSuffix(m[2], ".0"))
		}
		if len(all) == 0 {
			continue
		}
		e, err := constraint.Parse(strings.Join(all, ", "))
		if err != nil {
			return "", err
		}
		exprs = append(exprs, e)
	}
	asks := make([]constraint.Ask, len(exprs))
	for i, e := range exprs {
		asks[i] = constraint.Ask{Expr: e}
	}
	var texts []string
	for _, a := range constraint.Strictest(asks) {
		texts = append(texts, a.Expr.String())
	}
	return strings.Join(texts, ", "), nil
}
