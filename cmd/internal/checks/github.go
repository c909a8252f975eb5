package checks

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/schema"
)

// GitHub shows ten annotations of a level a step:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
const mostAnnotations = 10

// Annotations are the problems as workflow commands of GitHub Actions: lines of the log
// that the runner shows beside the lines of the files. No more are printed than GitHub
// shows; Summary lists the others.
func Annotations(problems []Result) string {
	var b strings.Builder
	by := map[string]int{}
	for _, c := range problems {
		if by[c.Level]++; by[c.Level] > mostAnnotations {
			continue
		}
		var at []string
		if len(c.At) > 0 {
			p := c.At[0]
			at = append(at, "file="+property(p.File), fmt.Sprint("line=", p.Line), fmt.Sprint("col=", p.Column))
		}
		title := c.Rule
		if title == "" {
			title = "eidos"
		}
		at = append(at, "title="+property(title))
		msg := c.Message
		if c.Hint != "" {
			msg += "\n" + c.Hint
		}
		fmt.Fprintf(&b, "::%s %s::%s\n", c.Level, strings.Join(at, ","), data(msg))
	}
	return b.String()
}

// data and property escape what would end a workflow command, or a part of it. Messages
// contain values of snapshots and names of files: without this a line break in one of
// them would begin another command, which the runner would obey. Control characters
// would reach the terminal of whoever reads the log.
func data(s string) string {
	return schema.Printable(strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s))
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}

// mostListed bounds the problems of a summary, each of which is cut at 1000 characters:
// GitHub refuses a summary over 1 MiB.
const mostListed = 200

// Summary is a report as Markdown for the page of a workflow's run. It is appended to a
// file that other steps of the job write to as well, and ends with an empty line for that.
func Summary(r Report) string {
	var b strings.Builder
	passed, bad, skipped := 0, 0, 0
	for _, s := range r.Suites {
		_, by := s.count()
		passed, bad, skipped = passed+by[Passed], bad+by[Failed]+by[Unknown], skipped+by[Skipped]
	}
	mark := "✅"
	if bad > 0 {
		mark = "❌"
	}
	fmt.Fprintf(&b, "### %s %s: %d passed, %d failed, %d skipped\n", mark, cell(r.Name), passed, bad, skipped)
	if !r.Start.IsZero() && r.Stop.After(r.Start) {
		fmt.Fprintf(&b, "\nTook %s.\n", text.Duration(r.Stop.Sub(r.Start)))
	}
	problems := r.Problems()
	if len(problems) == 0 {
		return b.String() + "\n"
	}
	b.WriteString("\n| | what | where |\n|---|---|---|\n")
	for i, c := range problems {
		if i == mostListed {
			fmt.Fprintf(&b, "| | and %d more | |\n", len(problems)-i)
			break
		}
		where := ""
		if len(c.At) > 0 {
			where = fmt.Sprintf("`%s:%d`", cell(c.At[0].File), c.At[0].Line)
		}
		what := c.Message
		if c.Hint != "" {
			what += "; " + c.Hint
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Level, cell(cut(what, 1000)), where)
	}
	return b.String() + "\n"
}

// cell is s in a cell of a Markdown table, where it must not begin a line, a column, an
// HTML tag or code.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "`", "'").Replace(s)
}
