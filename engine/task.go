package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/schema"
)

// message is what a running step tells the run.
type message struct {
	what        messageKind
	node        int
	attempt     int
	text        string
	done, total int64
	unit        string
	decision    Decision
	outcome     outcome
}

type messageKind uint8

const (
	said    messageKind = iota // a line of its log
	moved                      // progress
	started                    // it was decided that it runs
	ended
)

// outcome is how an attempt ended.
type outcome struct {
	decision Decision
	artifact Artifact // also beside an error
	blobs    []Blob   // that the artifact names
	out      string
	err      error
}

// job is all that an attempt needs of the run.
type job struct {
	node    *node
	attempt int
	forced  bool
	args    []arg
	results map[string]Artifact // for texts and conditions, by step
	status  string              // of the run, for steps under finally
	rows    int                 // of the step's matrix
	lines   *lineMask           // what the attempt says
}

// arg is one value at a port.
type arg struct {
	port  string
	list  bool
	from  Artifact
	blobs []Blob
}

// job collects what an attempt at node i needs.
func (x *run) job(i int) job {
	n, st := x.nodes[i], &x.status[i]
	st.attempts++
	st.err = nil
	j := job{node: n, attempt: st.attempts, forced: st.forced, status: "success", lines: x.lineMask(i, st.attempts)}
	if len(x.roots) > 0 || x.failure != nil {
		j.status = "failure"
		if x.failure != nil && schema.CodeOf(x.failure) == schema.Canceled {
			j.status = "canceled"
		}
	}
	if n.matrix != nil {
		j.rows = len(x.rowsOf(n.step))
	}
	if x.alone != nil && x.alone.Status != "" {
		j.status = x.alone.Status
	}
	for _, e := range n.edges {
		for _, f := range x.sources(n, e) {
			a := x.status[f].artifact
			switch {
			case e.port == "":
				if j.results == nil {
					j.results = map[string]Artifact{}
				}
				j.results[e.name] = a
			case a.Digest != "":
				j.args = append(j.args, arg{e.port, e.list, a, x.status[f].blobs})
			}
		}
	}
	return j
}

// send tells the run something; it does not block for ever if nobody hears.
func (x *run) send(m message) {
	select {
	case x.messages <- m:
	case <-x.over:
	}
}

// do makes one attempt, in a goroutine of the group.
func (x *run) do(ctx context.Context, j job) {
	o := x.attempt(ctx, j)
	j.lines.end()
	if o.err != nil {
		o.err = x.mask.error(explain(ctx, o.err))
	}
	x.send(message{what: ended, node: j.node.index, attempt: j.attempt, outcome: o})
}

// explain gives an error that comes of a cancelled context the cause of that.
func explain(ctx context.Context, err error) error {
	if ctx.Err() == nil || schema.CodeOf(err) == schema.Timeout {
		return err
	}
	if cause := context.Cause(ctx); schema.CodeOf(cause) == schema.Timeout {
		return cause
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errStopped) || errors.Is(err, context.Cause(ctx)) {
		return schema.Errorf(schema.Canceled, "interrupted")
	}
	return err
}

func (x *run) lineMask(i, attempt int) *lineMask {
	return &lineMask{masker: x.mask, tell: func(line string) {
		x.send(message{what: said, node: i, attempt: attempt, text: line})
	}}
}

// env is what the engine lends to the function of j.
func (x *run) env(ctx context.Context, j job, blobs *recorder) Env {
	i := j.node.index
	if j.lines == nil { // of a plan: nobody hears
		j.lines = x.lineMask(i, j.attempt)
	}
	return Env{
		Blobs: blobs,
		Dir:   x.dir,
		Log:   func(format string, args ...any) { j.lines.say(fmt.Sprintf(format, args...)) },
		Progress: func(done, total int64, unit string) {
			x.send(message{what: moved, node: i, attempt: j.attempt, done: done, total: total, unit: x.mask.text(unit)})
		},
		Secret: func(name string) (string, error) { return x.secret(ctx, j.node, name) },
	}
}

func (x *run) attempt(ctx context.Context, j job) outcome {
	if j.node.what == load {
		return x.load(ctx, j)
	}
	n, s := j.node, j.node.step
	dec := Decision{Step: n.id, Uses: s.kind.Name}
	fail := func(err error) outcome { return outcome{decision: dec, err: err} }
	results := x.values.results(ctx, j.results)
	ok, why, err := n.guards(j.status, results)
	if err != nil {
		return fail(err)
	}
	if !ok {
		dec.Action, dec.Code, dec.Reason = ActionSkip, CodeWhen, why
		return outcome{decision: dec}
	}
	with, out, err := n.fill(x.dir, results)
	if err != nil {
		return fail(err)
	}
	q := request{id: n.id, step: s, with: with, forced: j.forced, inputs: digests(j.args)}
	dec, parts, entry, err := x.decide(ctx, q)
	if err != nil {
		return fail(err)
	}
	if j.attempt > 1 && dec.Action == ActionReuse {
		dec.Action, dec.Code = ActionReuse, CodeUnchanged
	}
	if dec.Action == ActionRun && dec.Code != CodeForced && len(x.CacheFrom) > 0 {
		if e, ok := x.fetch(ctx, j, dec.Key, x.env(ctx, j, nil).Log); ok {
			dec.Action, dec.Code, dec.Reason, dec.Changes = ActionReuse, CodeCached, "found in the cache", nil
			entry = e
		}
	}
	if dec.Action == ActionReuse {
		return x.reuse(ctx, j, dec, entry, out)
	}
	x.send(message{what: started, node: n.index, attempt: j.attempt, decision: dec})
	stepCtx := ctx
	if s.timeout > 0 {
		var stop context.CancelFunc
		stepCtx, stop = context.WithTimeoutCause(ctx, s.timeout, schema.Errorf(schema.Timeout, "took longer than %s", s.timeout))
		defer stop()
	}
	// A secret that is listed and not there is told before the work, and all
	// are masked from the first line on.
	for _, name := range s.secrets {
		if _, err := x.secret(stepCtx, n, name); err != nil {
			return outcome{decision: dec, err: err}
		}
	}
	o := x.make(stepCtx, j, with, dec, parts, out)
	if o.err != nil {
		o.err = explain(stepCtx, o.err)
		if err := x.remember(dec.Key, n.id, parts, o); err != nil {
			o.err = errors.Join(o.err, err)
		}
	}
	return o
}

// remember keeps what the key of a step that failed was made of, if nothing
// else does: the next run is explained by that.
func (x *run) remember(key schema.Digest, step string, parts []Part, o outcome) error {
	code := schema.CodeOf(o.err)
	if o.artifact.Digest != "" || code == schema.Canceled {
		return nil
	}
	if _, known, err := x.Store.Lookup(key); known || err != nil {
		return err
	}
	return x.Store.Record(Entry{Key: key, Pipeline: x.plan.Name, Step: step, Run: x.id, Time: x.now().UTC(), Parts: parts, Outcome: code})
}

// make runs the function, keeps its result, and saves it. A result beside an
// error is kept and saved too, but not found again by its key.
func (x *run) make(ctx context.Context, j job, with bound, dec Decision, parts []Part, out string) outcome {
	n, s := j.node, j.node.step
	o := outcome{decision: dec}
	blobs := &recorder{Blobs: x.Store}
	env := x.env(ctx, j, blobs)
	var in Inputs
	var v schema.Value
	var err error
	if x.Execute != nil {
		v, err = x.elsewhere(ctx, j, with, env, blobs)
	} else {
		if in, err = x.inputs(ctx, j); err != nil {
			o.err = err
			return o
		}
		v, err = s.kind.Run(ctx, env, with.params, in)
	}
	if v == nil && err == nil {
		err = fmt.Errorf("BUG: %s returned neither a result nor an error", s.kind.Name)
	}
	if v == nil {
		o.err = err
		return o
	}
	if in != nil {
		if cerr := x.unchanged(j, in); cerr != nil && err == nil {
			o.err = cerr
			return o
		}
	}
	// What the function has made is kept also when the run is being stopped.
	keep := context.WithoutCancel(ctx)
	if serr := x.mask.keptOut(v); serr != nil {
		o.err = errors.Join(err, serr)
		return o
	}
	a, data, serr := storeValue(keep, x.Store, v)
	if serr != nil {
		o.err = errors.Join(err, serr)
		return o
	}
	if x.CheckDeterminism && !s.kind.Effect && err == nil && in != nil {
		if o.err = x.again(ctx, j, with.params, in, data); o.err != nil {
			return o
		}
	}
	o.artifact, o.blobs = a, blobs.sorted()
	e := Entry{Key: dec.Key, Pipeline: x.plan.Name, Step: n.id, Run: x.id, Artifact: a, Time: x.now().UTC(), Parts: parts, Blobs: o.blobs}
	if err != nil {
		e.Outcome = schema.CodeOf(err)
	}
	if rerr := x.Store.Record(e); rerr != nil && err == nil {
		err = rerr
	}
	if s.kind.Effect && err == nil {
		err = x.Store.Sync()
	}
	if dec.Action == ActionRun && err == nil && s.cache.ttl == 0 {
		x.share(keep, e, env.Log)
	}
	if out != "" {
		var serr error
		if o.out, serr = x.save(ctx, env, v, out); serr != nil {
			o.err = errors.Join(err, serr)
			return o
		}
	}
	o.err = err
	return o
}

// inputs decodes the values of an attempt.
func (x *run) inputs(ctx context.Context, j job) (Inputs, error) {
	in := Inputs{}
	for _, a := range j.args {
		v, err := x.values.get(ctx, a.from)
		if err != nil {
			return nil, fmt.Errorf("reading input %q: %w", a.port, err)
		}
		in[a.port] = append(in[a.port], v)
	}
	return in, nil
}

// unchanged holds the inputs against their digests after the function ran.
func (x *run) unchanged(j job, in Inputs) error {
	next := map[string]int{}
	for _, a := range j.args {
		v := in[a.port][next[a.port]]
		next[a.port]++
		data, err := schema.Encode(v)
		if err != nil {
			return err
		}
		if digestOf(data) != a.from.Digest {
			x.values.drop(a.from.Digest)
			return fmt.Errorf("BUG: %s changed its input %q", j.node.step.kind.Name, a.port)
		}
	}
	return nil
}

func digests(args []arg) []inDigest {
	out := make([]inDigest, 0, len(args))
	for _, a := range args {
		out = append(out, inDigest{a.port, a.list, a.from.Digest})
	}
	return out
}
