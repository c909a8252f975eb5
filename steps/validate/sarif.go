package validate

import "github.com/NVIDIA/eidos/schema"

// SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string    `json:"id"`
	ShortDescription sarifText `json:"shortDescription"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Kind      string          `json:"kind"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	LogicalLocations []sarifLogical `json:"logicalLocations"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
}

// SARIF writes a report as SARIF JSON, a rule for each constraint.
func SARIF(r *schema.ValidationResult) ([]byte, error) {
	run := sarifRun{
		Tool:    sarifTool{sarifDriver{Name: "eidos", InformationURI: "https://github.com/NVIDIA/eidos", Rules: []sarifRule{}}},
		Results: []sarifResult{},
	}
	index := map[string]int{} // of a rule
	for _, c := range r.Results {
		id := c.Name + " " + c.Expected
		if _, there := index[id]; !there {
			index[id] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{id, sarifText{c.Name + " must be " + c.Expected}})
		}
		res := sarifResult{
			RuleID: id, RuleIndex: index[id],
			Message:   sarifText{sentence(c)},
			Locations: []sarifLocation{{[]sarifLogical{{c.Name}}}},
		}
		// §3.27.9, §3.27.10: the level of anything but a failure is none.
		switch c.Status {
		case passed:
			res.Kind, res.Level = "pass", "none"
		case failed:
			res.Kind, res.Level = "fail", level(c)
		case unknown:
			res.Kind, res.Level = "fail", level(c)
			if r.Summary.AllowUnknown {
				res.Kind, res.Level = "open", "none"
			}
		default:
			res.Kind, res.Level = "notApplicable", "none"
			res.Message.Text = c.Reason
		}
		run.Results = append(run.Results, res)
	}
	return schema.EncodeIndent(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

func level(c schema.Check) string {
	if c.Severity == warning {
		return "warning"
	}
	return "error"
}
