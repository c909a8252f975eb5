package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// Explain tells what Run would do with each step, and why. It reads what the
// plan loads, except standard input, runs no step, and changes nothing in the
// store.
func (r *Runner) Explain(ctx context.Context, p *Plan) (_ []Decision, err error) {
	scratch := &Scratch{Store: r.Store}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	reader := *r
	reader.Store = scratch
	x, err := reader.newRun(ctx, p)
	if err != nil {
		return nil, err
	}
	close(x.over) // nobody hears what loads have to say
	g := guess{run: x, known: make([]Artifact, len(p.nodes)), made: make([]Decision, len(p.nodes))}
	var out []Decision
	var errs []error
	for i, n := range p.nodes {
		d, err := g.node(ctx, i)
		if err != nil {
			errs = append(errs, err)
			d.Action = ActionRun
		}
		d.Step, d.Uses = n.id, n.uses()
		g.made[i] = d
		if n.what == group && !n.step.dynamic {
			continue
		}
		out = append(out, d)
	}
	return out, schema.Join(errs)
}

// guess is what can be known about a run before it.
type guess struct {
	*run
	known []Artifact // results that would be there, by node
	made  []Decision
}

func (g *guess) node(ctx context.Context, i int) (Decision, error) {
	n := g.nodes[i]
	switch n.what {
	case load:
		d := loadDecision(n)
		if n.uri == "-" {
			return d, nil
		}
		o := g.load(ctx, job{node: n})
		g.known[i] = o.artifact
		return d, o.err
	case group:
		return g.group(n), nil
	}
	if !g.status[i].chosen {
		return Decision{Action: ActionSkip, Code: CodeNotSelected, Reason: "not asked for"}, nil
	}
	if d, stop := g.before(n); stop {
		return d, nil
	}
	j := g.args(n)
	refs := refsKnown(n, j)
	if len(n.step.guards) > 0 && refs {
		ok, why, err := n.guards("success", g.values.results(ctx, j.results))
		if err != nil {
			return Decision{Action: ActionRun}, err
		}
		if !ok {
			return Decision{Action: ActionSkip, Code: CodeWhen, Reason: why}, nil
		}
	}
	always := Decision{Action: ActionAlways}
	switch s := n.step; {
	case s.cache.never:
		always.Code, always.Reason = CodeCacheOff, "cache: false"
	case len(s.secrets) > 0 && !s.cache.safe && s.cache.ttl == 0:
		always.Code, always.Reason = CodeSecret, "reads a secret"
	case s.kind.Effect && s.cache.ttl == 0:
		always.Code, always.Reason = CodeEffect, s.kind.Name+" reads or changes the world"
	}
	if waits := g.waits(n); len(waits) > 0 {
		if always.Code != "" {
			return always, nil
		}
		if g.status[i].forced {
			return Decision{Action: ActionRun, Code: CodeForced, Reason: "asked for"}, nil
		}
		return Decision{Action: ActionDeferred, Code: CodeUpstream, Reason: "depends on what " + strings.Join(waits, ", ") + " gives"}, nil
	}
	with, out, err := n.fill(g.dir, g.values.results(ctx, j.results))
	if err != nil {
		return Decision{Action: ActionRun}, err
	}
	d, _, e, err := g.decide(ctx, request{id: n.id, step: n.step, with: with, forced: g.status[i].forced, inputs: digests(j.args)})
	if err != nil || d.Action != ActionReuse {
		return d, err
	}
	g.known[i] = e.Artifact
	if out != "" {
		if m := missingOutput(ctx, g.Load, g.env(ctx, job{node: n}, &recorder{Blobs: g.run.values.store}), e.Artifact, out); m != "" {
			d.Code, d.Reason = CodeOutputMissing, m
		}
	}
	return d, nil
}

// before tells what a node that takes the result of a skipped one becomes, as
// verdict does in a run.
func (g *guess) before(n *node) (Decision, bool) {
	skip := func(format string, args ...any) (Decision, bool) {
		return Decision{Action: ActionSkip, Code: CodeUpstreamSkipped, Reason: fmt.Sprintf(format, args...)}, true
	}
	some, none := map[string]bool{}, map[string]edge{} // by port that is a list
	for _, e := range n.edges {
		if e.list && !e.opt {
			none[e.port] = e
		}
		from := g.sources(n, e)
		if f := g.nodes[e.from]; f.what == group && f.step.dynamic {
			some[e.port] = true
		}
		for _, f := range from {
			d := g.made[f]
			if d.Action != ActionSkip || d.Code == CodeNotSelected {
				some[e.port] = true
			} else if !e.opt && !e.list {
				return skip("needs %s, which is skipped", g.nodes[f].id)
			}
		}
	}
	for _, port := range sortedKeys(none) {
		if !some[port] {
			return skip("no row of %s has a result", none[port].name)
		}
	}
	return Decision{}, false
}

// waits names the steps whose results n needs and that are not known yet.
func (g *guess) waits(n *node) []string {
	var out []string
	for _, e := range n.edges {
		for _, f := range g.sources(n, e) {
			if g.known[f].Digest == "" && g.made[f].Action != ActionSkip {
				out = append(out, g.nodes[f].id)
			}
		}
		if f := g.nodes[e.from]; f.what == group && f.step.dynamic {
			out = append(out, f.id)
		}
	}
	return slices.Compact(out)
}

func (g *guess) args(n *node) job {
	j := job{node: n, results: map[string]Artifact{}}
	for _, e := range n.edges {
		for _, f := range g.sources(n, e) {
			switch a := g.known[f]; {
			case a.Digest == "":
			case e.port == "":
				j.results[e.name] = a
			default:
				j.args = append(j.args, arg{e.port, e.list, a, nil})
			}
		}
	}
	return j
}

// refsKnown reports whether all results that texts and conditions use are
// known.
func refsKnown(n *node, j job) bool {
	for _, e := range n.edges {
		if e.port == "" {
			if _, ok := j.results[e.name]; !ok {
				return false
			}
		}
	}
	return true
}

func (g *guess) group(n *node) Decision {
	if n.step.dynamic {
		return Decision{Action: ActionDeferred, Code: CodeRows, Reason: "its rows are known when " + strings.Join(stepNames(n.step.refs), ", ") + " has run"}
	}
	for _, r := range n.step.rows {
		if g.made[r.index].Action != ActionSkip {
			return Decision{Action: ActionRun}
		}
	}
	return Decision{Action: ActionSkip, Code: CodeUpstreamSkipped, Reason: "all rows are skipped"}
}

func stepNames(refs []stepRef) []string {
	var out []string
	for _, r := range refs {
		out = append(out, r.from.name)
	}
	return out
}
