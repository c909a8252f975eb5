package recipes

import (
	"errors"
	"strings"
	"testing"

	"github.com/NVIDIA/eidos/schema"
)

// TestCriteriaNameNoOtherProduct: a word that is not one, a letter away from
// another product, gets the list of words and no proposal.
func TestCriteriaNameNoOtherProduct(t *testing.T) {
	for _, q := range []schema.Criteria{
		{Accelerator: "h400"}, {Accelerator: "gb400"}, {Accelerator: "l40x"}, {Service: "rke3"}, {OS: "rhcs"}, {Platform: "kubeflw"},
	} {
		_, err := shipped(t).Known(q)
		var e *schema.Error
		if !errors.As(err, &e) || e.Code != schema.Invalid {
			t.Errorf("%+v: %v", q, err)
			continue
		}
		if strings.Contains(e.Hint, "did you mean") || !strings.HasPrefix(e.Hint, "use ") || !strings.Contains(e.Hint, "how to add a word") {
			t.Errorf("%+v: hint %q", q, e.Hint)
		}
	}
	// Every word, and every other name for one, is known.
	w, err := shipped(t).Words()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []schema.Criteria{
		{Service: "openshift"}, {Service: "self"}, {OS: "al2023"}, {Accelerator: "vr200"}, {Platform: "run-ai"}, {Service: "coreweave"},
	} {
		if got, err := shipped(t).Known(q); err != nil || got.Service == "openshift" || got.OS == "al2023" {
			t.Errorf("%+v: %+v, %v", q, got, err)
		}
	}
	for field, n := range map[string]int{"service": 16, "accelerator": 14, "intent": 3, "os": 12, "platform": 7} {
		if names := w.Names(field); len(names) != n || names[n-1] != schema.Any {
			t.Errorf("%s: %v", field, names)
		}
	}
}
