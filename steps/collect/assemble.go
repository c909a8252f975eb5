package collect

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// measurements groups what the parts found by type, sorted by type and subtype.
func measurements(results []result) []schema.Measurement {
	byType := map[schema.MeasurementType][]schema.Subtype{}
	for _, r := range results {
		if len(r.reading.Subtypes) > 0 {
			byType[r.part.Type] = append(byType[r.part.Type], r.reading.Subtypes...)
		}
	}
	out := []schema.Measurement{}
	for t, subs := range byType {
		slices.SortFunc(subs, func(a, b schema.Subtype) int { return strings.Compare(a.Subtype, b.Subtype) })
		out = append(out, schema.Measurement{Type: t, Subtypes: subs})
	}
	slices.SortFunc(out, func(a, b schema.Measurement) int { return cmp.Compare(a.Type, b.Type) })
	return out
}

// statuses gives one row a collector: failed if any part failed, absent if all
// are, else ok. The reason names the parts that are not ok, or the one thing
// that is true of all.
func statuses(results []result) []schema.CollectorStatus {
	var out []schema.CollectorStatus
	for len(results) > 0 {
		name := results[0].part.Collector
		n := 1
		for n < len(results) && results[n].part.Collector == name {
			n++
		}
		out = append(out, status(string(name), results[:n]))
		results = results[n:]
	}
	return out
}

func status(name string, results []result) schema.CollectorStatus {
	s := schema.CollectorStatus{Name: name, Status: "ok"}
	gone := 0
	var reasons []string
	same := true
	for _, r := range results {
		why := r.reading.Note
		switch {
		case IsAbsent(r.err):
			gone++
			why = r.err.Error()
		case r.err != nil:
			s.Status = "failed"
			why = r.err.Error()
		}
		if why == "" {
			same = false
			continue
		}
		if r.part.Name != "" {
			same = same && why == results[0].why()
			why = r.part.Name + ": " + why
		}
		reasons = append(reasons, why)
	}
	if gone == len(results) {
		s.Status = "absent"
	}
	s.Reason = strings.Join(reasons, "; ")
	if same && len(results) > 1 {
		s.Reason = results[0].why()
	}
	return s
}

// why is what the reason of a status says of r.
func (r result) why() string {
	if r.err != nil {
		return r.err.Error()
	}
	return r.reading.Note
}

// problems are the results that fail a snapshot taken with p: what could not be
// read, and what is required and absent.
func problems(results []result, p schema.CollectParams) error {
	var failed []result
	for _, r := range results {
		if r.err != nil && !IsAbsent(r.err) && (!p.BestEffort || requires(p, r.part)) {
			failed = append(failed, r)
		}
	}
	var errs []error
	for len(failed) > 0 {
		// A source that does not open fails all its collectors in one way.
		r, labels := failed[0], []string{failed[0].part.label()}
		for failed = failed[1:]; len(failed) > 0 && failed[0].err.Error() == r.err.Error(); failed = failed[1:] {
			labels = append(labels, failed[0].part.label())
		}
		errs = append(errs, failure(strings.Join(labels, " and "), r.err))
	}
	for _, q := range p.Require {
		if why := missing(string(q), results); why != nil {
			errs = append(errs, schema.Errorf(schema.NotFound, "%s is required and absent: %w", q, why))
		}
	}
	return schema.Join(errs)
}

// requires reports whether p requires part, by its own name or its collector's.
func requires(p schema.CollectParams, part Part) bool {
	return slices.ContainsFunc(p.Require, func(q schema.CollectorPart) bool {
		return string(q) == part.label() || string(q) == string(part.Collector)
	})
}

// missing says why q, a collector or one of its parts, is absent; nil if it is
// not. A collector is absent when all its parts are.
func missing(q string, results []result) error {
	collector, part, _ := strings.Cut(q, ".")
	var why error
	for _, r := range results {
		if string(r.part.Collector) != collector || part != "" && r.part.Name != "" && r.part.Name != part {
			continue
		}
		if !IsAbsent(r.err) {
			return nil
		}
		if why == nil {
			why = r.err
		}
	}
	return why
}

// failure is err for people: what it kept from being read, and what to do.
func failure(what string, err error) error {
	e := schema.Errorf(schema.CodeOf(err), "collecting %s: %w", what, err)
	var hint *schema.Error
	if errors.As(err, &hint) && hint.Hint != "" {
		return e.WithHint("%s", hint.Hint)
	}
	return e.WithHint("%s keeps what the others found; %s leaves it out", schema.Parameter("bestEffort"), schema.Parameter("collectors"))
}
