package checks

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// The de-facto schema of JUnit reports:
// https://github.com/testmoapp/junitxml. Times are in seconds, and left out where the
// report has none.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr,omitempty"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr,omitempty"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr,omitempty"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes a report as JUnit XML. What is Unknown is an error rather than a failure,
// as JUnit has it for a test that could not decide. Problems are not joined here: each
// result is a test case, so that a CI system can follow it from run to run by its name.
// Characters that XML cannot hold are replaced by encoding/xml.
func JUnit(w io.Writer, r Report) error {
	doc := junitSuites{Name: r.Name}
	timed := !r.Start.IsZero()
	if timed {
		doc.Time = seconds(r.Stop.Sub(r.Start))
	}
	for _, s := range r.Suites {
		all, by := s.count()
		suite := junitSuite{Name: s.Name, Tests: all, Failures: by[Failed], Errors: by[Unknown], Skipped: by[Skipped]}
		if timed {
			suite.Time, suite.Timestamp = doc.Time, r.Start.UTC().Format("2006-01-02T15:04:05")
		}
		for _, c := range s.Results {
			tc := junitCase{Name: c.Name, Class: c.Class, Out: c.Out}
			if timed {
				tc.Time = seconds(c.Took)
			}
			m := &junitMessage{Message: c.Message, Type: c.Kind, Text: c.Hint}
			switch c.Outcome {
			case Failed:
				tc.Failure = m
			case Unknown:
				tc.Error = m
			case Skipped:
				m.Type = ""
				tc.Skipped = m
			}
			suite.Cases = append(suite.Cases, tc)
		}
		doc.Tests += suite.Tests
		doc.Failures += suite.Failures
		doc.Errors += suite.Errors
		doc.Skipped += suite.Skipped
		doc.Suites = append(doc.Suites, suite)
	}
	data, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err = w.Write(append([]byte(xml.Header), append(data, '\n')...))
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
