package validate

import (
	"encoding/xml"
	"fmt"

	"github.com/NVIDIA/eidos/schema"
)

// The de-facto schema of JUnit reports:
// https://github.com/testmoapp/junitxml
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int64        `xml:"tests,attr"`
	Failures int64        `xml:"failures,attr"`
	Errors   int64        `xml:"errors,attr"`
	Skipped  int64        `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int64       `xml:"tests,attr"`
	Failures int64       `xml:"failures,attr"`
	Errors   int64       `xml:"errors,attr"`
	Skipped  int64       `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	Failure   *junitMessage `xml:"failure"`
	Error     *junitMessage `xml:"error"`
	Skipped   *junitMessage `xml:"skipped"`
	Out       string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes a report as JUnit XML. What is unknown is an error, or skipped
// where that is allowed; what is only warned about is skipped.
func JUnit(r *schema.ValidationResult) ([]byte, error) {
	suite := junitSuite{Name: "constraints"}
	for _, c := range r.Results {
		tc := junitCase{Name: c.Name + " " + c.Expected, Classname: "eidos.constraints"}
		if c.From != "" {
			tc.Classname += "." + c.From
		}
		m := &junitMessage{Message: sentence(c), Text: c.Hint}
		suite.Tests++
		switch outcome(r, c) {
		case passed:
			tc.Out = "is " + c.Actual
		case failed:
			m.Type = "constraint"
			tc.Failure = m
			suite.Failures++
		case unknown:
			m.Type = unknown
			tc.Error = m
			suite.Errors++
		default:
			if c.Status == skipped {
				m.Message = c.Reason
			}
			tc.Skipped = m
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, tc)
	}
	doc := junitSuites{Name: "eidos validate", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped, Suites: []junitSuite{suite}}
	data, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JUnit XML: %w", err)
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

// outcome is a check's status as test reports count it: what does not fail the
// validation must not fail a CI job.
func outcome(r *schema.ValidationResult, c schema.Check) string {
	bad := c.Status == failed || c.Status == unknown
	if bad && c.Severity == warning || c.Status == unknown && r.Summary.AllowUnknown {
		return skipped
	}
	return c.Status
}
