package report

import (
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
)

// Checks is a run as one suite, a result for each step, for CI systems. Found.Add relies
// on that: results are named by the ids of steps. Only failed steps are problems; what was
// skipped or canceled, mostly as a consequence, counts as skipped.
func Checks(r Run) checks.Report {
	s := Gather(r)
	suite := checks.Suite{Name: s.Pipeline}
	for _, st := range s.Steps {
		c := checks.Result{
			Name: st.ID, Class: s.Pipeline + "." + st.Uses, Outcome: checks.Passed, Status: st.State, Took: st.Took, Out: strings.Join(st.Log, "\n"),
			Rule: "step/" + st.Uses, Demand: "a step of kind " + st.Uses + " succeeds",
			Extra: map[string]string{"uses": st.Uses, "reason": st.Reason, "digest": st.Digest, "out": st.Out},
		}
		switch st.State {
		case "failed":
			c.Outcome, c.Level, c.Message = checks.Failed, checks.LevelError, st.Why()
			if st.Error != nil {
				c.Kind, c.Hint = string(st.Error.Code), st.Error.Hint
			}
		case "skipped", "canceled", "running":
			c.Outcome, c.Message = checks.Skipped, st.State+": "+st.Reason
		}
		suite.Results = append(suite.Results, c)
	}
	return checks.Report{Name: s.Pipeline, Version: r.Versions["eidos"], Start: s.Start, Stop: s.End, Suites: []checks.Suite{suite}}
}
