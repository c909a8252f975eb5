package validate

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/NVIDIA/eidos/schema"
)

// Table writes a report for people.
func Table(r *schema.ValidationResult) ([]byte, error) {
	var buf bytes.Buffer
	w := tabwriter.NewWriter(&buf, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATUS\tCONSTRAINT\tEXPECTED\tACTUAL\tFROM")
	for _, c := range r.Results {
		status := c.Status
		if c.Severity == warning && status != passed && status != skipped {
			status = warning + ": " + status
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", status, plain(c.Name), plain(c.Expected), dash(plain(c.Actual)), dash(plain(c.From)))
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, line := range strings.SplitAfter(buf.String(), "\n") {
		out.WriteString(strings.TrimRight(line, " \n"))
		if strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
	}
	first := true
	for _, c := range r.Results {
		if c.Status == passed || c.Reason == "" && c.Hint == "" {
			continue
		}
		if first {
			out.WriteByte('\n')
			first = false
		}
		line := plain(c.Name) + ":"
		if c.Reason != "" {
			line += " " + plain(c.Reason)
		}
		if c.Hint != "" {
			line += "\n  hint: " + plain(c.Hint)
		}
		out.WriteString(line + "\n")
	}
	s := r.Summary
	fmt.Fprintf(&out, "\n%s: %d passed, %d failed, %d unknown, %d skipped", s.Status, s.Passed, s.Failed, s.Unknown, s.Skipped)
	if s.Warnings > 0 {
		fmt.Fprintf(&out, ", %d only warned about", s.Warnings)
	}
	fmt.Fprintf(&out, ", %d in all\n", s.Total)
	return []byte(out.String()), nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// plain makes measured text safe for a terminal and for a table.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
			return '?'
		}
		return r
	}, s)
}
