// Package checks writes what was checked in the formats that CI systems and
// people read: JUnit XML, CTRF, SARIF, Code Quality, Prometheus, annotations and a
// summary of GitHub Actions, HTML and tables.
//
//	ValidationResult ─ OfValidation ┐
//	Drift ──────────── OfDrift ─────┼─ Report ─ a writer for each format
//	errors ─────────── OfCommand ───┤
//	steps of a run ─── package report
//
// A Result answers two separate questions: its Outcome is how test reports count it, its
// Level whether it is a problem that somebody should look at. Formats for test results
// (JUnit, CTRF, Prometheus, HTML) have all results; formats for findings (SARIF, Code
// Quality, annotations) have the problems only. Nothing here decides an exit status.
//
// Pass the writers a buffer: HTML writes while its template runs, and may fail in the
// middle. Text of snapshots and of users is escaped by each writer for its own format.
package checks

import (
	"fmt"
	"time"

	"github.com/NVIDIA/eidos/cmd/internal/text"
)

// Report is what was checked. Its writers do not change it.
type Report struct {
	Name    string    // of what checked: eidos validate, or a pipeline
	Version string    // of eidos
	Start   time.Time // zero where nobody cares how long it took
	Stop    time.Time
	Suites  []Suite
}

// Suite is the results of one step or command, in the order in which they are written.
type Suite struct {
	Name    string
	Results []Result
}

// Outcome is how test reports count a result.
type Outcome string

const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown" // could not be decided; an error to JUnit, a failure to CTRF
	Skipped Outcome = "skipped" // also what is wrong and does not matter for the exit status
)

// Result is one thing that was checked.
type Result struct {
	Name    string
	Class   string // dotted, for JUnit
	Outcome Outcome
	Status  string // as the document has it
	Message string // one sentence; of what passed it may be empty
	Hint    string
	Out     string // what was printed, or measured
	Kind    string // of failure
	Took    time.Duration
	Extra   map[string]string

	// Rule is the same id for the same demand in every run, whatever its value; see
	// docs/ci.md. Demand says in a sentence what it asks for.
	Rule, Demand string
	// Level is error or warning of a problem; "" of what is none.
	Level string
	// At is where the problem can be mended, the best place first.
	At []Place
}

// The levels of a problem.
const (
	LevelError   = "error"
	LevelWarning = "warning"
)

// Problems lists the results that have a Level, in order. Rows of a matrix that have the
// same rule, message and place are one problem, with the number of rows in its message:
// review tools limit how many problems they show. The results of r are not changed.
func (r Report) Problems() []Result {
	var out []Result
	var groups text.Groups
	for _, s := range r.Suites {
		for _, c := range s.Results {
			if c.Level == "" {
				continue
			}
			g := groups.Alike(c.Level+" "+c.Rule, fmt.Sprint(c.Message, c.Hint, c.At), c.Name)
			// One result for each group, in the same order: out[i] belongs to
			// groups.List[i] below.
			if len(g.Names) == 1 {
				out = append(out, c)
			}
		}
	}
	for i, g := range groups.List {
		switch n := len(g.Names); {
		case n > 1 && g.Names[0] != g.Names[1]:
			out[i].Name = text.Base(g.Names[0])
			out[i].Message += fmt.Sprintf(", in %d rows: %s", n, g.Rows())
		case n > 1:
			out[i].Message += fmt.Sprintf(", %d times", n)
		}
	}
	return out
}

// count is how many results there are, and how many of them with each outcome.
func (s Suite) count() (all int, by map[Outcome]int) {
	by = map[Outcome]int{}
	for _, c := range s.Results {
		by[c.Outcome]++
	}
	return len(s.Results), by
}
