package importer

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes/charts"
)

// facts are what is known of the chart and the manifests of a component as an
// overlay has it; nil where nothing is.
func (d *differ) facts(name string, have *component, want *theirs) *charts.Chart {
	chart, version := have.chart, have.version
	if want.chart != "" {
		chart = want.chart
	}
	if want.version != "" {
		version = want.version
	}
	texts := map[string]string{}
	for file := range have.manifests {
		if data, err := d.cat.Manifest("components/" + name + "/manifests/" + file); err == nil {
			texts[file] = string(data)
		}
	}
	for _, m := range want.manifests {
		if data, err := fs.ReadFile(d.tree, m.file); err == nil {
			texts[m.file] = string(data)
		}
	}
	key := chart + "@" + version + " " + name + " " + strings.Join(slices.Sorted(maps.Keys(texts)), " ")
	known, ok := d.known[key]
	if !ok {
		var err error
		switch {
		case chart != "":
			if known, err = charts.Builtin().Find(chart, version); err == nil {
				known, err = known.WithManifests(name, texts)
			}
		case len(texts) > 0:
			known, err = charts.Manifests(name, texts)
		}
		if err != nil { // vet says of which charts nothing is known
			known = nil
		}
		d.known[key] = known
	}
	return known
}

// accepts leaves over a value at p that the chart would refuse, or that nothing
// reads: eidos vet would refuse the overlay for it. The first overlay that has it
// is named.
func (d *differ) accepts(chart *charts.Chart, name string, p []string, value any) bool {
	if chart == nil {
		return true
	}
	var refused error
	charts.Leaves(map[string]any{"": value}, func(keys []string, leaf any) {
		if refused == nil {
			refused = chart.Check(append(slices.Clone(p), keys[1:]...), leaf)
		}
	})
	if refused != nil {
		line := refused.Error()
		if chart.Version != "" { // else it names the component
			line = "component " + name + ": " + line
		}
		if !d.reported[line] { // not again for each overlay that inherits it
			d.reported[line] = true
			d.left(d.o.doc, "%s", line)
		}
	}
	return refused == nil
}
