package engine_test

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

type actParams struct {
	Name  string `json:"name"`
	Fails int    `json:"fails"`
	Row   *int   `json:"row,omitempty"`
}

// stage watches what act steps do.
type stage struct {
	mu       sync.Mutex
	attempts map[string]int
	ended    map[string]bool
	running  map[string]int
	most     map[string]int
	wrong    []string
	steps    map[string]plannedStep
	onStart  func(name string)
}

func newStage(steps []plannedStep) *stage {
	s := &stage{attempts: map[string]int{}, ended: map[string]bool{}, running: map[string]int{}, most: map[string]int{}, steps: map[string]plannedStep{}}
	for _, p := range steps {
		s.steps[p.name] = p
	}
	return s
}

func (s *stage) kind() engine.Kind {
	return engine.Define(engine.Spec{Name: "act", Version: 1, Effect: true}, func(ctx context.Context, _ engine.Env, p actParams, in struct {
		In []*Text `in:"in,optional"`
	}) (*Text, error) {
		me := s.steps[p.Name]
		if p.Row != nil {
			p.Name = me.ids()[*p.Row]
		}
		s.count(me, 1)
		runtime.Gosched() // others may begin
		defer s.count(me, -1)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.onStart != nil {
			s.onStart(me.name)
		}
		s.attempts[p.Name]++
		for _, f := range append(slices.Clone(me.needs), me.in...) {
			for _, id := range s.steps[f].ids() {
				if !s.ended[id] {
					s.wrong = append(s.wrong, p.Name+" before "+id)
				}
			}
		}
		if s.attempts[p.Name] <= p.Fails {
			return nil, schema.Errorf(schema.Unavailable, "%s failed", p.Name)
		}
		return &Text{Text: p.Name}, ctx.Err()
	})
}

// count notes what runs at once: of all, of a step, of a pool.
func (s *stage) count(me plannedStep, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range []string{"all", "step " + me.name, "pool " + me.pool} {
		s.running[of] += by
		s.most[of] = max(s.most[of], s.running[of])
	}
}

// hear notes what is over.
func (s *stage) hear(e engine.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Type == engine.EventStep && e.State.Final() {
		s.ended[e.Step] = true
	}
}

func pipelineOf(steps []plannedStep) *schema.Pipeline {
	p := &schema.Pipeline{Metadata: schema.PipelineMetadata{Name: "random"}, Pools: map[string]int{"narrow": narrow}, Steps: map[string]schema.Step{}, Finally: map[string]schema.Step{}}
	for _, s := range steps {
		if s.finally {
			p.Finally[s.name] = s.schema()
		} else {
			p.Steps[s.name] = s.schema()
		}
	}
	return p
}
