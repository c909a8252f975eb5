package page

import (
	"bytes"
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/graph"
	"github.com/NVIDIA/eidos/cmd/internal/report"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/history"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// Runs is where the pages of runs read from: the journals of a state directory, which other
// processes may be writing to. A journal may be behind its run, and is read again for each
// request. The functions are called from several goroutines at once.
type Runs struct {
	List   func() ([]history.Run, error)
	Find   func(id string) (history.Run, error)
	Events func(id string) ([]engine.Event, error)
	// Plan compiles the pipeline of a run as it was run, for its graph.
	Plan func(context.Context, history.Run) (*plan.Plan, error)
}

// run is the page of one run.
type run struct {
	history.Run
	*report.Outcome
	Failed []*report.Step
	Rows   []template.HTML
	Counts []count
	Shares []share
	Show   string // the only state whose steps are listed, "" for all
	Retry  string
	Graph  bool
	Live   bool
	Took   string
}

// count is how many steps are in a state. A script reads it by these names.
type count struct {
	State string
	N     int
}

// share is the part of a run's steps that are in a state, in thousandths.
type share struct {
	State       string
	From, Width int
}

// shares divides the width of a bar among the states. Each part ends where the next one
// begins, so that rounding leaves no gaps; what is missing at the end has not begun.
func shares(counts []count, steps int) []share {
	var out []share
	n := 0
	for _, c := range counts {
		from := n * 1000 / max(steps, 1)
		n += c.N
		out = append(out, share{c.State, from, n*1000/max(steps, 1) - from})
	}
	return out
}

// runs lists the runs of the state directory.
func (p *page) runs(*http.Request) (string, view, error) {
	list, err := p.Runs.List()
	if err != nil {
		return "", view{}, err
	}
	return "runs", view{Title: "Runs", Data: list}, nil
}

// run shows one run, whether it goes on, has ended or was interrupted. A retry is offered
// for a run that failed or was interrupted and that recorded its pipeline.
func (p *page) run(r *http.Request) (string, view, error) {
	found, err := p.Runs.Find(r.PathValue("id"))
	if err != nil {
		return "", view{}, err
	}
	events, err := p.Runs.Events(found.ID)
	if err != nil {
		return "", view{}, err
	}
	o := report.Gather(report.Run{Events: events})
	d := run{Run: found, Outcome: o, Counts: counts(o), Live: live(found), Graph: found.Source != nil && len(o.Steps) <= drawn}
	d.Took = text.Duration(o.End.Sub(o.Start))
	d.Shares, d.Show = shares(d.Counts, found.Steps), r.URL.Query().Get("show")
	for _, st := range o.Steps {
		if st.State == string(engine.Failed) {
			d.Failed = append(d.Failed, st)
		}
		if d.Show != "" && st.State != d.Show {
			continue
		}
		row, err := rowOf(o, st)
		if err != nil {
			return "", view{}, err
		}
		d.Rows = append(d.Rows, row)
	}
	if found.Source != nil && !d.Live && (len(d.Failed) > 0 || found.Interrupted) {
		d.Retry = "eidos retry " + found.ID
	}
	return "run", view{Title: found.Pipeline + ", run " + found.ID, Script: "run.js", Data: d}, nil
}

// drawn is the largest run, in steps, whose graph is drawn: a larger one shows nothing that
// can be read.
const drawn = 400

// live reports whether a run goes on; one whose process has died does not.
func live(r history.Run) bool { return r.State == engine.Running && !r.Interrupted }

// counts lists how many steps are in each state, in a fixed order, without empty states.
func counts(o *report.Outcome) []count {
	var out []count
	for _, state := range []string{"running", "done", "reused", "failed", "skipped", "canceled"} {
		if n := o.Counts[state]; n > 0 {
			out = append(out, count{state, n})
		}
	}
	return out
}

// rowText is the template of one step of a run. The page has one for each step, and asks
// for those that have changed while the run goes on; both use this template, so that a
// replaced row looks like the one before. It is parsed once, when it is first needed.
var rowText = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("row.html").ParseFS(files, "templates/row.html"))
})

// row is a step, and its place on the time axis of its run, in thousandths.
type row struct {
	*report.Step
	Took        string
	From, Width int
}

// rowOf is the row of a step. Its bar is as long as the step took and ends with the step's
// last event; it is wide enough to be seen, and within the axis. timeline.go of package
// report draws the same for files.
func rowOf(o *report.Outcome, st *report.Step) (template.HTML, error) {
	total := max(o.End.Sub(o.Start), time.Millisecond)
	begin, end := st.Start, st.End
	if end.IsZero() {
		end = o.End
	}
	if st.Took > 0 && st.Took < end.Sub(o.Start) {
		begin = end.Add(-st.Took)
	}
	part := func(d time.Duration) int { return int(min(max(d*1000/total, 0), 1000)) }
	x := row{Step: st, From: part(begin.Sub(o.Start)), Width: max(part(end.Sub(begin)), 4)}
	x.From = min(x.From, 1000-x.Width)
	if st.Took > 0 {
		x.Took = text.Duration(st.Took)
	}
	var b bytes.Buffer
	err := rowText().Execute(&b, x)
	return template.HTML(b.String()), err
}

// changes is the answer to the script of a running page, run.js, which knows its names.
type changes struct {
	Seq    int       `json:"seq"`
	Live   bool      `json:"live"`
	State  string    `json:"state"`
	Took   string    `json:"took"`
	Counts []count   `json:"counts"`
	Rows   []rowHTML `json:"rows"`
}

type rowHTML struct {
	ID    string        `json:"id"`
	State string        `json:"state"`
	HTML  template.HTML `json:"html"`
}

// events answers with the steps that have changed since the event with the number `after`,
// with all of them for 0 or what is not a number. The script asks about once a second, and
// sends Seq of the last answer.
func (s *Runs) events(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	found, err := s.Find(r.PathValue("id"))
	if err != nil {
		http.Error(w, schema.ErrorText(err), schema.CodeOf(err).Info().Status)
		return
	}
	all, err := s.Events(found.ID)
	if err != nil {
		http.Error(w, schema.ErrorText(err), schema.CodeOf(err).Info().Status)
		return
	}
	o := report.Gather(report.Run{Events: all})
	c := changes{Seq: o.Seq, Live: live(found), State: stateOf(found), Took: text.Duration(o.End.Sub(o.Start)), Counts: counts(o), Rows: []rowHTML{}}
	for _, st := range o.Steps {
		if st.Seq <= after {
			continue
		}
		h, err := rowOf(o, st)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		c.Rows = append(c.Rows, rowHTML{st.ID, st.State, h})
	}
	data, err := json.Marshal(c)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	send(w, r, http.StatusOK, data)
}

// stateOf is the state of a run for people. The journal of an interrupted run still has it
// as running; history has found out that its process is gone.
func stateOf(r history.Run) string {
	if r.Interrupted {
		return "interrupted"
	}
	return string(r.State)
}

// graph draws the run's graph, with the states of its steps. It is a request of its own, so
// that the page does not wait until the plan is compiled. The style of the picture is
// within it; its policy allows that and nothing else.
func (s *Runs) graph(w http.ResponseWriter, r *http.Request) {
	svg, err := s.draw(r.Context(), r.PathValue("id"))
	if err != nil {
		http.Error(w, schema.ErrorText(err), schema.CodeOf(err).Info().Status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cache-Control", "no-store")
	send(w, r, http.StatusOK, []byte(svg))
}

func (s *Runs) draw(ctx context.Context, id string) (string, error) {
	found, err := s.Find(id)
	if err != nil {
		return "", err
	}
	events, err := s.Events(found.ID)
	if err != nil {
		return "", err
	}
	p, err := s.Plan(ctx, found)
	if err != nil {
		return "", err
	}
	return graph.SVG(report.Graph(p, report.Gather(report.Run{Events: events}))), nil
}

// Word is the run's state for a reader.
func (d run) Word() string { return stateOf(d.Run) }
