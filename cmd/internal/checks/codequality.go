package checks

import (
	"io"

	"github.com/NVIDIA/eidos/schema"
)

// issue is one of a Code Quality report, which GitLab shows beside the lines of a
// merge request: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
type issue struct {
	Description string        `json:"description"`
	CheckName   string        `json:"check_name"`
	Fingerprint string        `json:"fingerprint"`
	Severity    string        `json:"severity"`
	Location    issueLocation `json:"location"`
}

type issueLocation struct {
	Path  string     `json:"path"`
	Lines issueLines `json:"lines"`
}

type issueLines struct {
	Begin int `json:"begin"`
}

// CodeQuality writes the problems of a report as Code Quality JSON of GitLab. A
// problem in no file is left out: GitLab accepts none without a path and a line. Without
// problems the report is an empty list and not null, which would not be a report.
func CodeQuality(w io.Writer, r Report) error {
	issues := []issue{}
	seen := fingerprints{}
	for _, c := range r.Problems() {
		if len(c.At) == 0 {
			continue
		}
		severity := "minor"
		if c.Level == LevelError {
			severity = "major"
		}
		issues = append(issues, issue{
			Description: withHint(c), CheckName: c.Rule, Fingerprint: seen.next(c), Severity: severity,
			Location: issueLocation{c.At[0].File, issueLines{c.At[0].Line}},
		})
	}
	text, err := schema.EncodeIndent(issues)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
