package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// agreeing is what Index.Agreeing finds, by looking at every row.
func agreeing(rows []*Node, n *Node) []*Node {
	var out []*Node
	for _, r := range rows {
		agrees := true
		for name, l := range n.labels {
			other, ok := r.labels[name]
			agrees = agrees && (!ok || other == l)
		}
		if !agrees {
			continue
		}
		if n.labels != nil && maps.Equal(r.labels, n.labels) {
			return []*Node{r}
		}
		out = append(out, r)
	}
	return out
}

func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 300 {
		var rows []*Node
		seen := map[string]bool{}
		for i := range rng.IntN(40) {
			n := &Node{ID: fmt.Sprintf("s[%d]", i), Index: i, labels: randomLabels(rng)}
			if key := fmt.Sprint(n.labels); !seen[key] { // rows differ
				seen[key] = true
				rows = append(rows, n)
			}
		}
		x := newIndex(rows)
		for range 20 {
			n := &Node{labels: randomLabels(rng)}
			got, want := x.Agreeing(n), agreeing(rows, n)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%v goes with %d rows, want %d", n.labels, len(got), len(want))
			}
			found += len(got)
		}
		for _, r := range rows {
			if x.byID[r.ID] != r {
				t.Fatalf("%s is not found by its name", r.ID)
			}
		}
	}
	if found == 0 {
		t.Fatal("no row went with any")
	}
}

// randomLabels has some of three names, often none of them.
func randomLabels(rng *rand.Rand) map[string]string {
	var out map[string]string
	for _, n := range []string{"a", "b", "c"} {
		if rng.IntN(3) > 0 {
			if out == nil {
				out = map[string]string{}
			}
			out[n] = fmt.Sprint(rng.IntN(3))
		}
	}
	return out
}
