package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// defaultTimeout bounds all collectors together when the parameters do not:
// long enough for a cluster of thousands, short enough for a person.
const defaultTimeout = 2 * time.Minute

// parallel is how many sources, and how many parts of one source, are read at
// once.
const parallel = 8

// Options is what Run needs beside the parameters.
type Options struct {
	// Version of eidos, for the snapshot's metadata.
	Version string
	// Now gives the snapshot's timestamp.
	Now func() time.Time
	// Host names the node or host that is measured.
	Host func() (string, error)
	// Sources to read.
	Sources []Source
	// Agent takes the snapshot from inside the cluster, when the parameters ask
	// for that; nil refuses.
	Agent func(ctx context.Context, env engine.Env, p schema.CollectParams) (*schema.Snapshot, error)
	// CheckAgent looks at the agent's settings without a cluster.
	CheckAgent func(p schema.CollectParams) error
	// Log adds a line to the step's story; may be nil.
	Log func(format string, args ...any)
}

// Run reads every source that p asks for, in parallel, and returns what they
// found, sorted.
//
// It fails if a source is there and could not be read (unless p.BestEffort) or
// a required one is absent; all such problems are reported at once. The code
// is that of the first problem, Timeout if time ran out, Canceled if ctx was
// cancelled.
func Run(ctx context.Context, p schema.CollectParams, o Options) (*schema.Snapshot, error) {
	want, err := wanted(p, o.Sources)
	if err != nil {
		return nil, err
	}
	host, err := o.Host()
	if err != nil {
		return nil, fmt.Errorf("naming the host: %w", err)
	}
	limit := defaultTimeout
	if p.CollectTimeout != "" {
		if limit, err = time.ParseDuration(p.CollectTimeout); err != nil || limit <= 0 {
			return nil, schema.Errorf(schema.Invalid, "%q is not a time to wait", p.CollectTimeout).At("", "collectTimeout")
		}
	}
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	var mu sync.Mutex
	var results []result
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, s := range o.Sources {
		names := intersect(s.Collectors, want)
		if len(names) == 0 {
			continue
		}
		g.Go(func() error {
			rs := readSource(timed, s, p, names, limit)
			mu.Lock()
			defer mu.Unlock()
			results = append(results, rs...)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, schema.Errorf(schema.Canceled, "collecting: %w", context.Cause(ctx))
	}
	slices.SortFunc(results, func(a, b result) int { return strings.Compare(a.part.label(), b.part.label()) })

	s := &schema.Snapshot{
		Kind:       "Snapshot",
		APIVersion: schema.APIVersion,
		Metadata: schema.SnapshotMetadata{
			Timestamp: o.Now().UTC().Format(time.RFC3339),
			Version:   o.Version,
			Source:    host,
		},
		Measurements: measurements(results),
		Collectors:   statuses(results),
	}
	for _, c := range s.Collectors {
		if o.Log != nil {
			o.Log("%s", strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", c.Name, c.Status, c.Reason), ": "))
		}
	}
	return s, problems(results, p)
}

// wanted returns the collectors that p asks for, sorted. Invalid if p requires
// one that it does not ask for.
func wanted(p schema.CollectParams, sources []Source) ([]schema.Collector, error) {
	var all []schema.Collector
	for _, s := range sources {
		all = append(all, s.Collectors...)
	}
	want := slices.Clone(p.Collectors)
	if len(want) == 0 {
		want = slices.Clone(all)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var errs []error
	for _, w := range want {
		if !slices.Contains(all, w) {
			errs = append(errs, schema.Errorf(schema.Invalid, "this eidos has no collector %q", w).At("", "collectors"))
		}
	}
	for _, r := range p.Require {
		c, _, _ := strings.Cut(string(r), ".")
		if !slices.Contains(want, schema.Collector(c)) {
			errs = append(errs, schema.Errorf(schema.Invalid, "%q is required but is not among the collectors", r).At("", "require").
				WithHint("add %s to collectors", c))
		}
	}
	return want, schema.Join(errs)
}

func intersect(names, want []schema.Collector) []schema.Collector {
	var out []schema.Collector
	for _, n := range names {
		if slices.Contains(want, n) {
			out = append(out, n)
		}
	}
	return out
}

// result is what became of one part.
type result struct {
	part    Part
	reading Reading
	err     error
}

// readSource opens s and reads its parts. A source that does not open gives
// one result for each of its collectors.
//
// Opening and reading are abandoned when time runs out, because a wedged
// driver or a dead mount can hold a system call for ever; a source that was
// abandoned is not closed, since it is still in use.
func readSource(ctx context.Context, s Source, p schema.CollectParams, names []schema.Collector, limit time.Duration) []result {
	type opened struct {
		parts []Part
		close func()
	}
	o, _, err := await(ctx, limit, func() (opened, error) {
		parts, close, err := s.Open(ctx, p, names)
		return opened{parts, close}, err
	})
	if err != nil {
		var out []result
		for _, n := range names {
			out = append(out, result{part: Part{Collector: n}, err: err})
		}
		return out
	}
	out := make([]result, len(o.parts))
	left := make([]bool, len(o.parts))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, part := range o.parts {
		g.Go(func() error {
			r, abandoned, err := await(ctx, limit, func() (Reading, error) { return part.Read(ctx) })
			out[i], left[i] = result{part, r, err}, abandoned
			return nil
		})
	}
	_ = g.Wait() // its functions return nil: errors are results
	if o.close != nil && !slices.Contains(left, true) {
		o.close()
	}
	return out
}

// await returns what f returns, or gives f up when ctx ends first.
func await[T any](ctx context.Context, limit time.Duration, f func() (T, error)) (v T, abandoned bool, err error) {
	type reply struct {
		v   T
		err error
	}
	done := make(chan reply, 1)
	go func() {
		v, err := f()
		done <- reply{v, err}
	}()
	select {
	case r := <-done:
		v, err = r.v, r.err
	case <-ctx.Done():
		// f is given a moment to say where it was when time ran out.
		select {
		case r := <-done:
			v, err = r.v, r.err
		case <-time.After(100 * time.Millisecond):
			abandoned, err = true, ctx.Err()
		}
	}
	if err != nil && errors.Is(err, context.DeadlineExceeded) && schema.CodeOf(err) == schema.Failed {
		err = schema.Errorf(schema.Timeout, "no answer within %s", limit)
	}
	return v, abandoned, err
}
