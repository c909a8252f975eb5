package graph

import (
	"sort"

	"github.com/NVIDIA/eidos/cmd/internal/text"
)

// box is where a node is drawn, in pixels.
type box struct{ x, y, w, h int }

// Sizes of the drawing, in pixels. sweeps is how often order goes over the columns, half
// of them in each direction.
const (
	charWidth = 7 // of the font, in pixels; an upper bound of the average
	boxHeight = 40
	gapX      = 64
	gapY      = 14
	margin    = 12
	sweeps    = 4
)

// layout puts nodes into columns by the longest path to them, and orders each
// column so that edges cross little: the layered drawing of Sugiyama, without the
// nodes that it adds on long edges. A column is as wide as its longest label and centred
// vertically. width and height are those of the whole picture.
func layout(g Graph) (boxes []box, width, height int) {
	rank, columns := ranks(g)
	order(g, rank, columns)
	boxes = make([]box, len(g.Nodes))
	x := margin
	tallest := 0
	for _, col := range columns {
		tallest = max(tallest, len(col))
	}
	height = 2*margin + tallest*(boxHeight+gapY) - gapY
	for _, col := range columns {
		wide := 0
		for _, i := range col {
			wide = max(wide, 24+charWidth*max(len([]rune(short(g.Nodes[i].ID))), len([]rune(under(g.Nodes[i])))))
		}
		y := (height - (len(col)*(boxHeight+gapY) - gapY)) / 2
		for _, i := range col {
			boxes[i] = box{x, y, wide, boxHeight}
			y += boxHeight + gapY
		}
		x += wide + gapX
	}
	return boxes, x - gapX + margin, height
}

// ranks assigns a column to each node, and lists the nodes of each column. Nodes come
// after what they wait for, so that one pass is enough. Columns that would be empty are
// left out of the list, so that a rank is not an index into it; ranks only compare.
func ranks(g Graph) ([]int, [][]int) {
	into := make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		into[e.To] = append(into[e.To], e.From)
	}
	rank, last := make([]int, len(g.Nodes)), 0
	for i, n := range g.Nodes {
		for _, f := range into[i] {
			rank[i] = max(rank[i], rank[f]+1)
		}
		if !n.Finally {
			last = max(last, rank[i])
		}
	}
	for i, n := range g.Nodes { // what runs in the end stands there
		if n.Finally {
			rank[i] = last + 1
			for _, f := range into[i] {
				rank[i] = max(rank[i], rank[f]+1)
			}
		}
	}
	var columns [][]int
	for i, r := range rank {
		for len(columns) <= r {
			columns = append(columns, nil)
		}
		columns[r] = append(columns[r], i)
	}
	out := columns[:0]
	for _, c := range columns {
		if len(c) > 0 {
			out = append(out, c)
		}
	}
	return rank, out
}

// order sorts each column by the mean height of the neighbours of its nodes, so that few
// edges cross. It goes from left to right, looking at the columns to the left, and back,
// looking to the right. The sort is stable and begins with the order of the plan: the
// same graph is drawn the same way.
func order(g Graph, rank []int, columns [][]int) {
	near := make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		near[e.From] = append(near[e.From], e.To)
		near[e.To] = append(near[e.To], e.From)
	}
	place := make([]float64, len(g.Nodes))
	set := func(col []int) {
		for k, i := range col {
			place[i] = float64(k) - float64(len(col))/2
		}
	}
	for _, col := range columns {
		set(col)
	}
	for sweep := range sweeps {
		for k := range columns {
			col := columns[k]
			if sweep%2 == 1 {
				col = columns[len(columns)-1-k]
			}
			mean := make(map[int]float64, len(col))
			for _, i := range col {
				total, count := 0.0, 0
				for _, n := range near[i] {
					if (rank[n] < rank[i]) == (sweep%2 == 0) {
						total, count = total+place[n], count+1
					}
				}
				mean[i] = place[i]
				if count > 0 {
					mean[i] = total / float64(count)
				}
			}
			sort.SliceStable(col, func(a, b int) bool { return mean[col[a]] < mean[col[b]] })
			set(col)
		}
	}
}

// under is the small second line of a box.
func under(n Node) string {
	if n.State == "" {
		return n.Uses
	}
	return n.Uses + " · " + n.State
}

// short cuts a long name so that a column stays narrow.
func short(id string) string { return text.Middle(id, 36) }
