package compile

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestVetShipped(t *testing.T) {
	src, err := Shipped("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Vet(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, remark := range r.Remarks {
		if !unproven.MatchString(remark) {
			t.Error(remark)
		}
	}
}

// unproven are the remarks on kinds that only OpenShift's operators define, and
// on charts that there are no facts of.
var unproven = regexp.MustCompile(`^(chart gpu-operator v26.7.1 has no facts; it is checked against those of v26.7.0$|` +
	`manifest [a-z0-9-]+\.yaml of [a-z-]+-ocp renders .* which only an operator that the cluster installs may define$|` +
	`manifest [a-z0-9-]+\.yaml of nodewright-customizations renders .* which only a chart without facts may define$)`)

func TestReport(t *testing.T) {
	r, err := Vet(source(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.Questions != 16*14*3*12*7 || r.Answered+r.Refused != r.Questions || r.Answered != len(r.Coverage) {
		t.Errorf("%d questions, %d answered, %d refused, %d rows", r.Questions, r.Answered, r.Refused, len(r.Coverage))
	}
	if r.Overlays < 38 || r.Components != 19 || r.Answers < r.Overlays-1 {
		t.Errorf("%d overlays, %d components, %d answers", r.Overlays, r.Components, r.Answers)
	}
	for _, remark := range r.Remarks {
		t.Error(remark)
	}
	for _, row := range r.Coverage {
		if row.Maturity == "" {
			t.Errorf("%v is answered by %s, which there is not", row.Criteria, row.Recipe)
		}
	}
	if c := r.Charts; c.Known < 16 || len(c.Unknown) != 2 || c.Values < 20000 || c.Resources < 500 || c.Workloads < 3000 {
		t.Errorf("compared with the facts of charts: %+v", c)
	}
}

// BenchmarkVet proves the shipped catalogue, and ones grown from it by new
// accelerators that have all the overlays of H100 on EKS.
func BenchmarkVet(b *testing.B) {
	for _, overlays := range []int{0, 380, 1000} {
		tree, err := source(b).tree()
		if err != nil {
			b.Fatal(err)
		}
		n := grow(tree, overlays)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				l, err := loadTree(tree, source(b))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := l.vet(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// grow adds overlays until there are about want, and returns how many there are.
func grow(tree Files, want int) int {
	var models []string
	have := 0
	for name := range tree {
		if strings.HasPrefix(name, "recipes/releases/2026-03/overlays/") {
			have++
			if strings.HasPrefix(name, "recipes/releases/2026-03/overlays/h100-eks") {
				models = append(models, name)
			}
		}
	}
	text := string(tree["recipes/releases/2026-03/words/accelerator.cue"])
	for i := 0; have < want; i++ {
		word := "x" + strconv.Itoa(i)
		text += "\naccelerator: " + word + ": display: \"" + word + "\"\n"
		for _, m := range models {
			tree[strings.ReplaceAll(m, "h100", word)] = []byte(strings.ReplaceAll(string(tree[m]), "h100", word))
			have++
		}
	}
	tree["recipes/releases/2026-03/words/accelerator.cue"] = []byte(text)
	return have
}
