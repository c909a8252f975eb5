package story

import (
	"errors"
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// alike joins the errors of rows that failed alike into one, with a count and
// the rows, at the place of the first. 10,000 rows that cannot reach a server are one
// line. Errors that wrap a schema.Error in other text are left alone: joining them would
// lose that text. The errors in list are not changed.
func alike(list []error) []error {
	var groups text.Groups
	at := map[*text.Group]int{} // of the group's error in out
	var out []error
	for _, err := range list {
		var se *schema.Error
		step, below := "", ""
		if errors.As(err, &se) {
			step, below = cutStep(se.Path)
		}
		if se == nil || se.Error() != err.Error() || text.Base(step) == step {
			out = append(out, err)
			continue
		}
		g := groups.Alike(string(se.Code), se.Pos+"\n"+se.Msg+"\n"+se.Hint+"\n"+below, step)
		if n := len(g.Names); n > 1 {
			c := *out[at[g]].(*schema.Error)
			c.Path = text.Base(step) + below
			c.Msg = fmt.Sprintf("%s, in %d rows: %s", se.Msg, n, g.Rows())
			out[at[g]] = &c
			continue
		}
		at[g] = len(out)
		out = append(out, se)
	}
	return out
}

// cutStep cuts the path of an error after the step, or the row of one.
func cutStep(path string) (step, below string) {
	for _, key := range []string{".with.", ".in."} {
		if i := strings.Index(path, key); i >= 0 {
			return path[:i], path[i:]
		}
	}
	return path, ""
}
