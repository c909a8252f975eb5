package checks

import (
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// Common Test Report Format: https://ctrf.io/docs/specification/overview. Its
// specification has version 0.0.0 until it is final.
const ctrfVersion = "0.0.0"

type ctrfReport struct {
	ReportFormat string      `json:"reportFormat"`
	SpecVersion  string      `json:"specVersion"`
	GeneratedBy  string      `json:"generatedBy"`
	Results      ctrfResults `json:"results"`
}

type ctrfResults struct {
	Tool    ctrfTool    `json:"tool"`
	Summary ctrfSummary `json:"summary"`
	Tests   []ctrfTest  `json:"tests"`
}

type ctrfTool struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type ctrfSummary struct {
	Tests    int   `json:"tests"`
	Passed   int   `json:"passed"`
	Failed   int   `json:"failed"`
	Pending  int   `json:"pending"`
	Skipped  int   `json:"skipped"`
	Other    int   `json:"other"`
	Suites   int   `json:"suites"`
	Start    int64 `json:"start"`    // ms since 1970
	Stop     int64 `json:"stop"`     // ms since 1970
	Duration int64 `json:"duration"` // ms
}

type ctrfTest struct {
	Name      string            `json:"name"`
	Status    string            `json:"status"`
	Duration  int64             `json:"duration"` // ms
	RawStatus string            `json:"rawStatus"`
	Suite     []string          `json:"suite"`
	Message   string            `json:"message,omitempty"`
	FilePath  string            `json:"filePath,omitempty"`
	Line      int               `json:"line,omitempty"`
	Extra     map[string]string `json:"extra,omitempty"`
}

// CTRF writes a report as Common Test Report Format JSON. What could not be decided is a
// failure there; as skipped it would be overlooked.
func CTRF(w io.Writer, r Report) error {
	out := ctrfReport{ReportFormat: "CTRF", SpecVersion: ctrfVersion, GeneratedBy: "eidos", Results: ctrfResults{Tool: ctrfTool{r.Name, r.Version}, Tests: []ctrfTest{}}}
	sum := &out.Results.Summary
	sum.Start, sum.Stop = r.Start.UnixMilli(), r.Stop.UnixMilli()
	sum.Duration, sum.Suites = sum.Stop-sum.Start, len(r.Suites)
	for _, s := range r.Suites {
		for _, c := range s.Results {
			t := ctrfTest{Name: c.Name, RawStatus: c.Status, Suite: []string{s.Name}, Message: c.Message, Duration: c.Took.Milliseconds(), Extra: map[string]string{}}
			for k, v := range c.Extra {
				if v != "" {
					t.Extra[k] = v
				}
			}
			if len(c.At) > 0 {
				t.FilePath, t.Line = c.At[0].File, c.At[0].Line
			}
			sum.Tests++
			switch c.Outcome {
			case Passed:
				t.Status = "passed"
				sum.Passed++
			case Failed, Unknown:
				t.Status = "failed"
				sum.Failed++
			default:
				t.Status = "skipped"
				sum.Skipped++
			}
			out.Results.Tests = append(out.Results.Tests, t)
		}
	}
	text, err := schema.EncodeIndent(out)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
