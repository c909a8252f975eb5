package text

import "strings"

const (
	gap    = 2  // columns between two cells
	narrow = 10 // columns that a cell of several words is not squeezed below
)

// Table aligns rows, the first of which is the header, in at most width
// columns (0: no limit). Cells that do not fit are wrapped at spaces; where that
// is not enough, each row becomes lines of its own, "HEADER  cell". Words are never cut:
// a digest or a path that was shortened cannot be copied. No line ends in spaces.
func Table(rows [][]string, width int) string {
	if len(rows) == 0 {
		return ""
	}
	widths, ok := fit(rows, width)
	if !ok {
		return records(rows, width)
	}
	var b strings.Builder
	for _, r := range rows {
		cells := make([][]string, len(r))
		height := 1
		for i, c := range r {
			cells[i] = Wrap(c, widths[i], "")
			height = max(height, len(cells[i]))
		}
		for k := range height {
			line := ""
			for i, c := range cells {
				text := ""
				if k < len(c) {
					text = c[k]
				}
				line += text + strings.Repeat(" ", max(widths[i]-Width(text), 0)+gap)
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

// fit is the width of each column, without gaps; false if words would have to be cut.
// Each column has a natural width, that of its longest line, and a least one, that of its
// longest word, though not below narrow if the cell has more text. The widest column that
// may still become narrower does, by one at a time: columns of short words stay as they
// are as long as possible.
func fit(rows [][]string, width int) ([]int, bool) {
	columns := 0
	for _, r := range rows {
		columns = max(columns, len(r))
	}
	full, least := make([]int, columns), make([]int, columns)
	for _, r := range rows {
		for i, c := range r {
			for _, line := range strings.Split(c, "\n") {
				full[i] = max(full[i], Width(line))
			}
			least[i] = max(least[i], longestWord(c))
		}
	}
	need, must := gap*(columns-1), gap*(columns-1)
	for i := range full {
		least[i] = max(least[i], min(full[i], narrow))
		need += full[i]
		must += least[i]
	}
	if width <= 0 || need <= width {
		return full, true
	}
	if must > width {
		return nil, false
	}
	for need > width { // the widest column that can give gives first
		widest := -1
		for i := range full {
			if full[i] > least[i] && (widest < 0 || full[i] > full[widest]) {
				widest = i
			}
		}
		full[widest]--
		need--
	}
	return full, true
}

// records is a table that does not fit, a paragraph for each row; empty cells are
// left out. No row may have more cells than the header.
func records(rows [][]string, width int) string {
	var out []string
	for _, r := range rows[1:] {
		var pairs [][]string
		for k, c := range r {
			if c != "" {
				pairs = append(pairs, []string{rows[0][k], c})
			}
		}
		out = append(out, Pairs(pairs, width))
	}
	return strings.Join(out, "\n")
}

// Pairs aligns rows of a name and a text; a row has two cells. A text that has a word too
// wide for its column begins on the line below its name, with the name's own indentation.
func Pairs(rows [][]string, width int) string {
	names := 0
	for _, r := range rows {
		names = max(names, Width(r[0]))
	}
	var b strings.Builder
	for _, r := range rows {
		column := names + gap
		lines := Wrap(r[0]+strings.Repeat(" ", column-Width(r[0]))+r[1], width, strings.Repeat(" ", column))
		if width > 0 && column+longestWord(r[1]) > width {
			indent := strings.Repeat(" ", len(r[0])-len(strings.TrimLeft(r[0], " "))+gap)
			lines = append([]string{r[0]}, Wrap(indent+r[1], width, indent)...)
		}
		for _, l := range lines {
			b.WriteString(strings.TrimRight(l, " ") + "\n")
		}
	}
	return b.String()
}

// longestWord is the width of the widest word of s, below which s cannot be wrapped.
func longestWord(s string) int {
	n := 0
	for _, w := range strings.Fields(s) {
		n = max(n, Width(w))
	}
	return n
}
