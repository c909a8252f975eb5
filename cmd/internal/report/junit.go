package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

type suite struct {
	XMLName   xml.Name `xml:"testsuite"`
	Name      string   `xml:"name,attr"`
	Tests     int      `xml:"tests,attr"`
	Failures  int      `xml:"failures,attr"`
	Skipped   int      `xml:"skipped,attr"`
	Time      string   `xml:"time,attr"`
	Timestamp string   `xml:"timestamp,attr"`
	Cases     []testcase
}

type testcase struct {
	XMLName   xml.Name `xml:"testcase"`
	Name      string   `xml:"name,attr"`
	ClassName string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"`
	Failure   *failure `xml:"failure,omitempty"`
	Skipped   *skipped `xml:"skipped,omitempty"`
	Out       string   `xml:"system-out,omitempty"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

// JUnit writes a run as one test suite, a case a step.
func JUnit(w io.Writer, r Run) error {
	s := gather(r)
	out := suite{Name: s.Pipeline, Tests: len(s.Steps), Time: seconds(s.End.Sub(s.Start)), Timestamp: s.Start.UTC().Format("2006-01-02T15:04:05")}
	for _, st := range s.Steps {
		c := testcase{Name: st.ID, ClassName: s.Pipeline + "." + st.Uses, Time: seconds(st.Took), Out: strings.Join(st.Log, "\n")}
		switch st.State {
		case "failed":
			out.Failures++
			c.Failure = &failure{}
			if st.Error != nil {
				c.Failure.Message, c.Failure.Type = st.Error.Message, string(st.Error.Code)
			}
		case "skipped", "canceled", "running":
			out.Skipped++
			c.Skipped = &skipped{st.State + ": " + st.Reason}
		}
		out.Cases = append(out.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
