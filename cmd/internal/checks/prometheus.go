package checks

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// outcomes are the values of the label status, in the order in which they are written,
// the worst first; of two results with the same labels the worse one counts. Tables
// lists results in this order too.
var outcomes = []Outcome{Failed, Unknown, Skipped, Passed}

// Prometheus writes a report for the textfile collector of the node exporter
// (https://github.com/prometheus/node_exporter#textfile-collector): the text format
// without timestamps, each series once. A check has a series for every status, 1 for its
// own and 0 for the others, so that none disappears when the status changes.
//
// The status is that of the document where it is one of outcomes: a warning that does
// not hold is Skipped in a test report and failed here, where its severity is a label.
// Measured values are written for checks on a cluster only.
func Prometheus(w io.Writer, r Report) error {
	type series struct {
		labels string
		at     int // in outcomes
		value  string
	}
	var all []series
	seen := map[string]int{}
	for _, s := range r.Suites {
		for _, c := range s.Results {
			labels := fmt.Sprintf(`suite="%s",check="%s",severity="%s"`, label(s.Name), label(c.Name), label(severity(c)))
			at := slices.Index(outcomes, c.Outcome)
			if status := Outcome(c.Status); slices.Contains(outcomes, status) {
				at = slices.Index(outcomes, status) // of a warning too
			}
			n := series{labels: labels, at: at}
			if strings.HasPrefix(c.Rule, "check/") {
				n.value = amount(c.Extra["actual"])
			}
			if i, ok := seen[labels]; ok {
				all[i].at = min(all[i].at, at)
				continue
			}
			seen[labels] = len(all)
			all = append(all, n)
		}
	}
	var b bytes.Buffer
	b.WriteString("# HELP eidos_check_status 1 for the status that a check has, 0 for the others.\n# TYPE eidos_check_status gauge\n")
	values := 0
	for _, s := range all {
		for at, o := range outcomes {
			is := 0
			if at == s.at {
				is = 1
			}
			fmt.Fprintf(&b, "eidos_check_status{%s,status=\"%s\"} %d\n", s.labels, o, is)
		}
		if s.value != "" {
			values++
		}
	}
	if values > 0 {
		b.WriteString("# HELP eidos_check_value What a check measured, where that is a number, in the unit of the check.\n# TYPE eidos_check_value gauge\n")
		for _, s := range all {
			if s.value != "" {
				fmt.Fprintf(&b, "eidos_check_value{%s} %s\n", s.labels, s.value)
			}
		}
	}
	if !r.Stop.IsZero() {
		fmt.Fprintf(&b, "# HELP eidos_checks_duration_seconds How long all checks took.\n# TYPE eidos_checks_duration_seconds gauge\neidos_checks_duration_seconds %s\n", seconds(r.Stop.Sub(r.Start)))
		fmt.Fprintf(&b, "# HELP eidos_checks_end_timestamp_seconds When the checks ended.\n# TYPE eidos_checks_end_timestamp_seconds gauge\neidos_checks_end_timestamp_seconds %d\n", r.Stop.Unix())
	}
	_, err := w.Write(b.Bytes())
	return err
}

// severity is that of the check, error where it has none.
func severity(c Result) string {
	if s := c.Extra["severity"]; s != "" {
		return s
	}
	return LevelError
}

// label escapes the value of a label, which must be valid UTF-8.
func label(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(s)
}

// amount is the number of a measured value, with or without a unit after it; "" for a value
// that is not a number, such as a version or a word. A unit with a digit means that there
// is more than one number.
func amount(actual string) string {
	first, unit, _ := strings.Cut(actual, " ")
	if v, err := strconv.ParseFloat(first, 64); err == nil && !strings.ContainsAny(unit, "0123456789") {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}
