package graph

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() Graph {
	return Graph{Name: "training", Nodes: []Node{
		{ID: "./snap.yaml", Uses: "load", Load: true}, {ID: "recipe", Uses: "resolve", State: "reused", Title: "unchanged"},
		{ID: "check", Uses: "validate", State: "failed", Title: `"<&>"`}, {ID: "bundle[helm]", Uses: "render"}, {ID: "bundle[argocd]", Uses: "render"},
		{ID: "clean", Uses: "clean", Finally: true},
	}, Edges: []Edge{{0, 1, "snapshot"}, {1, 2, "recipe"}, {0, 2, "snapshot"}, {1, 3, "recipe"}, {1, 4, "recipe"}, {2, 3, ""}, {2, 4, ""}}}
}

func TestPictures(t *testing.T) {
	for name, got := range map[string]string{"graph.mmd": Mermaid(sample()), "graph.dot": DOT(sample()), "graph.svg": SVG(sample())} {
		file := "testdata/" + name
		if os.Getenv("EIDOS_UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestSVGIsXML(t *testing.T) {
	dec := xml.NewDecoder(strings.NewReader(SVG(sample())))
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// Boxes do not lie on each other, and every edge goes to the right.
func TestLayout(t *testing.T) {
	g := Graph{}
	for i := range 300 {
		g.Nodes = append(g.Nodes, Node{ID: fmt.Sprint("step ", i)})
		if i >= 10 {
			g.Edges = append(g.Edges, Edge{From: i - 10, To: i, Port: "x"}, Edge{From: i - 10 + i%3, To: i})
		}
	}
	boxes, width, height := layout(g)
	for i, a := range boxes {
		if a.x < 0 || a.y < 0 || a.x+a.w > width || a.y+a.h > height {
			t.Fatalf("box %d is outside: %+v of %d×%d", i, a, width, height)
		}
		for j, b := range boxes[:i] {
			if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h {
				t.Fatalf("boxes %d and %d overlap", i, j)
			}
		}
	}
	for _, e := range g.Edges {
		if e.From < e.To && boxes[e.From].x+boxes[e.From].w > boxes[e.To].x && boxes[e.From].x != boxes[e.To].x {
			t.Fatalf("edge %v goes back", e)
		}
	}
}
