package view

import (
	"fmt"
	"strings"
)

// Measures of the picture, in pixels.
const (
	boxWidth, boxHeight = 250, 44
	gapX, gapY, edge    = 70, 18, 20
)

// svg draws g in columns: a box stands one column right of the last one that
// leads to it. Arrows are curves from the right side to the left side.
func (g Graph) svg() string {
	column, row, rows := g.columns()
	columns := 0
	for _, c := range column {
		columns = max(columns, c+1)
	}
	width := 2*edge + columns*boxWidth + max(columns-1, 0)*gapX
	height := 2*edge + rows*boxHeight + max(rows-1, 0)*gapY
	at := func(i int) (x, y int) {
		return edge + column[i]*(boxWidth+gapX), edge + row[i]*(boxHeight+gapY)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(g.Title))
	// Where the reader's page is dark, so are the boxes.
	b.WriteString("<style>@media (prefers-color-scheme:dark){rect{fill:#1f252d;stroke:#6a737d}text{fill:#e6edf3}}</style>\n")
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#76b900"/></marker></defs>` + "\n")
	for _, e := range g.Edges {
		x1, y1 := at(e[0])
		x2, y2 := at(e[1])
		x1, y1, y2 = x1+boxWidth, y1+boxHeight/2, y2+boxHeight/2
		fmt.Fprintf(&b, `<path d="M%d,%d C%d,%d %d,%d %d,%d" fill="none" stroke="#76b900" stroke-width="1.2" marker-end="url(#tip)"/>`+"\n",
			x1, y1, x1+gapX/2, y1, x2-gapX/2, y2, x2, y2)
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

// columns places every node; edges go from earlier nodes to later ones.
func (g Graph) columns() (column, row []int, rows int) {
	column, row = make([]int, len(g.Nodes)), make([]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, e := range g.Edges {
			if e[1] == i {
				column[i] = max(column[i], column[e[0]]+1)
			}
		}
	}
	used := map[int]int{}
	for i, c := range column {
		row[i] = used[c]
		used[c]++
		rows = max(rows, used[c])
	}
	return column, row, rows
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
