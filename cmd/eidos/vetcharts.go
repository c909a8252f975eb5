package main

import (
	"bytes"
	"context"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/recipes/charts"
	"github.com/NVIDIA/eidos/recipes/compile"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/inspect"
)

// realCharts gives a source the facts of the charts in a directory, and warns of those
// that differ from the facts that come with eidos. A difference is not an error: the charts
// are right, and the proof goes on with what they show. Where a chart comes from is left
// out of the comparison, since it says nothing about the chart.
func (a *app) realCharts(ctx context.Context, src compile.Source, dir string) (compile.Source, error) {
	all, err := inspect.Folder(ctx, dir, "", a.Story.Note)
	if err != nil {
		return src, err
	}
	files := compile.Files{}
	for _, f := range all {
		data, err := charts.Encode(f)
		if err != nil {
			return src, err
		}
		name := charts.FileName(f.Name, f.Version)
		files[name] = data
		known, err := charts.Builtin().Find(f.Name, f.Version)
		switch {
		// Find falls back to another patch release, whose facts need not be those of this
		// one.
		case schema.CodeOf(err) == schema.NotFound || err == nil && known.Version != f.Version:
			a.Story.Note("chart %s %s has no facts in this eidos", f.Name, f.Version)
			continue
		case err != nil:
			return src, err
		}
		here, there := *f, known.ChartFacts
		here.Source, there.Source = nil, nil
		x, err := charts.Encode(&here)
		if err != nil {
			return src, err
		}
		y, err := charts.Encode(&there)
		if err != nil {
			return src, err
		}
		if !bytes.Equal(x, y) {
			a.Story.Warn("chart %s %s differs from the facts that this eidos has of it", f.Name, f.Version)
		}
	}
	a.Say("%s read from %s and rendered by helm", text.Count(len(all), "chart"), dir)
	return src.WithCharts(files.FS()), nil
}
