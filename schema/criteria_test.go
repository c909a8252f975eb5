package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCriteriaWords(t *testing.T) {
	want := Criteria{Service: "self-managed", Accelerator: "gb200", Intent: "training", OS: "al2023"}
	var c RecipeCriteria
	doc := "kind: RecipeCriteria\napiVersion: " + APIVersion + "\nspec: {service: Self-Managed, accelerator: GB200, intent: Training, os: AL2023}\n"
	if err := Decode("c.yaml", []byte(doc), &c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.Spec); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
	var p ResolveParams
	if err := DecodeValue("with", map[string]any{"criteria": map[string]any{"service": "self-managed", "accelerator": "gb200", "intent": "TRAINING", "os": " AL2023"}}, &p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, p.Criteria); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	err := Decode("c.yaml", []byte(strings.Replace(doc, "GB200", "GB 200", 1)), &c)
	if err == nil || !strings.Contains(err.Error(), "gb 200") || !strings.Contains(err.Error(), "c.yaml:3:") {
		t.Errorf("not a word: %v", err)
	}
}
