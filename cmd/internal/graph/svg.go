package graph

import (
	"fmt"
	"html"
	"strings"
)

// style follows the reader's light or dark page, and prints on white. It is part of
// each picture, and its rules begin with .g: inside an HTML page they would otherwise
// apply to the page as well. Classes of nodes are the states of steps.
const style = `
.g{--ink:#1b1f24;--soft:#6a737d;--line:#9aa4af;--box:#f6f8fa;--done:#2f7d32;--reused:#3b6fb6;--failed:#c62828;--skipped:#8a8f98;--canceled:#b26a00}
@media (prefers-color-scheme:dark){.g{--ink:#e6edf3;--soft:#9aa4af;--line:#6a737d;--box:#1f252d;--done:#66bb6a;--reused:#79a8e8;--failed:#ef6c6c;--skipped:#8a8f98;--canceled:#e0a04c}}
@media print{.g{--ink:#000;--soft:#444;--line:#777;--box:#fff;--done:#2f7d32;--reused:#3b6fb6;--failed:#c62828;--skipped:#777;--canceled:#b26a00}}
.g rect{fill:var(--box);stroke:var(--line)}
.g .done rect{stroke:var(--done)}.g .reused rect{stroke:var(--reused)}.g .failed rect{stroke:var(--failed);stroke-width:2.5}
.g .skipped rect,.g .canceled rect{stroke-dasharray:4 3}.g .canceled rect{stroke:var(--canceled)}.g .skipped rect{stroke:var(--skipped)}
.g .finally rect{stroke-dasharray:1 3}
.g text{fill:var(--ink);font:13px ui-sans-serif,system-ui,sans-serif}.g .u{fill:var(--soft);font-size:11px}
.g path{fill:none;stroke:var(--line);stroke-width:1.3}.g .order{stroke-dasharray:4 4}.g marker path{fill:var(--line);stroke:none}
`

// SVG draws g. The picture is complete: it needs no network and no script, and can be a
// file of its own or part of an HTML page. All text is escaped here, so that a page may
// include it as it is. Names that are too long are cut; the whole name is the tooltip.
func SVG(g Graph) string {
	boxes, width, height := layout(g)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="g" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="graph of %s">`, width, height, width, height, html.EscapeString(g.Name))
	fmt.Fprintf(&b, "<style>%s</style>", style)
	b.WriteString(`<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>` + "\n")
	for _, e := range g.Edges {
		f, t := boxes[e.From], boxes[e.To]
		class := ""
		if e.Port == "" {
			class = ` class="order"`
		}
		x1, y1, x2, y2 := f.x+f.w, f.y+f.h/2, t.x, t.y+t.h/2
		bend := max((x2-x1)/2, gapX/2)
		fmt.Fprintf(&b, `<path%s d="M%d %dC%d %d %d %d %d %d" marker-end="url(#a)"/>`+"\n", class, x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
	}
	for i, n := range g.Nodes {
		p := boxes[i]
		class := n.State
		if n.Finally {
			class += " finally"
		}
		fmt.Fprintf(&b, `<g class="%s">`, strings.TrimSpace(class))
		title := n.ID
		if n.Title != "" {
			title += ": " + n.Title
		}
		fmt.Fprintf(&b, `<title>%s</title>`, html.EscapeString(title))
		radius := 6
		if n.Load {
			radius = boxHeight / 2
		}
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, p.x, p.y, p.w, p.h, radius)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, p.x+p.w/2, p.y+17, html.EscapeString(short(n.ID)))
		fmt.Fprintf(&b, `<text class="u" x="%d" y="%d" text-anchor="middle">%s</text></g>`+"\n", p.x+p.w/2, p.y+32, html.EscapeString(under(n)))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
