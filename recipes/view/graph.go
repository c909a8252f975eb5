package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/schema"
)

// Graph is boxes and arrows, the same for every format.
type Graph struct {
	Title string
	Nodes []Node
	Edges [][2]int // from, to
}

// Node is a box; Note is a second line.
type Node struct{ Name, Note string }

// Deployment is a recipe's components, an arrow from each to what waits for it.
func Deployment(res *schema.RecipeResult) Graph {
	g := Graph{Title: "deployment order"}
	place := map[string]int{}
	for i, c := range res.ComponentRefs {
		place[c.Name] = i
		note := c.Version
		if note == "" {
			note = "manifests"
		}
		g.Nodes = append(g.Nodes, Node{fmt.Sprintf("%d. %s", i+1, c.Name), note})
	}
	for i, c := range res.ComponentRefs {
		for _, d := range c.DependencyRefs {
			if j, ok := place[d]; ok {
				g.Edges = append(g.Edges, [2]int{j, i})
			}
		}
	}
	return g
}

// Overlays is the overlays, mixins and choices that were applied, an arrow from each
// base and mixin to the overlays that build on it, and to each choice.
func Overlays(cat *recipes.Catalog, res *schema.RecipeResult) Graph {
	g := Graph{Title: "overlays"}
	for _, n := range res.Metadata.AppliedOverlays {
		o, isOverlay := cat.Overlay(n)
		note := recipes.CriteriaOf(o.Criteria).String()
		switch {
		case strings.Contains(n, "="):
			note = "choice"
		case !isOverlay:
			note = "mixin"
		case note == "none":
			note = "everywhere"
		}
		g.Nodes = append(g.Nodes, Node{n, note})
	}
	for i, n := range res.Metadata.AppliedOverlays {
		o, _ := cat.Overlay(n)
		for _, from := range append([]string{o.Base}, o.Mixins...) {
			if j := slices.Index(res.Metadata.AppliedOverlays, from); j >= 0 {
				g.Edges = append(g.Edges, [2]int{j, i})
			}
		}
	}
	for _, p := range res.Profiles {
		from := slices.Index(res.Metadata.AppliedOverlays, p.From)
		if to := slices.Index(res.Metadata.AppliedOverlays, recipes.ChoiceLayer(p.From, p.Name, p.Choice)); from >= 0 && to >= 0 {
			g.Edges = append(g.Edges, [2]int{from, to})
		}
	}
	return g
}

// Formats of graphs.
func Formats() []string { return []string{"mermaid", "dot", "svg"} }

// Format writes g in one of Formats. Invalid for another.
func (g Graph) Format(format string) (string, error) {
	switch format {
	case "mermaid":
		return g.mermaid(), nil
	case "dot":
		return g.dot(), nil
	case "svg":
		return g.svg(), nil
	}
	return "", schema.Errorf(schema.Invalid, "no graph format %q", format).WithHint("%s", schema.Suggest(format, Formats()))
}

func (g Graph) mermaid() string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: %s\n---\nflowchart LR\n", g.Title)
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d[\"%s<br/><small>%s</small>\"]\n", i, escape(n.Name), escape(n.Note))
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d --> n%d\n", e[0], e[1])
	}
	return b.String()
}

func (g Graph) dot() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  rankdir=LR\n  node [shape=box, style=rounded, fontname=\"sans-serif\"]\n", g.Title)
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "  n%d [label=%q]\n", i, n.Name+"\n"+n.Note)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  n%d -> n%d\n", e[0], e[1])
	}
	b.WriteString("}\n")
	return b.String()
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
