package check

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/intoto"
)

// testResult is the predicate type of test results:
// https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
const testResult = "https://in-toto.io/attestation/test-result/v0.1"

// TestResult is the predicate of test results.
type TestResult struct {
	Result        string            `json:"result"` // PASSED, WARNED or FAILED
	Configuration []intoto.Resource `json:"configuration"`
	Passed        []string          `json:"passedTests,omitempty"`
	Warned        []string          `json:"warnedTests,omitempty"`
	Failed        []string          `json:"failedTests,omitempty"`
}

// NewStatement returns evidence as a statement about the recipe: which checks passed,
// and the digests of all that they follow of. What is unknown counts as failed,
// unless the evidence accepts it; then it is a warning, as is what is of severity
// warning or info.
func NewStatement(e *schema.Evidence) (*intoto.Statement[TestResult], error) {
	whole, err := digestOf(e)
	if err != nil {
		return nil, err
	}
	st := intoto.New([]intoto.Resource{resource("recipe", e.RecipeDigest, (*schema.RecipeResult)(nil).MediaType())}, testResult,
		TestResult{Result: "PASSED", Configuration: []intoto.Resource{
			resource("evidence", whole, e.MediaType()), resource("checks", e.ChecksDigest, ""),
		}})
	seen := map[string]bool{}
	for _, p := range e.Programs {
		_, digest, ok := strings.Cut(p.ImageID, "@sha256:")
		if ok && !seen[p.ImageID] {
			seen[p.ImageID] = true
			st.Predicate.Configuration = append(st.Predicate.Configuration, resource(p.Image, schema.Digest("sha256:"+digest), ""))
		}
	}
	for _, c := range e.Results {
		name := fmt.Sprintf("%s/%s", c.Phase, c.Name)
		soft := c.Severity == "warning" || c.Severity == "info" || c.Status == "unknown" && e.Summary.AllowUnknown
		switch {
		case c.Status == "passed":
			st.Predicate.Passed = append(st.Predicate.Passed, name)
		case c.Status == "skipped":
		case soft:
			st.Predicate.Warned = append(st.Predicate.Warned, name)
		default:
			st.Predicate.Failed = append(st.Predicate.Failed, name)
		}
	}
	switch {
	case len(st.Predicate.Failed) > 0:
		st.Predicate.Result = "FAILED"
	case len(st.Predicate.Warned) > 0:
		st.Predicate.Result = "WARNED"
	}
	return st, nil
}

func resource(name string, d schema.Digest, mediaType string) intoto.Resource {
	return intoto.Resource{Name: name, Digest: intoto.DigestSet(d), MediaType: mediaType}
}
