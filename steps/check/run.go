// Package check decides on a running cluster whether it works as a recipe says.
// Checks are data of the catalogue (recipes/checks); this package chooses those of
// a recipe, reads what they look at with one list for each sort of object and
// namespace, and decides them by package expect. What cannot be measured is
// unknown, with the reason.
//
// There are two sorts. Conditions are decided on what was read: all of them on one
// reading, again until they pass or --wait is over. Procedures run something in the
// cluster, in a namespace that the run makes and deletes (space.go, deploy.go): at the
// same time, but for those that take GPUs, which would wait for each other in the
// scheduler. A run that is killed leaves a namespace with its lifetime on it, which the
// next run collects.
//
// A verdict is failed only if the cluster showed that something is wrong. What was not
// allowed, not there to be looked at, or not in time is unknown: nobody should take a
// missing right for a broken cluster, or for a healthy one.
package check

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/expect"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/constraint"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/kube"
	"github.com/NVIDIA/eidos/steps/kube/job"
	"github.com/NVIDIA/eidos/steps/retry"
	"github.com/NVIDIA/eidos/steps/validate"
)

const (
	defaultParallel = 8
	// between is the pause between two looks at what is not as expected yet.
	between = 2 * time.Second
)

// Cluster is what checks need of a cluster.
type Cluster interface {
	Reader
	// Reach is nil if an API server answers that knows these credentials.
	Reach(ctx context.Context) error
	Nodes(ctx context.Context, selector string) ([]kube.GPUNode, error)
	job.Cluster
	UID(ctx context.Context, o kube.Object) (string, error)
	Evictable(ctx context.Context, namespace, pod string) (why string, err error)
	ReadConfigMap(ctx context.Context, namespace, name string) ([]byte, error)
}

// runner is one run of checks.
type runner struct {
	recipe   *schema.RecipeResult
	cluster  Cluster
	params   schema.VerifyClusterParams
	parallel int
	log      func(format string, args ...any)
	progress func(done, total int64, unit string)
	pause    time.Duration
	total    int64
	observe  func(expect.Readings)
	ran      func([]schema.CheckProgram) []schema.CheckProgram
	name     string // the end of the names of what the run makes
	now      func() time.Time
	longest  time.Duration // that programs and procedures may take together

	mu   sync.Mutex // guards what follows
	done int64
	made *job.Driver // of the run's namespace, nil before it is created
}

// Options of Run.
type Options struct {
	Log      func(format string, args ...any)
	Progress func(done, total int64, unit string)
	// Random gives the end of the names of what a run makes.
	Random func() string
	// Observe gets what was read, each time that something was; may be nil.
	Observe func(expect.Readings)
	// Ran gets the Pods of a check that have ended, with their logs, and returns
	// what decides it; may be nil.
	Ran func([]schema.CheckProgram) []schema.CheckProgram
	// Pause between two looks; 2 s if zero.
	Pause time.Duration
	// Around is how long a Job that checks may take beside its checks; 1 min if zero.
	Around time.Duration
	// Now is the time by which runs are over; time.Now if nil.
	Now func() time.Time
}

func (o Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// Run checks a cluster. Invalid for names of checks that the recipe does not
// have. ctx ending makes what is not decided yet unknown. --timeout ends it the same way
// and is no error: the report has what was decided by then.
func Run(ctx context.Context, r *schema.RecipeResult, known map[string]recipes.Check, c Cluster, p schema.VerifyClusterParams, o Options) (*schema.ValidationResult, error) {
	items, err := choose(r, known, p)
	if err != nil {
		return nil, err
	}
	if from := mirrorOf(r, p); from != "" {
		for n := range items {
			if run := items[n].check.Run; run != nil {
				mirrored := *run
				mirrored.Image = imageref.InMirror(from, run.Image)
				items[n].check.Run = &mirrored
			}
		}
	}
	x := &runner{recipe: r, cluster: c, params: p, parallel: int(p.Parallel), log: o.Log, progress: o.Progress, pause: o.Pause, total: int64(len(items))}
	x.observe, x.ran, x.now = o.Observe, o.Ran, o.now
	if o.Random != nil {
		x.name = o.Random()
	}
	if x.parallel == 0 {
		x.parallel = defaultParallel
	}
	if x.pause == 0 {
		x.pause = between
	}
	wait, err := duration("wait", p.Wait)
	if err != nil {
		return nil, err
	}
	limit, err := duration("timeout", p.Timeout)
	if err != nil {
		return nil, err
	}
	whole := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var conditions, procedures []item
	for _, i := range items {
		if i.problem == "" && len(i.check.Expect) == 0 {
			procedures = append(procedures, i)
			if d, err := time.ParseDuration(i.check.Timeout); err == nil {
				x.longest += d + job.CleanUp
			}
		} else {
			conditions = append(conditions, i)
		}
	}
	rows := append(x.conditions(ctx, conditions, wait), x.procedures(ctx, procedures)...)
	if len(p.Only) == 0 {
		rows = append(rows, unmeasured(r, known, p.Phase)...)
	}
	return report(rows, p.AllowUnknown), context.Cause(whole)
}

// mirrorOf is the mirror that the images of checks come from, "" for none.
func mirrorOf(r *schema.RecipeResult, p schema.VerifyClusterParams) string {
	return cmp.Or(p.Mirror, r.Metadata.Mirror)
}

// duration reads the parameter at; "" is 0.
func duration(at, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, schema.Errorf(schema.Invalid, "%q is not a length of time", s).At("", at)
	}
	return d, nil
}

// conditions decides the checks that are conditions on live objects: all of them
// from one reading, and those that do not pass again until wait is over.
func (x *runner) conditions(ctx context.Context, items []item, wait time.Duration) []schema.Check {
	var rows []schema.Check
	var open []item
	var all []expect.Bound
	for _, i := range items {
		if i.problem != "" {
			rows = append(rows, x.say(i.row(expect.Verdict{Status: constraint.Unknown, Problems: []string{i.problem}})))
			continue
		}
		all = append(all, i.bound...)
		open = append(open, i)
	}
	claimed := expect.Claims(all)
	for end := time.Now().Add(wait); len(open) > 0; {
		readings := read(ctx, x.cluster, boundOf(open), x.parallel)
		if x.observe != nil {
			x.observe(readings)
		}
		last := !time.Now().Add(x.pause).Before(end)
		var again []item
		for _, i := range open {
			row := i.row(i.decide(readings, claimed))
			if row.Status != "passed" && !last {
				again = append(again, i)
				continue
			}
			rows = append(rows, x.say(row))
		}
		open = again
		if len(open) > 0 && !retry.Sleep(ctx, x.pause) {
			end = time.Time{}
		}
	}
	return rows
}

// decide decides a check on one reading, once for each way that it is bound.
func (i item) decide(readings expect.Readings, claimed func(expect.Source, expect.Object) bool) expect.Verdict {
	var verdicts []expect.Verdict
	for _, b := range i.bound {
		verdicts = append(verdicts, expect.Evaluate(b, readings, claimed))
	}
	return together(verdicts)
}

func boundOf(items []item) []expect.Bound {
	var out []expect.Bound
	for _, i := range items {
		out = append(out, i.bound...)
	}
	return out
}

func (x *runner) note(format string, args ...any) {
	if x.log != nil {
		x.log(format, args...)
	}
}

// say logs a result when it is there, and returns it.
func (x *runner) say(c schema.Check) schema.Check {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.done++
	if x.progress != nil {
		x.progress(x.done, x.total, "checks")
	}
	if x.log != nil {
		text := c.Status + ": " + c.Name
		if c.Reason != "" {
			text += ": " + c.Reason
		}
		x.log("%s", schema.Printable(text))
	}
	return c
}

// Judge returns nil if a report lets work go on, else one Unsatisfied error that
// lists what does not pass.
func Judge(r *schema.ValidationResult) error {
	var bad []string
	hint := ""
	for _, c := range r.Results {
		if !validate.Counts(c, r.Summary.AllowUnknown) {
			continue
		}
		bad = append(bad, validate.Sentence(c))
		if hint == "" {
			hint = c.Hint
		}
	}
	if len(bad) == 0 {
		return nil
	}
	err := schema.Errorf(schema.Unsatisfied, "%d of %d checks did not pass:\n  %s", len(bad), r.Summary.Total, schema.Lines(bad, "\n  "))
	if r.Summary.Failed == 0 {
		return err.WithHint("%s accepts what cannot be measured", schema.Parameter("allowUnknown"))
	}
	if hint != "" {
		return err.WithHint("%s", hint)
	}
	return err
}
