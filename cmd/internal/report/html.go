package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sort"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/graph"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine/plan"
)

//go:embed page.html
var pageText string

// row is a name and a value for the page.
type row struct{ Name, Value string }

// HTML writes a run as one page that needs nothing else: no network, no script. It
// follows the reader's light or dark mode, and can be printed. Texts of steps are escaped
// by the template. The graph, the timeline and the tables of checks are template.HTML,
// which the template does not escape: they escape their own texts.
func HTML(w io.Writer, r Run) error {
	s := Gather(r)
	page := struct {
		*Outcome
		Took            string
		Graph, Timeline template.HTML
		Summary         []row
		Params          []row
		Versions        []row
		Pushed          []string
		Lines           []line
		Style           template.CSS
		Checks          template.HTML
	}{Outcome: s, Took: text.Duration(s.End.Sub(s.Start)), Timeline: template.HTML(timeline(s)), Pushed: r.Pushed, Lines: lines(s.Steps), Style: checks.Style(), Checks: checks.Tables(r.Checks)}
	for _, state := range []string{"done", "reused", "failed", "skipped", "canceled", "running"} {
		if n := s.Counts[state]; n > 0 {
			page.Summary = append(page.Summary, row{state, fmt.Sprint(n)})
		}
	}
	if r.Plan != nil {
		page.Graph = template.HTML(graph.SVG(Graph(r.Plan, s)))
		for k, v := range r.Plan.Params {
			page.Params = append(page.Params, row{k, fmt.Sprint(v)})
		}
	} else {
		for k, v := range s.Source.Params {
			page.Params = append(page.Params, row{k, v})
		}
	}
	for k, v := range r.Versions {
		page.Versions = append(page.Versions, row{k, v})
	}
	for _, rows := range [][]row{page.Params, page.Versions} {
		sort.Slice(rows, func(i, j int) bool { return rows[i].Name < rows[j].Name })
	}
	t, err := template.New("page").Funcs(template.FuncMap{"took": text.Duration}).Parse(pageText)
	if err != nil {
		panic("BUG: the page does not parse: " + err.Error())
	}
	if err := t.Execute(w, page); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Graph is the graph of a plan, with the states of the steps in a run of it. Nodes without
// an event in the run have no state, and are drawn as in a plan.
func Graph(p *plan.Plan, o *Outcome) graph.Graph {
	g := graph.Of(p)
	states := map[string]*Step{}
	for _, st := range o.Steps {
		states[st.ID] = st
	}
	for i := range g.Nodes {
		if st := states[g.Nodes[i].ID]; st != nil {
			g.Nodes[i].State, g.Nodes[i].Title = st.State, st.Why()
		}
	}
	return g
}
