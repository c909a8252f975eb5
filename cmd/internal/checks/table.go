package checks

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/recipes/upgrade"
	"github.com/NVIDIA/eidos/schema"
)

// ValidationTable writes a validation for people, in so many columns; 0 means no limit. All
// results have a phase or none has. Values and names go through schema.Printable: what a
// snapshot holds must not control the terminal.
func ValidationTable(r *schema.ValidationResult, columns int) string {
	rows := [][]string{{"STATUS", "CONSTRAINT", "EXPECTED", "ACTUAL", "FROM"}}
	if len(r.Results) > 0 && r.Results[0].Phase != "" {
		rows[0] = []string{"STATUS", "CHECK", "PHASE", "EXPECTED", "ACTUAL"}
	}
	for _, c := range r.Results {
		status := c.Status
		if c.Severity != "" && c.Severity != LevelError && status != "passed" && status != "skipped" {
			status = c.Severity + ": " + status
		}
		if c.Phase != "" {
			rows = append(rows, []string{status, schema.Printable(c.Name), c.Phase, dash(schema.Printable(c.Expected)), dash(schema.Printable(c.Actual))})
			continue
		}
		rows = append(rows, []string{status, schema.Printable(c.Name), schema.Printable(c.Expected), dash(schema.Printable(c.Actual)), dash(schema.Printable(c.From))})
	}
	out := text.Table(rows, columns)
	var more strings.Builder
	for _, c := range r.Results {
		if c.Status == "passed" || c.Reason == "" && c.Hint == "" {
			continue
		}
		line := schema.Printable(c.Name) + ":"
		if c.Reason != "" {
			line += " " + schema.Printable(c.Reason)
		}
		more.WriteString(line + "\n")
		if c.Hint != "" {
			more.WriteString("  hint: " + schema.Printable(c.Hint) + "\n")
		}
	}
	if more.Len() > 0 {
		out += "\n" + wrapped(more.String(), columns)
	}
	s := r.Summary
	end := fmt.Sprintf("%s: %d passed, %d failed, %d unknown, %d skipped", s.Status, s.Passed, s.Failed, s.Unknown, s.Skipped)
	if s.Warnings > 0 {
		end += fmt.Sprintf(", %d only warned about", s.Warnings)
	}
	return out + "\n" + wrapped(fmt.Sprintf("%s, %d in all\n", end, s.Total), columns)
}

// wrapped is s wrapped to so many columns; what continues is indented.
func wrapped(s string, columns int) string { return strings.Join(text.Wrap(s, columns, "    "), "\n") }

// dash is s, or a dash for an empty cell: a table without lines between its columns would
// not show that there is one.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// longestCell is how many characters of a value a table of drift shows.
const longestCell = 60

// DriftTable writes drift for people, one line a change, in so many columns; 0 is no
// limit. What is known about upgrading changed components follows the table. What the
// documents hold goes through schema.Printable here as well.
func DriftTable(d *schema.Drift, columns int) string {
	rows := [][]string{{"CHANGE", "PATH", "FROM", "TO", "WHY"}}
	for _, c := range d.Changes {
		why := c.Reason
		if c.DemandedBy != "" {
			why = strings.TrimPrefix(why+"; demanded by "+c.DemandedBy, "; ")
		}
		rows = append(rows, []string{c.Change, schema.Printable(c.Path), oneLine(c.From), oneLine(c.To), oneLine(why)})
	}
	out := ""
	if len(d.Changes) > 0 {
		out = text.Table(rows, columns)
	}
	moves := ""
	for _, c := range d.Changes {
		if c.Upgrade != nil {
			u := *c.Upgrade
			u.Component, u.From, u.To = schema.Printable(u.Component), schema.Printable(u.From), schema.Printable(u.To)
			moves += upgrade.Text(u, "")
		}
	}
	if moves != "" {
		out += "upgrades\n" + moves
	}
	s := d.Summary
	return out + fmt.Sprintf("%s: %d compared, %d changed, %d unknown\n", s.Status, s.Compared, s.Changed, s.Unknown)
}

// oneLine is s on one line, cut to fit a cell, without control characters. The document
// has the whole value.
func oneLine(s string) string {
	return cut(schema.Printable(strings.Join(strings.Fields(s), " ")), longestCell)
}
