// Package collect measures a host and the cluster it belongs to: the `collect`
// step, which makes a Snapshot. Each source is opened once and read in parts,
// all in parallel; what became of every one of them is part of the result.
//
// Nothing that can hold a credential enters a snapshot: see mask.go for how
// command lines are treated and systemd.go for unit properties.
package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/schema"
)

// Source is something that is opened once and read in parts: the host's files,
// its system bus, the NVIDIA driver, the Kubernetes API.
type Source struct {
	// Collectors are the names it serves, as the parameter `collectors` has them.
	Collectors []schema.Collector
	// Open returns the parts of the wanted collectors and what releases them,
	// which may be nil. It fails with Absent if the thing is not on this host.
	Open func(ctx context.Context, p schema.CollectParams, want []schema.Collector) ([]Part, func(), error)
}

// Part is one piece of a collector that is read, and can fail, by itself.
type Part struct {
	Collector schema.Collector
	Name      string // of the part, "" if the collector has only one
	Type      schema.MeasurementType
	Read      func(ctx context.Context) (Reading, error)
}

// label is how `require` and messages name p.
func (p Part) label() string {
	if p.Name == "" {
		return string(p.Collector)
	}
	return string(p.Collector) + "." + p.Name
}

// Reading is what a part found.
type Reading struct {
	Subtypes []schema.Subtype
	// Note says what was left out and why, "" if nothing was.
	Note string
}

// absent is the error of a source that is not on this host.
type absent struct{ reason string }

func (a *absent) Error() string { return a.reason }

// Absent is the error of a source, or a part, that is not here: a measured
// fact, and a failure only if it was required.
func Absent(format string, args ...any) error { return &absent{fmt.Errorf(format, args...).Error()} }

// IsAbsent reports whether err is, or wraps, an Absent error.
func IsAbsent(err error) bool {
	var a *absent
	return errors.As(err, &a)
}

// one is a reading of a single subtype.
func one(name string, data map[string]schema.Scalar) Reading {
	return Reading{Subtypes: []schema.Subtype{{Subtype: name, Data: data}}}
}
