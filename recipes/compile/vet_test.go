package compile

import "testing"

func TestVetShipped(t *testing.T) {
	r, err := Vet(source(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.Questions != 6*6*3*5*3 || r.Answered+r.Refused != r.Questions || r.Answered != len(r.Coverage) {
		t.Errorf("%d questions, %d answered, %d refused, %d rows", r.Questions, r.Answered, r.Refused, len(r.Coverage))
	}
	if r.Overlays < 38 || r.Components != 19 || r.Answers < r.Overlays-1 {
		t.Errorf("%d overlays, %d components, %d answers", r.Overlays, r.Components, r.Answers)
	}
	for _, row := range r.Coverage {
		if row.Maturity == "" {
			t.Errorf("%v is answered by %s, which there is not", row.Criteria, row.Recipe)
		}
	}
	for _, remark := range r.Remarks {
		t.Error(remark)
	}
}

func BenchmarkVet(b *testing.B) {
	for b.Loop() {
		if _, err := Vet(source(b)); err != nil {
			b.Fatal(err)
		}
	}
}
