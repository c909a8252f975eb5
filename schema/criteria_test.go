package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCriteriaWords(t *testing.T) {
	want := Criteria{Service: "any", Accelerator: "gb200", Intent: "training", OS: "amazonlinux"}
	var c RecipeCriteria
	doc := "kind: RecipeCriteria\napiVersion: " + APIVersion + "\nspec: {service: Self-Managed, accelerator: GB200, intent: Training, os: AL2023}\n"
	if err := Decode("c.yaml", []byte(doc), &c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.Spec); diff != "" {
		t.Errorf("criteria (-want +got):\n%s", diff)
	}
	var p ResolveParams
	if err := DecodeValue("with", map[string]any{"criteria": map[string]any{"service": "vanilla", "accelerator": "gb200", "intent": "TRAINING", "os": "al2"}}, &p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, p.Criteria); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	err := Decode("c.yaml", []byte(strings.Replace(doc, "GB200", "GB20", 1)), &c)
	if err == nil || !strings.Contains(err.Error(), "gb20") || !strings.Contains(err.Error(), "c.yaml:3:") {
		t.Errorf("unknown word: %v", err)
	}
}
