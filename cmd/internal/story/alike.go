package story

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// alike joins the errors of rows that failed alike into one, with a count and
// the rows.
func alike(list []error) []error {
	var groups text.Groups
	at := map[*text.Group]int{} // of the group's error in out
	var out []error
	for _, err := range list {
		var se *schema.Error
		if !errors.As(err, &se) || se.Error() != err.Error() || text.Base(se.Path) == se.Path {
			out = append(out, err)
			continue
		}
		g := groups.Alike(string(se.Code), se.Pos+"\n"+se.Msg+"\n"+se.Hint, se.Path)
		if n := len(g.Names); n > 1 {
			c := *out[at[g]].(*schema.Error)
			c.Path = text.Base(se.Path)
			c.Msg = fmt.Sprintf("%s, in %d rows: %s", se.Msg, n, g.Rows())
			out[at[g]] = &c
			continue
		}
		at[g] = len(out)
		out = append(out, se)
	}
	return out
}
