package history

import (
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/engine/store"
	"github.com/NVIDIA/eidos/schema"
)

// StepHistory is why a step did what it did in one run, compared with another
// run.
type StepHistory struct {
	Run   string         `json:"run"`
	Event engine.Event   `json:"event"` // how it ended
	Log   []engine.Event `json:"log,omitempty"`
	Key   schema.Digest  `json:"key,omitempty"`   // "" if the store does not know it any more
	Parts []engine.Part  `json:"parts,omitempty"` // what the key was made of

	Against string          `json:"against,omitempty"` // the other run; "" if there is none
	Was     *engine.Event   `json:"was,omitempty"`     // how the step ended there
	Changes []engine.Change `json:"changes,omitempty"` // from there to here
	// Lost reports that the other run's key is not known any more, so that
	// Changes is empty.
	Lost bool `json:"lost,omitempty"`
}

// Explain reports why a step did what it did in a run, and what has changed
// since another one: the one before it, of the same pipeline, in which the step
// got as far as a key, if against is "". NotFound if the run has no such step.
func Explain(s *store.Directory, run, step, against string) (StepHistory, error) {
	is, err := stepsOf(s, run)
	if err != nil {
		return StepHistory{}, err
	}
	e, ok := is.last[step]
	if !ok {
		return StepHistory{}, noStep(run, step, is)
	}
	h := StepHistory{Run: run, Event: e, Log: is.logs[step]}
	if here, ok, err := s.LookupShort(e.Key); err != nil {
		return h, err
	} else if ok {
		h.Key, h.Parts = here.Key, here.Parts
	}
	if against == "" {
		if against, err = runBefore(s, is, step); err != nil || against == "" {
			return h, err
		}
	}
	was, err := stepsOf(s, against)
	if err != nil {
		return h, err
	}
	before, ok := was.last[step]
	if !ok {
		return h, noStep(against, step, was)
	}
	h.Against, h.Was = against, &before
	if before.Key == e.Key {
		return h, nil
	}
	there, ok, err := s.LookupShort(before.Key)
	if err != nil || !ok || h.Key == "" {
		h.Lost = err == nil
		return h, err
	}
	h.Changes = key.Compare(there.Parts, h.Parts)
	for i, c := range h.Changes {
		h.Changes[i].Because = because(c, is, was)
	}
	return h, nil
}

func noStep(run, step string, steps runSteps) error {
	return schema.Errorf(schema.NotFound, "run %q has no step %q", run, step).WithHint("%s", schema.Suggest(step, steps.order))
}

// runSteps is how the steps of one run ended.
type runSteps struct {
	head  engine.Event
	order []string
	last  map[string]engine.Event // with Uses
	logs  map[string][]engine.Event
}

// stepsOf reads a whole journal. Of a run that was resumed the last word about a step
// counts, and the kind is that of the first event, which alone names it.
func stepsOf(s *store.Directory, run string) (runSteps, error) {
	out := runSteps{last: map[string]engine.Event{}, logs: map[string][]engine.Event{}}
	events, err := s.Events(run)
	if err != nil {
		return out, err
	}
	if len(events) > 0 {
		out.head = events[0]
	}
	for _, e := range events {
		switch e.Type {
		case engine.EventLog:
			out.logs[e.Step] = append(out.logs[e.Step], e)
		case engine.EventStep:
			old, ok := out.last[e.Step]
			if !ok {
				out.order = append(out.order, e.Step)
			} else if e.Uses == "" {
				e.Uses = old.Uses
			}
			out.last[e.Step] = e
		}
	}
	return out, nil
}

// runBefore finds the newest run of the same pipeline, older than that of is,
// in which a step has a key; "" if there is none.
func runBefore(s *store.Directory, is runSteps, step string) (string, error) {
	heads, err := s.Heads()
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(heads, func(h engine.Event) bool { return h.Run == is.head.Run })
	for _, h := range heads[at+1:] {
		if h.Pipeline != is.head.Pipeline {
			continue
		}
		was, err := stepsOf(s, h.Run)
		if err != nil {
			return "", err
		}
		if was.last[step].Key != "" {
			return h.Run, nil
		}
	}
	return "", nil
}

// because returns the step that an input changed through: the one that made what the
// input is now, and gave what it was before. Two steps may have the same result; a load
// or a step that ran explains more than one that was reused.
func because(c engine.Change, is, was runSteps) string {
	if !strings.HasPrefix(c.Part, "input ") || c.Is == "" {
		return ""
	}
	found := ""
	for _, name := range is.order {
		e := is.last[name]
		if string(e.Digest) != c.Is || c.Was != "" && string(was.last[name].Digest) != c.Was {
			continue
		}
		switch {
		case e.Uses == "load":
			return name + " has changed"
		case e.Action != engine.ActionReuse:
			return name + " ran"
		case found == "":
			found = name + " gave another result"
		}
	}
	return found
}
