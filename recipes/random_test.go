package recipes

import (
	"crypto/sha256"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/NVIDIA/eidos/schema"
)

// TestRandomQuestions asks 10,000 random questions twice, in two orders, from
// 16 goroutines, and spoils every answer after reading it: the bytes are the
// same each time.
func TestRandomQuestions(t *testing.T) {
	cat := shipped(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	known, err := cat.Words()
	if err != nil {
		t.Fatal(err)
	}
	questions := make([]schema.Criteria, 10_000)
	for i := range questions {
		var q Criteria
		for f, field := range Fields() {
			words := known.Names(field)
			if n := rnd.IntN(len(words) + 2); n < len(words) {
				q[f] = words[n]
			}
		}
		questions[i] = q.Schema()
	}
	ask := func(i int) string {
		res, err := cat.Resolve(questions[i], i%8 == 0)
		if err != nil {
			return err.Error()
		}
		data, err := schema.Encode(res)
		if err != nil {
			return err.Error()
		}
		for _, c := range res.ComponentRefs {
			clear(c.Values)
		}
		clear(res.DeploymentOrder)
		sum := sha256.Sum256(data)
		return string(sum[:])
	}
	run := func(order []int) []string {
		out := make([]string, len(questions))
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for k := g; k < len(order); k += 16 {
					out[order[k]] = ask(order[k])
				}
			})
		}
		wg.Wait()
		return out
	}
	if diff := cmp.Diff(run(rnd.Perm(len(questions))), run(rnd.Perm(len(questions)))); diff != "" {
		t.Errorf("asked again in another order (-first +second):\n%s", diff)
	}
}

func BenchmarkResolve(b *testing.B) {
	for b.Loop() {
		cat, err := Shipped()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := cat.Resolve(schema.Criteria{Service: "eks", Accelerator: "gb200", OS: "ubuntu", Intent: "training"}, false); err != nil {
			b.Fatal(err)
		}
	}
}
