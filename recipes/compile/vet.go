package compile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
)

// Report is the proof that every question has exactly one right answer, or
// why not.
type Report struct {
	Overlays   int `json:"overlays"`
	Components int `json:"components"`
	// Questions is how many there are: all words, and "not stated", of every
	// field. Each is answered, or refused because no recipe covers all that it
	// states.
	Questions int `json:"questions"`
	Answered  int `json:"answered"`
	Refused   int `json:"refused"`
	// Answers is how many distinct recipes there are.
	Answers int `json:"answers"`
	// Coverage has a row for every question that is answered.
	Coverage []Row `json:"coverage"`
	// Charts is what the facts of charts were compared with.
	Charts ChartReport `json:"charts"`
	// Checks is what the fields that checks look at were compared with.
	Checks CheckReport `json:"checks"`
	// Remarks are worth a look and break nothing.
	Remarks []string `json:"remarks,omitempty"`
}

// Row is one line of the coverage matrix.
type Row struct {
	Criteria schema.Criteria `json:"criteria"`
	Recipe   string          `json:"recipe"`
	Maturity string          `json:"maturity"`
}

// Vet proves the catalogue in src. The error holds everything that is
// wrong with it, Invalid; the report is there whenever the CUE evaluates.
func Vet(src Source) (*Report, error) {
	l, err := load(src)
	if err != nil {
		return nil, err
	}
	return l.vet()
}

func (l *loaded) vet() (*Report, error) {
	idx, err := l.index()
	if err != nil {
		return nil, err
	}
	cat, err := open(idx)
	if err != nil {
		return nil, err
	}
	v := vetting{loaded: l, cat: cat, applied: map[string]bool{}, used: map[string]bool{}, checked: map[string]bool{},
		docs: map[string]string{}, charts: newChartProof(l)}
	v.report.Overlays = len(idx.Overlays)
	words, err := l.words()
	if err != nil {
		return nil, err
	}
	v.questions(words)
	v.answersAll()
	v.overlays()
	v.components()
	v.checks()
	_, odd := l.upgrades()
	v.errs = append(v.errs, schema.List(odd)...)
	v.errs = append(v.errs, v.charts.errs...)
	v.report.Remarks = append(v.report.Remarks, v.charts.remarks...)
	v.report.Charts = v.charts.report
	sort.Strings(v.report.Remarks)
	v.report.Remarks = slices.Compact(v.report.Remarks)
	for i, r := range v.report.Coverage {
		v.report.Coverage[i].Maturity = v.docs[r.Recipe]
	}
	return &v.report, schema.Join(v.errs)
}

type vetting struct {
	*loaded
	cat     *recipes.Catalog
	report  Report
	errs    []error
	applied map[string]bool   // overlays that some answer applies
	used    map[string]bool   // components that some answer has
	checked map[string]bool   // checks that some answer runs
	broken  bool              // some answer could not be made: what it uses is not known
	docs    map[string]string // maturity of each answer, by name
	charts  *chartProof
}

func (v *vetting) fail(pos, path, hint, format string, args ...any) {
	e := schema.Errorf(schema.Invalid, format, args...).At(pos, path)
	if hint != "" {
		e = e.WithHint("%s", hint)
	}
	v.errs = append(v.errs, e)
}

// questions asks every question that some overlay may answer, and counts the
// others.
func (v *vetting) questions(words *recipes.Words) {
	Questions(v.cat, func(q recipes.Criteria) {
		leaves, uncovered := v.cat.Match(q)
		if uncovered != (recipes.Criteria{}) {
			return
		}
		v.report.Answered++
		v.report.Coverage = append(v.report.Coverage, Row{
			Criteria: q.Schema(), Recipe: v.cat.AnswerName(recipes.Answer{Leaves: leaves}),
		})
	})
	v.report.Questions = 1
	for _, field := range recipes.Fields() {
		v.report.Questions *= len(words.Names(field)) // any is "not stated"
	}
	v.report.Refused = v.report.Questions - v.report.Answered
}

// answersAll resolves every answer: its overlays agree, its order is acyclic,
// its constraints can be met together.
func (v *vetting) answersAll() {
	var undeclared []string
	refers := false // whether a component refers to another
	for _, s := range Selections(v.cat) {
		v.report.Answers++
		a, err := v.answer(v.cat.Applied(s))
		if err != nil {
			v.errs, v.broken = append(v.errs, err), true
			for _, leaf := range v.cat.Applied(s) {
				for _, n := range slices.Concat(v.chains[leaf], []string{leaf}) {
					v.applied[n] = true
				}
			}
			continue
		}
		for _, n := range a.Layers {
			v.applied[n] = true
		}
		for n := range a.Components {
			v.used[n] = true
		}
		for n := range a.Checks {
			v.checked[n] = true
		}
		d, err := v.shape(a)
		if err != nil {
			v.errs = append(v.errs, v.at(err, s.Leaves[0]))
			continue
		}
		v.docs[v.cat.AnswerName(s)] = d.Maturity
		refers = refers || slices.ContainsFunc(d.Components, func(c schema.ComponentRef) bool { return len(c.Refs) > 0 })
		undeclared = append(undeclared, v.undeclared(d.Components)...)
		v.charts.prove(a, d)
	}
	if refers { // a release from before there were references keeps its recipes as they are
		v.report.Remarks = append(v.report.Remarks, undeclared...)
	}
}

// overlays looks for those that nothing selects, that ask for the same as
// another, and for what they say in vain.
func (v *vetting) overlays() {
	for _, name := range v.mixins {
		if !v.applied[name] {
			v.fail(v.where(name), name, "include it in an overlay, or take it away", "no overlay includes mixin %q", name)
		}
	}
	same := map[recipes.Criteria]string{}
	for _, o := range v.cat.Overlays {
		if !v.applied[o.Name] {
			v.fail(o.At, o.Name, "state criteria that a question can have", "no question selects overlay %q", o.Name)
		}
		k := recipes.CriteriaOf(o.Criteria)
		other, ok := same[k]
		if ok && k != (recipes.Criteria{}) {
			v.fail(o.At, o.Name, "make one overlay of the two, or let one add criteria",
				"overlays %q and %q answer the same question: %s", other, o.Name, k)
		}
		same[k] = o.Name
		v.overrides(o)
		v.drops(o)
		v.looser(o)
		v.typos(o)
	}
}

// overrides: one that displaces nothing hides a mistake.
func (v *vetting) overrides(o recipes.Overlay) {
	for _, s := range v.said[o.Name] {
		if s.Path[0] != "override" {
			continue
		}
		found := false
		for _, t := range v.layers {
			if t.Overlay && (t.Name == o.Name || !slices.Contains(v.chains[o.Name], t.Name)) {
				continue
			}
			if touches(s.Path[1:], t.Path) && len(t.Path) > 2 {
				found = true
			}
		}
		if !found {
			v.fail(s.At, recipes.JoinPath(append([]string{o.Name}, s.Path...)), "write it under components",
				"the override replaces nothing: no ancestor says anything of it")
		}
	}
}

// drops: one that leaves nothing out hides a mistake.
func (v *vetting) drops(o recipes.Overlay) {
	applies := func(name string) bool { // wherever o does
		l, ok := v.cat.Overlay(name)
		return slices.Contains(v.chains[o.Name], name) || ok && l.Criteria == (schema.Criteria{})
	}
	for _, s := range v.said[o.Name] {
		if s.Path[0] != "drop" {
			continue
		}
		has := func(l layer) bool {
			return l.Overlay && l.Name != o.Name && applies(l.Name) &&
				len(l.Path) > 1 && l.Path[0] == "components" && l.Path[1] == s.Path[1]
		}
		if !slices.ContainsFunc(v.layers, has) {
			v.fail(s.At, recipes.JoinPath(append([]string{o.Name}, s.Path...)), "take it away", "drops a component that no ancestor has")
		}
	}
}

// looser remarks on constraints that an ancestor's imply: they tighten nothing.
func (v *vetting) looser(o recipes.Overlay) {
	for _, s := range v.said[o.Name] {
		mine, ok := asked(s)
		if !ok {
			continue
		}
		for _, t := range v.layers {
			if !t.Overlay || t.Name == o.Name || !slices.Contains(v.chains[o.Name], t.Name) || !slices.Equal(t.Path[:min(2, len(t.Path))], s.Path[:2]) {
				continue
			}
			theirs, ok := asked(t)
			if ok && theirs.Implies(mine) && !mine.Implies(theirs) {
				v.report.Remarks = append(v.report.Remarks, fmt.Sprintf("%s: %s: %s is looser than %s of %s (%s), and has no effect",
					s.At, recipes.JoinPath(append([]string{o.Name}, s.Path[:2]...)), mine, theirs, t.Name, t.At))
			}
		}
	}
}

// asked is the expression of a constraint's statement.
func asked(s layer) (constraint.Expr, bool) {
	if s.Path[0] != "constraints" || len(s.Path) < 2 || len(s.Path) > 2 && s.Path[2] != "value" {
		return constraint.Expr{}, false
	}
	text, err := strconv.Unquote(s.Text)
	if err != nil {
		return constraint.Expr{}, false
	}
	e, err := constraint.Parse(text)
	return e, err == nil
}

// typos remarks on values that no component declares but nearly does, where
// there are no facts of the chart.
func (v *vetting) typos(o recipes.Overlay) {
	for _, s := range v.said[o.Name] {
		if s.Path[0] != "components" || len(s.Path) < 4 || s.Path[2] != "values" || v.charts.checked[s.Path[1]] {
			continue
		}
		for depth := 3; depth < len(s.Path); depth++ {
			siblings := v.declared(s.Path[:depth])
			if len(siblings) == 0 || slices.Contains(siblings, s.Path[depth]) {
				continue
			}
			if near := schema.Nearest(s.Path[depth], siblings); near != "" && len(s.Path[depth]) > 3 {
				v.report.Remarks = append(v.report.Remarks, s.At+": "+recipes.JoinPath(s.Path[:depth+1])+
					" is not among the values of the component; "+near+" is")
			}
			break
		}
	}
}

// declared lists the keys that components declare right under path.
func (v *vetting) declared(path []string) []string {
	seen := map[string]bool{}
	for _, s := range v.layers {
		if !s.Overlay && len(s.Path) > len(path) && slices.Equal(s.Path[:len(path)], path) {
			seen[s.Path[len(path)]] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// components looks for those that nothing uses, and at their manifests.
func (v *vetting) components() {
	var defs struct {
		Components map[string]struct {
			Chart     string
			Optional  bool
			Manifests map[string]bool
			Kustomize *struct{ Files map[string]bool }
		}
	}
	if err := decode(v.root, &defs, "components"); err != nil {
		v.errs = append(v.errs, err)
		return
	}
	v.report.Components = len(defs.Components)
	for _, name := range slices.Sorted(maps.Keys(defs.Components)) {
		c, at := defs.Components[name], v.written.place([]string{"components", name}, false)
		if !v.used[name] && !c.Optional && !v.broken {
			v.fail(at, "components."+name, "add it to an overlay, or take it away", "no recipe uses component %q", name)
		}
		v.files(at, name, "manifests", "manifests", "*false | #Bool", c.Manifests)
		switch {
		case c.Kustomize != nil:
			v.files(at, name, "kustomize", "kustomize.files", "true", c.Kustomize.Files)
		case c.Chart == "" && len(c.Manifests) == 0 && len(v.src.files.below("components/"+name+"/manifests")) == 0:
			v.fail(at, "components."+name, `add a chart, manifests: "FILE.yaml": true or kustomize`, "the component deploys nothing")
		}
	}
	for _, file := range slices.Sorted(maps.Keys(v.src.added)) {
		if part := strings.Split(file, "/"); len(part) > 2 && part[0] == "components" {
			if _, ok := defs.Components[part[1]]; !ok {
				v.fail(v.src.place(file), "", schema.Suggest(part[1], slices.Sorted(maps.Keys(defs.Components))), "the file is of no component: there is none with the name %q", part[1])
			}
		}
	}
}

// files compares what a component declares with the files in its folder.
func (v *vetting) files(at, name, folder, field, how string, declared map[string]bool) {
	dir := path.Join("components", name, folder)
	for _, f := range slices.Sorted(maps.Keys(declared)) {
		if v.src.files[path.Join(dir, f)] == nil {
			v.errs = append(v.errs, v.noFile(path.Join(dir, f)))
		}
	}
	for _, f := range slices.Sorted(maps.Keys(v.src.files.below(dir))) {
		if _, ok := declared[f]; !ok {
			v.fail(at, "components."+name+"."+field, "declare it: \""+f+"\": "+how, "the component does not know %s/%s", dir, f)
		}
	}
}

// checks proves each check by itself, and remarks on those that nothing runs.
func (v *vetting) checks() {
	r, err := v.vetChecks()
	v.report.Checks = r
	v.errs = append(v.errs, schema.List(err)...)
	for _, name := range slices.Sorted(maps.Keys(v.checkDefs)) {
		if !v.checked[name] && len(v.checkDefs[name].Components) == 0 {
			v.report.Remarks = append(v.report.Remarks, v.checkAt[name]+": no recipe runs check "+name)
		}
	}
}
