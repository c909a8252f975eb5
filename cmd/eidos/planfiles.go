package main

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// planLine is one step of a plan: what would become of it, and what it touches. It is the
// element of `eidos plan --format json`.
type planLine struct {
	engine.Decision
	Reads   []string `json:"reads,omitempty"` // files of this machine, as they are written
	Out     string   `json:"out,omitempty"`
	Refused string   `json:"refused,omitempty"` // why what stands at out would not be replaced
}

// planLines adds to decisions what the steps touch. refuses is asked about each output
// that would be written; kinds are for the media type of what a step writes there. The
// lines are in the order of decisions, one each.
func planLines(p *plan.Plan, decisions []engine.Decision, refuses func(out, mediaType string) error, kinds []engine.Kind) []planLine {
	infos := map[string]plan.NodeInfo{}
	for _, s := range p.Steps() {
		infos[s.ID] = s
	}
	makes := map[string]string{}
	for _, k := range kinds {
		makes[k.Name] = k.Output
	}
	lines := make([]planLine, len(decisions))
	for i, d := range decisions {
		s := infos[d.Step]
		l := planLine{Decision: d, Reads: s.Reads, Out: s.Out}
		if d.Uses == "load" {
			if _, here := schema.LocalPath(d.Step); here {
				l.Reads = []string{d.Step}
			}
		}
		// An output is also written where a result is reused and the file is not what was
		// saved. One whose name has a ${reference} is known only when the run gets there.
		written := d.Action != engine.ActionSkip && (d.Action != engine.ActionReuse || d.Code == engine.CodeOutputMissing)
		if written && l.Out != "" && !strings.Contains(l.Out, "${") {
			if err := refuses(l.Out, makes[d.Uses]); err != nil {
				l.Refused = err.Error()
			}
		}
		lines[i] = l
	}
	return lines
}

// printFiles lists what is read and written, by which steps: first all that is read, then
// all that is written, in the order of the plan. A file that several steps read has one
// line, which names three steps at most; the JSON has all of them.
func (a *app) printFiles(lines []planLine) error {
	type file struct {
		name, is string
		by       []string
		refused  string
	}
	var files []*file
	// By use and name: a file that one step writes and another reads has two lines.
	known := map[string]*file{}
	add := func(name, is, by, refused string) {
		f := known[is+name]
		if f == nil {
			f = &file{name: name, is: is, refused: refused}
			known[is+name] = f
			files = append(files, f)
		}
		f.by = append(f.by, by)
	}
	for _, l := range lines {
		for _, r := range l.Reads {
			add(r, "read", l.Step, "")
		}
	}
	for _, l := range lines {
		if l.Out != "" {
			add(l.Out, "written", l.Step, l.Refused)
		}
	}
	if len(files) == 0 {
		return nil
	}
	rows := [][]string{{"FILE", "IS", "BY", ""}}
	for _, f := range files {
		by := strings.Join(f.by, ", ")
		if n := len(f.by); n > 3 {
			by = fmt.Sprintf("%s and %d more", strings.Join(f.by[:2], ", "), n-2)
		}
		refused := ""
		if f.refused != "" {
			refused = "refused: " + f.refused
		}
		rows = append(rows, []string{f.name, f.is, by, refused})
	}
	if err := a.Line(""); err != nil {
		return err
	}
	return a.Table(rows)
}
