package drift

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/NVIDIA/eidos/schema"
)

// cell is the longest text of a table's cell, in characters.
const cell = 60

// Table writes d for people, one line a change.
func Table(w io.Writer, d *schema.Drift) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(d.Changes) > 0 {
		fmt.Fprintln(t, "CHANGE\tPATH\tFROM\tTO\tWHY")
	}
	for _, c := range d.Changes {
		why := c.Reason
		if c.DemandedBy != "" {
			why = strings.TrimPrefix(why+"; demanded by "+c.DemandedBy, "; ")
		}
		line := c.Change + "\t" + c.Path + "\t" + short(c.From) + "\t" + short(c.To) + "\t" + short(why)
		fmt.Fprintln(t, strings.TrimRight(line, "\t"))
	}
	s := d.Summary
	fmt.Fprintf(t, "%s: %d compared, %d changed, %d unknown\n", s.Status, s.Compared, s.Changed, s.Unknown)
	return t.Flush()
}

// short is s on one line, cut to fit a cell.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= cell {
		return s
	}
	return string([]rune(s)[:cell-1]) + "…"
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int64       `xml:"tests,attr"`
	Failures int64       `xml:"failures,attr"`
	Errors   int64       `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
}

type junitProblem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
}

// JUnit writes d as a test report: a failure for each change, an error for
// what could not be decided, one passed case for all that is the same.
func JUnit(w io.Writer, d *schema.Drift) error {
	s := junitSuite{
		Name:  "eidos.drift",
		Tests: int64(len(d.Changes)) + 1, Failures: d.Summary.Changed, Errors: d.Summary.Unknown,
	}
	s.Cases = append(s.Cases, junitCase{
		Class: "eidos.drift", Name: fmt.Sprintf("%d unchanged", d.Summary.Compared-int64(len(d.Changes))),
	})
	for _, c := range d.Changes {
		p := &junitProblem{Type: c.Change, Message: message(c)}
		jc := junitCase{Class: "eidos.drift", Name: c.Path}
		if c.Change == "unknown" {
			jc.Error = p
		} else {
			jc.Failure = p
		}
		s.Cases = append(s.Cases, jc)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suites: []junitSuite{s}}); err != nil {
		return fmt.Errorf("writing the JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func message(c schema.Change) string {
	m := c.Change
	if c.From != "" {
		m += fmt.Sprintf(", was %q", c.From)
	}
	if c.To != "" {
		m += fmt.Sprintf(", is %q", c.To)
	}
	if c.Reason != "" {
		m += ": " + c.Reason
	}
	return m
}
