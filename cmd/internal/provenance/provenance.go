// Package provenance attests a run: an in-toto statement with SLSA provenance,
// version 1 (https://slsa.dev/spec/v1.0/provenance). What the run did is read from its
// events alone, so that the journal of a run is all that it takes; the caller adds what a
// journal does not have (Options). Nothing is signed here: steps/sign does that.
//
// Times are those of the events and no clock is read: the same journal and Options have
// the same statement, byte for byte.
package provenance

import (
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/intoto"
)

// Provenance is the SLSA predicate. Its fields have the names and the order of the
// specification; what eidos does not know is left out rather than empty.
type Provenance struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is what was asked for. ExternalParameters are what the user chose and a
// verifier has to check; ResolvedDependencies are the documents that the run loaded.
type BuildDefinition struct {
	BuildType            string            `json:"buildType"`
	ExternalParameters   map[string]any    `json:"externalParameters"`
	InternalParameters   map[string]any    `json:"internalParameters,omitempty"`
	ResolvedDependencies []intoto.Resource `json:"resolvedDependencies,omitempty"`
}

// RunDetails is what was done: by which builder, when, and what else came of it.
// Byproducts are the results of the steps and the journal. What was pushed is not among
// them but a subject of the statement.
type RunDetails struct {
	Builder struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version,omitempty"`
	} `json:"builder"`
	Metadata struct {
		InvocationID string `json:"invocationId,omitempty"`
		StartedOn    string `json:"startedOn,omitempty"`
		FinishedOn   string `json:"finishedOn,omitempty"`
	} `json:"metadata"`
	Byproducts []intoto.Resource `json:"byproducts,omitempty"`
}

// Options is what a journal does not hold.
type Options struct {
	Subjects []intoto.Resource // what the statement is about: every pushed digest
	Params   map[string]any    // of the pipeline
	Version  string            // of eidos
}

const (
	predicateType = "https://slsa.dev/provenance/v1"
	buildType     = "https://github.com/NVIDIA/eidos/pipeline/v1alpha1"
	builderID     = "https://github.com/NVIDIA/eidos"
)

// Of describes how a run made its subjects: the pipeline and its parameters, what was
// loaded, what each step made, and the digest of the journal. Invalid if events are
// not those of a run that succeeded.
//
// A run that was resumed is one run: it started when it first began, like in package
// history, and each of its steps counts once, as it ended.
//
// The digest is that of the events, encoded again by Event.AppendLine, which has written
// the journal too. A line that a killed process left incomplete is not among the events.
func Of(events []engine.Event, o Options) (*intoto.Statement[Provenance], error) {
	if len(events) == 0 || events[0].Type != engine.EventRun {
		return nil, schema.Errorf(schema.Invalid, "these are not the events of a run")
	}
	last := events[len(events)-1]
	if last.Type != engine.EventRun || last.State != engine.Done {
		return nil, schema.Errorf(schema.Invalid, "run %s did not succeed: there is nothing to attest", events[0].Run)
	}
	s := intoto.New(o.Subjects, predicateType, Provenance{})
	def, run := &s.Predicate.BuildDefinition, &s.Predicate.RunDetails
	def.BuildType = buildType
	params := o.Params
	if params == nil {
		params = map[string]any{} // {} rather than null
	}
	def.ExternalParameters = map[string]any{"pipeline": events[0].Pipeline, "plan": string(events[0].Plan), "params": params}
	run.Builder.ID = builderID
	if o.Version != "" {
		run.Builder.Version = map[string]string{"eidos": o.Version}
	}
	run.Metadata.InvocationID = events[0].Run
	run.Metadata.StartedOn = events[0].Time.UTC().Format(time.RFC3339)
	run.Metadata.FinishedOn = last.Time.UTC().Format(time.RFC3339)
	var journal []byte
	// The kind of a step is in its first event only (Event.Uses), and its digest in its
	// last: the kind is kept from the one to the other.
	uses := map[string]string{}
	for _, e := range events {
		if e.Type == engine.EventProgress {
			continue // not in the journal
		}
		line, err := e.AppendLine(nil)
		if err != nil {
			return nil, err
		}
		journal = append(journal, line...)
		if e.Type == engine.EventRun && e.State == engine.Running { // begun, or resumed: its steps are reported again
			def.ResolvedDependencies, run.Byproducts = nil, nil
		}
		if e.Uses != "" {
			uses[e.Step] = e.Uses
		}
		if e.Type != engine.EventStep || e.Digest == "" || !e.State.Final() {
			continue
		}
		if uses[e.Step] == "load" {
			def.ResolvedDependencies = append(def.ResolvedDependencies, intoto.Resource{URI: e.Step, Digest: intoto.DigestSet(e.Digest)})
			continue
		}
		run.Byproducts = append(run.Byproducts, intoto.Resource{Name: e.Step, Digest: intoto.DigestSet(e.Digest)})
	}
	run.Byproducts = append(run.Byproducts, intoto.Resource{Name: "events.jsonl", MediaType: "application/jsonl", Digest: intoto.DigestSet(schema.DigestOf(journal))})
	return s, nil
}
