package validate

import "github.com/NVIDIA/eidos/schema"

// Common Test Report Format: https://ctrf.io/docs/specification/overview
type ctrfReport struct {
	ReportFormat string      `json:"reportFormat"`
	SpecVersion  string      `json:"specVersion"`
	Results      ctrfResults `json:"results"`
}

type ctrfResults struct {
	Tool    ctrfTool    `json:"tool"`
	Summary ctrfSummary `json:"summary"`
	Tests   []ctrfTest  `json:"tests"`
}

type ctrfTool struct {
	Name string `json:"name"`
}

// ctrfSummary has start and stop because the format demands them; a report
// has no time in it, so they are 0.
type ctrfSummary struct {
	Tests   int `json:"tests"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Pending int `json:"pending"`
	Skipped int `json:"skipped"`
	Other   int `json:"other"`
	Start   int `json:"start"`
	Stop    int `json:"stop"`
}

type ctrfTest struct {
	Name      string            `json:"name"`
	Status    string            `json:"status"`
	Duration  int               `json:"duration"` // ms
	RawStatus string            `json:"rawStatus"`
	Suite     []string          `json:"suite"`
	Message   string            `json:"message,omitempty"`
	Extra     map[string]string `json:"extra"`
}

// CTRF writes a report as Common Test Report Format JSON.
func CTRF(r *schema.ValidationResult) ([]byte, error) {
	out := ctrfReport{ReportFormat: "CTRF", SpecVersion: "0.0.0", Results: ctrfResults{Tool: ctrfTool{"eidos"}, Tests: []ctrfTest{}}}
	s := &out.Results.Summary
	for _, c := range r.Results {
		t := ctrfTest{Name: c.Name + " " + c.Expected, RawStatus: c.Status, Suite: []string{"constraints"}, Extra: map[string]string{}}
		for k, v := range map[string]string{"actual": c.Actual, "from": c.From, "severity": c.Severity, "hint": c.Hint} {
			if v != "" {
				t.Extra[k] = v
			}
		}
		s.Tests++
		switch outcome(r, c) {
		case passed:
			t.Status = "passed"
			s.Passed++
		case failed, unknown:
			t.Status = "failed"
			t.Message = sentence(c)
			s.Failed++
		default:
			t.Status = "skipped"
			t.Message = c.Reason
			if c.Status != skipped {
				t.Message = sentence(c)
			}
			s.Skipped++
		}
		out.Results.Tests = append(out.Results.Tests, t)
	}
	return schema.EncodeIndent(out)
}
