package report

import (
	"fmt"

	"github.com/NVIDIA/eidos/cmd/internal/text"
)

// line is a row of the page's tables: a step, or steps that ended alike.
type line struct {
	*Step         // the first
	Name   string // of the step, or of the step whose rows these are
	Others string // count and names, if there are several
}

// lines puts the rows of a step that failed or were skipped for one reason on one
// line, and all that was canceled on another, where the first of each is. Steps that
// succeeded have a line each, for each has a result. Pointers into out are valid for one
// round only, as append may move it; that is why at has indices.
func lines(steps []*Step) []line {
	var groups text.Groups
	at := map[*text.Group]int{} // of the group's line in out
	var out []line
	for _, st := range steps {
		var g *text.Group
		switch st.State {
		case "failed", "skipped":
			g = groups.Alike(st.State, st.Why(), st.ID)
		case "canceled":
			g = groups.All(st.State, st.Why(), st.ID)
		}
		if g == nil || len(g.Names) == 1 {
			if g != nil {
				at[g] = len(out)
			}
			out = append(out, line{Step: st, Name: st.ID})
			continue
		}
		l := &out[at[g]]
		l.Name, l.Others = text.Base(g.Names[0]), fmt.Sprintf("%d rows: %s", len(g.Names), g.Rows())
		if st.State == "canceled" {
			l.Name, l.Others = fmt.Sprintf("%d steps", len(g.Names)), g.Steps()
		}
	}
	return out
}
