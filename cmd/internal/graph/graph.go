// Package graph draws the graph of a plan: as Mermaid, DOT, and an SVG picture
// that needs no other program. Mermaid and DOT leave the layout to the program that reads
// them; for SVG layout.go computes it. The same graph has the same bytes in each.
//
// The graphs of a recipe, its deployment order and its overlays, are drawn by
// recipes/view.
package graph

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/engine/plan"
)

// Graph is the steps of a plan and what they wait for. Nodes are in an order in which
// they could run: every edge leads from a node to a later one, which ranks relies on.
type Graph struct {
	Name  string
	Nodes []Node
	Edges []Edge
}

// Node is one step.
type Node struct {
	ID      string
	Uses    string
	Finally bool
	Load    bool   // a URI that is read
	State   string // of a run: done, reused, failed, skipped, canceled; "" of a plan
	Title   string // more to say about it, shown when it is pointed at
}

// Edge means that To waits for From; both are indices into Nodes.
type Edge struct {
	From, To int
	Port     string // the input that the value goes to; "" for order only
}

// Of is the graph of a plan. Between two nodes there is one edge at most: a value that
// flows is drawn rather than the order, which follows from it, and of several values the
// first. What is not in Plan.Steps has no node, and its edges are left out.
func Of(p *plan.Plan) Graph {
	g := Graph{Name: p.Name}
	steps := p.Steps()
	at := make(map[string]int, len(steps))
	for i, s := range steps {
		at[s.ID] = i
		g.Nodes = append(g.Nodes, Node{ID: s.ID, Uses: s.Uses, Finally: s.Finally, Load: s.Uses == "load"})
	}
	for i, s := range steps {
		data := map[int]bool{}
		for _, e := range s.In {
			from, ok := at[e.From]
			if ok && !data[from] {
				data[from] = true
				g.Edges = append(g.Edges, Edge{From: from, To: i, Port: port(e.Port)})
			}
		}
		for _, n := range s.Needs {
			if from, ok := at[n]; ok && !data[from] {
				data[from] = true
				g.Edges = append(g.Edges, Edge{From: from, To: i})
			}
		}
	}
	return g
}

// port names an edge without a port: the value is referred to, not an input. The name
// must not be empty, as an edge with "" is drawn as one for order only.
func port(p string) string {
	if p == "" {
		return "value"
	}
	return p
}

// Mermaid writes g for Markdown that draws it, as GitHub and GitLab do
// (https://mermaid.js.org/syntax/flowchart.html). Nodes have numbers for ids: names of
// steps hold brackets and commas, which Mermaid would read as its own syntax.
func Mermaid(g Graph) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	quote := strings.NewReplacer(`"`, "#quot;", "\n", " ")
	for i, n := range g.Nodes {
		open, shut := "[", "]"
		if n.Load {
			open, shut = "([", "])"
		}
		if n.Finally {
			open, shut = "{{", "}}"
		}
		label := quote.Replace(n.ID)
		if n.Uses != n.ID && !n.Load {
			label += "<br/><small>" + quote.Replace(n.Uses) + "</small>"
		}
		fmt.Fprintf(&b, "  n%d%s\"%s\"%s\n", i, open, label, shut)
	}
	for _, e := range g.Edges {
		if e.Port == "" {
			fmt.Fprintf(&b, "  n%d -.-> n%d\n", e.From, e.To)
		} else {
			fmt.Fprintf(&b, "  n%d -->|%s| n%d\n", e.From, quote.Replace(e.Port), e.To)
		}
	}
	return b.String()
}

// DOT writes g for Graphviz (https://graphviz.org/doc/info/lang.html).
func DOT(g Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  rankdir=LR\n  node [shape=box, style=rounded, fontname=\"sans-serif\"]\n", g.Name)
	for _, n := range g.Nodes {
		label := n.ID
		if n.Uses != n.ID && !n.Load {
			label += "\n" + n.Uses
		}
		extra := ""
		if n.Load {
			extra = ", shape=note"
		}
		if n.Finally {
			extra = ", style=\"rounded,dashed\""
		}
		fmt.Fprintf(&b, "  %q [label=%q%s]\n", n.ID, label, extra)
	}
	for _, e := range g.Edges {
		attr := "style=dashed"
		if e.Port != "" {
			attr = fmt.Sprintf("label=%q", e.Port)
		}
		fmt.Fprintf(&b, "  %q -> %q [%s]\n", g.Nodes[e.From].ID, g.Nodes[e.To].ID, attr)
	}
	b.WriteString("}\n")
	return b.String()
}
