package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Measures of the picture, in pixels.
const (
	boxWidth, boxHeight = 250, 44
	gapX, gapY, edge    = 70, 18, 20
)

// svg draws g in columns: a box is one column right of the last one that leads to
// it. Arrows are curves from the right side to the left side, and pass the columns
// between on rows of their own, not behind boxes. One that others imply is left
// out: the order is the same without it.
func (g Graph) svg() string {
	p := g.placed()
	columns, rows := 0, 0
	for i := range p.column {
		columns, rows = max(columns, p.column[i]+1), max(rows, p.row[i]+1)
	}
	width := 2*edge + columns*boxWidth + max(columns-1, 0)*gapX
	height := 2*edge + rows*boxHeight + max(rows-1, 0)*gapY
	at := func(i int) (x, y int) {
		return edge + p.column[i]*(boxWidth+gapX), edge + p.row[i]*(boxHeight+gapY)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(g.Title))
	// Where the reader's page is dark, so are the boxes.
	b.WriteString("<style>.a{fill:none;stroke:#4d7a00;stroke-width:1.4}.t{fill:#4d7a00}@media (prefers-color-scheme:dark){rect{fill:#1f252d;stroke:#6a737d}text{fill:#e6edf3}.a{stroke:#8fd23a}.t{fill:#8fd23a}}</style>\n")
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="t" d="M0,0 L8,4 L0,8 z"/></marker></defs>` + "\n")
	for _, route := range p.routes {
		x, y := at(route[0])
		x, y = x+boxWidth, y+boxHeight/2
		fmt.Fprintf(&b, `<path class="a" d="M%d,%d`, x, y)
		for _, i := range route[1:] {
			x2, y2 := at(i)
			y2 += boxHeight / 2
			fmt.Fprintf(&b, ` C%d,%d %d,%d %d,%d`, x+gapX/2, y, x2-gapX/2, y2, x2, y2)
			if x, y = x2, y2; i >= len(g.Nodes) {
				x += boxWidth
				fmt.Fprintf(&b, ` H%d`, x)
			}
		}
		b.WriteString(`" marker-end="url(#tip)"/>` + "\n")
	}
	for i, n := range g.Nodes {
		x, y := at(i)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="#ffffff" stroke="#333333"/>`+"\n", x, y, boxWidth, boxHeight)
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="13" fill="#111111">%s</text>`+"\n", x+10, y+18, escape(n.Name))
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="11" fill="#666666">%s</text>`+"\n", x+10, y+35, escape(clip(n.Note, 40)))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// placed is where the picture has the nodes, and after them the points at which
// arrows pass a column.
type placed struct {
	column, row []int
	routes      [][]int // of every arrow, the nodes and points from one end to the other
}

// sweeps are the times that the order of the columns is improved.
const sweeps = 4

// placed places every node; edges go from earlier nodes to later ones.
func (g Graph) placed() placed {
	edges := g.needed()
	p := placed{column: make([]int, len(g.Nodes))}
	for i := range g.Nodes {
		for _, e := range edges {
			if e[1] == i {
				p.column[i] = max(p.column[i], p.column[e[0]]+1)
			}
		}
	}
	passes := map[[2]int]int{} // node and column → point: arrows of one node share it
	var links [][2]int         // between neighbouring columns
	for _, e := range edges {
		route := []int{e[0]}
		for c := p.column[e[0]] + 1; c < p.column[e[1]]; c++ {
			i, ok := passes[[2]int{e[0], c}]
			if !ok {
				i = len(p.column)
				p.column = append(p.column, c)
				passes[[2]int{e[0], c}] = i
			}
			route = append(route, i)
		}
		route = append(route, e[1])
		for k := range route[1:] {
			links = append(links, [2]int{route[k], route[k+1]})
		}
		p.routes = append(p.routes, route)
	}
	p.row = p.rows(links)
	return p
}

// rows orders each column so that arrows cross little: what is in it goes to the
// mean row of what it is linked to, on the left and on the right in turn.
func (p placed) rows(links [][2]int) []int {
	var columns [][]int
	for i, c := range p.column {
		for len(columns) <= c {
			columns = append(columns, nil)
		}
		columns[c] = append(columns[c], i)
	}
	row := make([]int, len(p.column))
	set := func(col []int) {
		for k, i := range col {
			row[i] = k
		}
	}
	for _, col := range columns {
		set(col)
	}
	for sweep := range sweeps {
		from, to := sweep%2, 1-sweep%2 // the side that is looked at, and the other
		for k := range columns {
			col := columns[k]
			if from == 1 {
				col = columns[len(columns)-1-k]
			}
			mean := map[int]float64{}
			for _, i := range col {
				total, n := 0, 0
				for _, l := range links {
					if l[to] == i {
						total, n = total+row[l[from]], n+1
					}
				}
				if mean[i] = float64(row[i]); n > 0 {
					mean[i] = float64(total) / float64(n)
				}
			}
			slices.SortStableFunc(col, func(a, b int) int { return cmp.Compare(mean[a], mean[b]) })
			set(col)
		}
	}
	return row
}

// needed are the edges without those that others imply.
func (g Graph) needed() [][2]int {
	before := make([]map[int]bool, len(g.Nodes)) // all that a node waits for
	for i := range g.Nodes {
		before[i] = map[int]bool{}
		for _, e := range g.Edges {
			if e[1] == i {
				before[i][e[0]] = true
				maps.Copy(before[i], before[e[0]])
			}
		}
	}
	var out [][2]int
	for _, e := range g.Edges {
		if !slices.ContainsFunc(g.Edges, func(o [2]int) bool { return o[1] == e[1] && before[o[0]][e[0]] }) {
			out = append(out, e)
		}
	}
	return out
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
