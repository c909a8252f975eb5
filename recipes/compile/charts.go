package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/charts/reads"
	"github.com/NVIDIA/eidos/recipes/crds"
	"github.com/NVIDIA/eidos/schema"
)

// ChartReport counts what was proven of the answers with the facts of charts.
type ChartReport struct {
	// Known are the charts, at the versions that answers have, with facts.
	Known int `json:"known"`
	// Unknown are those without: nothing is proven of their values.
	Unknown []string `json:"unknown,omitempty"`
	// Values, Resources and Workloads count what was compared, in all answers.
	Values    int `json:"values"`
	Resources int `json:"customResources"`
	Workloads int `json:"workloads"`
	// Objects are the custom resources of components' own manifests, whose fields
	// were compared with those of their kinds.
	Objects int `json:"objects"`
	// UnknownKinds are those of custom resources whose fields are not known.
	UnknownKinds []string `json:"unknownKinds,omitempty"`
}

// chartProof compares answers with what is known of their charts. A component
// that many answers share is compared once.
type chartProof struct {
	*loaded
	known   map[string]knownChart // by component, chart, version and manifests
	proven  map[string]counts     // components, by their id
	seen    map[string]bool       // problems that were reported
	made    map[string]made       // custom resources of a component, by its id
	checked map[string]bool       // components whose chart there are facts of
	texted  map[string]int        // manifests that were compared, with their objects
	kinds   *crds.Known
	errs    []error
	remarks []string
	report  ChartReport
}

// counts is how much of a component was compared.
type counts struct{ values, workloads int }

type knownChart struct {
	*charts.Chart
	err error
}

func newChartProof(l *loaded) *chartProof {
	return &chartProof{loaded: l, known: map[string]knownChart{}, proven: map[string]counts{}, seen: map[string]bool{},
		made: map[string]made{}, checked: map[string]bool{}, texted: map[string]int{}, kinds: crds.NewKnown(l.src.kinds())}
}

// library has the facts that come with eidos, and those of a user's directory.
func (s Source) library() charts.Library {
	l := charts.Builtin()
	if own := s.files.below("charts"); len(own) > 0 {
		l = l.With(own.FS())
	}
	if s.charts != nil {
		l = l.With(s.charts)
	}
	return l
}

// prove compares one answer.
func (p *chartProof) prove(a raw, d *recipes.Document) {
	all := map[string]deployed{}
	for _, ref := range d.Components {
		c := a.Components[ref.Name]
		k := p.chart(c)
		if k == nil {
			continue
		}
		id, err := schema.Encode([]any{c.Name, c.Chart, c.Version, on(c.Manifests), c.Scheduling, ref.Values})
		if err != nil {
			p.fail(err, p.componentFile(c.Name), "components", c.Name, "values")
			continue
		}
		all[ref.Name] = deployed{c, ref, k, string(id)}
		p.checked[ref.Name] = true
	}
	for _, component := range slices.Sorted(maps.Keys(all)) {
		c := all[component]
		n, done := p.proven[c.id]
		if !done {
			n.values = p.values(a, c)
			n.workloads = p.scheduling(a, c)
			p.proven[c.id] = n
		}
		p.report.Values += n.values
		p.report.Workloads += n.workloads
	}
	p.keeps(a, d, all)
	p.resources(a, d, all)
	p.objects(a)
}

// deployed is a component of an answer with what is known of its chart.
type deployed struct {
	component
	ref   schema.ComponentRef
	chart *charts.Chart
	id    string // of all that proofs depend on
}

// chart returns what is known of the chart of a component and of its manifests,
// nil if there are no facts.
func (p *chartProof) chart(c component) *charts.Chart {
	key := c.Name + " " + c.Chart + " " + c.Version + " " + strings.Join(on(c.Manifests), " ")
	k, ok := p.known[key]
	if !ok {
		k.Chart, k.err = p.readChart(c)
		p.known[key] = k
		switch {
		case schema.CodeOf(k.err) == schema.NotFound:
			p.unknown(c)
		case k.err != nil:
			p.fail(k.err, p.componentFile(c.Name), "components", c.Name)
		case c.Chart != "":
			p.report.Known++
			if k.Version != c.Version {
				p.remark("chart %s %s has no facts; it is checked against those of %s", c.Chart, c.Version, k.Version)
			}
		}
	}
	return k.Chart
}

func (p *chartProof) unknown(c component) {
	if name := c.Chart + " " + c.Version; !slices.Contains(p.report.Unknown, name) {
		p.report.Unknown = append(p.report.Unknown, name)
	}
}

// texts are the templates of a component's own manifests, by file name.
func (p *chartProof) texts(c component) map[string]string {
	texts := map[string]string{}
	for _, m := range on(c.Manifests) {
		// One that is missing is reported by components.
		if data, ok := p.src.files["components/"+c.Name+"/manifests/"+m]; ok {
			texts[m] = string(data)
		}
	}
	return texts
}

func (p *chartProof) readChart(c component) (*charts.Chart, error) {
	texts := p.texts(c)
	for name := range texts {
		if schema.DefinesKinds(name) {
			delete(texts, name) // not a template
		} else if _, err := reads.Check(texts[name]); err != nil {
			delete(texts, name) // reported by manifest, with its line
		}
	}
	if c.Chart == "" {
		return charts.Manifests(c.Name, texts)
	}
	found, err := p.facts(c.Chart, c.Version)
	if err != nil {
		return nil, err
	}
	return found.WithManifests(c.Name, texts)
}

// remark notes something once.
func (p *chartProof) remark(format string, args ...any) {
	if r := fmt.Sprintf(format, args...); !slices.Contains(p.remarks, r) {
		p.remarks = append(p.remarks, r)
	}
}

// fail reports a problem at its line, once for all answers that have it.
func (p *chartProof) fail(err error, pos string, path ...string) {
	e, ok := err.(*schema.Error)
	if !ok {
		e = schema.Errorf(schema.Failed, "%w", err)
	}
	k := pos + "\x00" + strings.Join(path, "\x00") + "\x00" + e.Msg
	if !p.seen[k] {
		p.seen[k] = true
		p.errs = append(p.errs, e.At(pos, recipes.JoinPath(path)))
	}
}

// values proves that every value of a component has an effect, and the type
// that its chart has for it.
func (p *chartProof) values(a raw, c deployed) int {
	n := 0
	charts.Leaves(c.ref.Values, func(keys []string, value any) {
		if len(keys) == 0 {
			return
		}
		n++
		if err := c.chart.Check(keys, value); err != nil {
			path := append([]string{"components", c.Name, "values"}, keys...)
			p.fail(err, p.setAt(a, path), path...)
		}
	})
	return n
}

// setAt is the line that set what an answer has at path: of the last of its
// layers that says something of it, or of what it is part of; else the component's.
func (p *chartProof) setAt(a raw, path []string) string {
	at, depth := p.saidAt("components", path[1], "namespace"), 0
	if at == "" {
		at = p.componentFile(path[1])
	}
	look := func(s layer, said []string) {
		if !s.Maybe && len(said) > 2 && touches(said, path) && min(len(said), len(path)) >= depth {
			at, depth = s.At, min(len(said), len(path))
		}
	}
	for _, s := range p.layers {
		if !s.Overlay {
			look(s, s.Path)
		}
	}
	for _, name := range a.Layers {
		for _, s := range p.said[name] {
			look(s, strip(s.Path))
		}
	}
	return at
}

// strip is the path of an overlay's statement without override.
func strip(path []string) []string {
	if path[0] == "override" {
		return path[1:]
	}
	return path
}

// componentFile is where a component is defined, as people know it: the file, or the
// line of a site.
func (l *loaded) componentFile(name string) string {
	if f := l.written.at([]string{"components", name}); len(f) > 0 {
		if at := l.written.position(f[0].Pos()); l.src.isAdded(at) {
			return at
		}
	}
	return l.src.inModule("components/" + name + ".cue")
}
