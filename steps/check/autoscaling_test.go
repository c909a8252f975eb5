package check

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/steps/kube/job"
)

// lateCluster answers so many requests, and then refuses them as kube.Client does
// what would end after the deadline.
type lateCluster struct {
	Cluster
	answers int
}

func (c *lateCluster) Read(_ context.Context, s expect.Source, each func(expect.Object)) error {
	if c.answers--; c.answers < 0 {
		return schema.Errorf(schema.Timeout, "no answer in time")
	}
	if s.Kind == "HorizontalPodAutoscaler" {
		each(expect.Object{"metadata": map[string]any{"name": "a"}, "status": map[string]any{"conditions": []any{
			map[string]any{"type": "ScalingActive", "status": "False", "message": "no metric"},
		}}})
	}
	return nil
}

// When the time is up, what was seen decides, also if the last request was refused.
func TestScaledLate(t *testing.T) {
	for answers, want := range map[int]expect.Verdict{
		2: {Status: constraint.Failed, Problems: []string{"power scaled no Deployment from 1 to 2 replicas in time: no metric"}},
		0: {Status: constraint.Unknown, Problems: []string{"the API server did not answer in time"}},
	} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), poll+200*time.Millisecond, errLate)
		x := &runner{cluster: &lateCluster{answers: answers}}
		got := x.scaled(ctx, &job.Driver{Namespace: "n", Name: "a"}, "power", 2)
		cancel()
		if got.Status != want.Status || strings.Join(got.Problems, "; ") != want.Problems[0] {
			t.Errorf("after %d answers: %+v, want %+v", answers, got, want)
		}
	}
}
