package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// Explain returns what Run would do with each step, and why. It runs no step. What
// the plan loads is put into Store, standard input excepted; a Scratch leaves the
// real one as it is.
func (r *Runner) Explain(ctx context.Context, p *plan.Plan) ([]engine.Decision, error) {
	x, err := r.newRun(ctx, p)
	if err != nil {
		return nil, err
	}
	close(x.closed) // nobody reads the log of loads
	g := guess{scheduler: x, known: make([]engine.Artifact, len(p.Nodes)), made: make([]engine.Decision, len(p.Nodes))}
	var out []engine.Decision
	var errs []error
	for i, n := range p.Nodes {
		d, err := g.node(ctx, i)
		if err != nil {
			errs = append(errs, err)
			d.Action = engine.ActionRun
		}
		d.Step, d.Uses = n.ID, n.Uses()
		g.made[i] = d
		if n.Type == plan.MatrixNode && !n.Step.Dynamic {
			continue
		}
		out = append(out, d)
	}
	return out, schema.Join(errs)
}

// guess is what can be known about a run before it. It walks the nodes in their order
// and takes a result for known if it was loaded now or would be reused; what depends
// on one that is not known is deferred. It shares decide, args and Guards with a run,
// so that the two cannot differ; the cases of `always` come first because they hold
// whatever the inputs will be.
type guess struct {
	*scheduler
	known []engine.Artifact // results that would be there, by node
	made  []engine.Decision
}

func (g *guess) node(ctx context.Context, i int) (engine.Decision, error) {
	n := g.nodes[i]
	switch n.Type {
	case plan.LoadNode:
		d := loadDecision(n)
		if n.URI == "-" {
			return d, nil
		}
		o := g.load(ctx, attempt{node: n})
		g.known[i] = o.artifact
		return d, o.err
	case plan.MatrixNode:
		return g.group(n), nil
	}
	if !g.status[i].chosen {
		return engine.Decision{Action: engine.ActionSkip, Code: engine.CodeNotSelected, Reason: "not asked for"}, nil
	}
	if d, stop := g.before(n); stop {
		return d, nil
	}
	j := g.args(n)
	refs := refsKnown(n, j)
	if len(n.Step.Guards) > 0 && refs {
		ok, why, err := n.Guards("success", g.values.results(ctx, j.results))
		if err != nil {
			return engine.Decision{Action: engine.ActionRun}, err
		}
		if !ok {
			return engine.Decision{Action: engine.ActionSkip, Code: engine.CodeWhen, Reason: why}, nil
		}
	}
	always := engine.Decision{Action: engine.ActionAlways}
	switch s := n.Step; {
	case s.Cache.Never:
		always.Code, always.Reason = engine.CodeCacheOff, "cache: false"
	case len(s.Secrets) > 0 && !s.Cache.Safe && s.Cache.TTL == 0:
		always.Code, always.Reason = engine.CodeSecret, "reads a secret"
	case s.Kind.Effect && s.Cache.TTL == 0:
		always.Code, always.Reason = engine.CodeEffect, s.Kind.Name+" reads or changes external systems"
	}
	if waits := g.waits(n); len(waits) > 0 {
		if always.Code != "" {
			return always, nil
		}
		if g.status[i].forced {
			return engine.Decision{Action: engine.ActionRun, Code: engine.CodeForced, Reason: "asked for"}, nil
		}
		return engine.Decision{Action: engine.ActionDeferred, Code: engine.CodeUpstream, Reason: "depends on what " + strings.Join(waits, ", ") + " gives"}, nil
	}
	with, out, err := n.Fill(g.dir, g.values.results(ctx, j.results))
	if err != nil {
		return engine.Decision{Action: engine.ActionRun}, err
	}
	d, _, e, err := g.decide(ctx, request{id: n.ID, step: n.Step, with: with, forced: g.status[i].forced, inputs: digests(j.args)})
	if err != nil || d.Action != engine.ActionReuse {
		return d, err
	}
	g.known[i] = e.Artifact
	if out != "" {
		if m := missingOutput(ctx, g.Load, g.env(ctx, attempt{node: n}, &content.Recorder{Blobs: g.scheduler.values.store}), e.Artifact, out); m != "" {
			d.Code, d.Reason = engine.CodeOutputMissing, m
		}
	}
	return d, nil
}

// before decides what a node that takes the result of a skipped one becomes, as
// verdict does in a run.
func (g *guess) before(n *plan.Node) (engine.Decision, bool) {
	skip := func(format string, args ...any) (engine.Decision, bool) {
		return engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamSkipped, Reason: fmt.Sprintf(format, args...)}, true
	}
	some, none := map[string]bool{}, map[string]plan.Edge{} // by port that is a list
	for _, e := range n.Edges {
		if e.List && !e.Optional {
			none[e.Port] = e
		}
		from := g.sources(n, e)
		if f := g.nodes[e.From]; f.Type == plan.MatrixNode && f.Step.Dynamic {
			some[e.Port] = true
		}
		for _, f := range from {
			d := g.made[f]
			if d.Action != engine.ActionSkip || d.Code == engine.CodeNotSelected {
				some[e.Port] = true
			} else if !e.Optional && !e.List {
				return skip("needs %s, which is skipped", g.nodes[f].ID)
			}
		}
	}
	for _, port := range slices.Sorted(maps.Keys(none)) {
		if !some[port] {
			return skip("no row of %s has a result", none[port].Name)
		}
	}
	return engine.Decision{}, false
}

// waits names the steps whose results n needs and that are not known yet. One that is
// skipped is not among them: it will have none.
func (g *guess) waits(n *plan.Node) []string {
	var out []string
	for _, e := range n.Edges {
		for _, f := range g.sources(n, e) {
			if g.known[f].Digest == "" && g.made[f].Action != engine.ActionSkip {
				out = append(out, g.nodes[f].ID)
			}
		}
		if f := g.nodes[e.From]; f.Type == plan.MatrixNode && f.Step.Dynamic {
			out = append(out, f.ID)
		}
	}
	return slices.Compact(out)
}

// args is newAttempt without a state: what is known of the values that n takes. It
// lists them in the same order, which is part of the key.
func (g *guess) args(n *plan.Node) attempt {
	j := attempt{node: n, results: map[string]engine.Artifact{}}
	for _, e := range n.Edges {
		for _, f := range g.sources(n, e) {
			switch a := g.known[f]; {
			case a.Digest == "":
			case e.Port == "":
				j.results[e.Name] = a
			default:
				j.args = append(j.args, arg{e.Port, e.List, a, nil})
			}
		}
	}
	return j
}

// refsKnown reports whether all results that texts and conditions use are
// known.
func refsKnown(n *plan.Node, j attempt) bool {
	for _, e := range n.Edges {
		if e.Port == "" {
			if _, ok := j.results[e.Name]; !ok {
				return false
			}
		}
	}
	return true
}

// group decides about the node of all rows of a matrix.
func (g *guess) group(n *plan.Node) engine.Decision {
	if n.Step.Dynamic {
		return engine.Decision{Action: engine.ActionDeferred, Code: engine.CodeRows, Reason: "its rows are known when " + strings.Join(stepNames(n.Step.Refs), ", ") + " has run"}
	}
	for _, r := range n.Step.Rows {
		if g.made[r.Index].Action != engine.ActionSkip {
			return engine.Decision{Action: engine.ActionRun}
		}
	}
	return engine.Decision{Action: engine.ActionSkip, Code: engine.CodeUpstreamSkipped, Reason: "all rows are skipped"}
}

func stepNames(refs []plan.Ref) []string {
	var out []string
	for _, r := range refs {
		out = append(out, r.From.Name)
	}
	return out
}
