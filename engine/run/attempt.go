package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/content"
	"github.com/NVIDIA/eidos/engine/key"
	"github.com/NVIDIA/eidos/engine/mask"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// message is what a running step reports to the run. It is the only way from a worker
// to the scheduler, whose goroutine alone changes the states of nodes.
type message struct {
	what        messageKind
	node        int
	attempt     int
	text        string
	done, total int64
	unit        string
	decision    engine.Decision
	outcome     outcome
}

type messageKind uint8

const (
	msgLog      messageKind = iota // a line of its log
	msgProgress                    // progress
	msgStarted                     // it was decided that it runs
	msgEnded
)

// outcome is how an attempt ended.
type outcome struct {
	decision engine.Decision
	artifact engine.Artifact // also beside an error
	blobs    []engine.Blob   // that the artifact names
	out      string
	err      error
}

// attempt is all that an attempt needs of the run, copied when it starts: a worker
// reads no state of the scheduler, which goes on meanwhile.
type attempt struct {
	node    *plan.Node
	attempt int
	forced  bool
	args    []arg
	results map[string]engine.Artifact // for texts and conditions, by step
	status  string                     // of the run, for steps under finally
	rows    int                        // of the step's matrix
	lines   *mask.Lines                // of the attempt's log
}

// arg is one value at a port.
type arg struct {
	port  string
	list  bool
	from  engine.Artifact
	blobs []engine.Blob
}

// newAttempt collects what an attempt at node i needs. A source without a result (one
// that was skipped, at an optional or a list port) has no arg.
func (x *scheduler) newAttempt(i int) attempt {
	n, st := x.nodes[i], &x.status[i]
	st.attempts++
	st.err = nil
	j := attempt{node: n, attempt: st.attempts, forced: st.forced, status: "success"}
	if len(x.roots) > 0 || x.failure != nil {
		j.status = "failure"
		if x.failure != nil && schema.CodeOf(x.failure) == schema.Canceled {
			j.status = "canceled"
		}
	}
	if n.Matrix != nil {
		j.rows = len(x.rowsOf(n.Step))
	}
	if x.single != nil && x.single.Status != "" {
		j.status = x.single.Status
	}
	j.args = make([]arg, 0, len(n.Edges))
	for _, e := range n.Edges {
		for _, f := range x.sources(n, e) {
			a := x.status[f].artifact
			switch {
			case e.Port == "":
				if j.results == nil {
					j.results = map[string]engine.Artifact{}
				}
				j.results[e.Name] = a
			case a.Digest != "":
				j.args = append(j.args, arg{e.Port, e.List, a, x.status[f].blobs})
			}
		}
	}
	return j
}

// send sends a message to the run; it does not block forever if nobody receives: a
// goroutine that a step left behind may log after the run has ended.
func (w *worker) send(m message) {
	select {
	case w.messages <- m:
	case <-w.closed:
	}
}

// do makes one attempt, in a goroutine of the group. The last thing it sends is its
// end: a log line that was begun is sent before, and the error is masked, like all
// that leaves a worker.
func (w *worker) do(ctx context.Context, j attempt) {
	j.lines = w.lineMask(j.node.Index, j.attempt)
	o := w.try(ctx, j)
	j.lines.Flush()
	if o.err != nil {
		o.err = w.mask.Error(w.plan.Locate(j.node, explain(ctx, o.err)))
	}
	w.send(message{what: msgEnded, node: j.node.Index, attempt: j.attempt, outcome: o})
}

// explain replaces an error that comes of a cancelled context: a step that ended
// because of a time limit timed out, one that was stopped was interrupted, whatever
// its function made of that. Other errors stay, also those that came first.
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

func (w *worker) lineMask(i, attempt int) *mask.Lines {
	return &mask.Lines{Masker: w.mask, Emit: func(line string) {
		w.send(message{what: msgLog, node: i, attempt: attempt, text: line})
	}}
}

// env is what the engine lends to the function of j, until the attempt ends. blobs
// notes what the function reads and writes: the entry names it, so that it is kept and
// shared with the result.
func (w *worker) env(ctx context.Context, j attempt, blobs *content.Recorder) engine.Env {
	i := j.node.Index
	if j.lines == nil { // of a plan: nobody reads it
		j.lines = w.lineMask(i, j.attempt)
	}
	return engine.Env{
		Blobs: blobs,
		Dir:   w.dir,
		Log:   func(format string, args ...any) { j.lines.Add(fmt.Sprintf(format, args...)) },
		Progress: func(done, total int64, unit string) {
			w.send(message{what: msgProgress, node: i, attempt: j.attempt, done: done, total: total, unit: w.mask.Text(unit)})
		},
		Secret: func(name string) (string, error) { return w.secret(ctx, j.node, name) },
	}
}

// try is one attempt: guards, late values, the decision, the caches of others, and
// only then the function. Each is cheaper than the next, and what ends the attempt
// early has not started the step: msgStarted comes after them.
func (w *worker) try(ctx context.Context, j attempt) outcome {
	if j.node.Type == plan.LoadNode {
		return w.load(ctx, j)
	}
	n, s := j.node, j.node.Step
	dec := engine.Decision{Step: n.ID, Uses: s.Kind.Name}
	fail := func(err error) outcome { return outcome{decision: dec, err: err} }
	results := w.values.results(ctx, j.results)
	ok, why, err := n.Guards(j.status, results)
	if err != nil {
		return fail(err)
	}
	if !ok {
		dec.Action, dec.Code, dec.Reason = engine.ActionSkip, engine.CodeWhen, why
		return outcome{decision: dec}
	}
	with, out, err := n.Fill(w.dir, results)
	if err != nil {
		return fail(err)
	}
	q := request{id: n.ID, step: s, with: with, forced: j.forced, inputs: digests(j.args)}
	dec, parts, entry, err := w.decide(ctx, q)
	if err != nil {
		return fail(err)
	}
	// Another process may have made it since, or this one, before `out` failed.
	if j.attempt > 1 && dec.Action == engine.ActionReuse {
		dec.Code = engine.CodeUnchanged
	}
	if dec.Action == engine.ActionRun && dec.Code != engine.CodeForced && len(w.CacheFrom) > 0 {
		if e, ok := w.fetch(ctx, j, dec.Key, parts, w.env(ctx, j, nil).Log); ok {
			dec.Action, dec.Code, dec.Reason, dec.Changes = engine.ActionReuse, engine.CodeCached, "found in the cache", nil
			entry = e
		}
	}
	if dec.Action == engine.ActionReuse {
		return w.reuse(ctx, j, dec, entry, out)
	}
	w.send(message{what: msgStarted, node: n.Index, attempt: j.attempt, decision: dec})
	stepCtx := ctx // the time limit counts from here: waiting for a cache is not of the step
	if s.Timeout > 0 {
		var stop context.CancelFunc
		stepCtx, stop = context.WithTimeoutCause(ctx, s.Timeout, schema.Errorf(schema.Timeout, "took longer than %s", s.Timeout))
		defer stop()
	}
	// A secret that is listed and not there is reported before the work, and all
	// are masked from the first line on.
	for _, name := range s.Secrets {
		if _, err := w.secret(stepCtx, n, name); err != nil {
			return outcome{decision: dec, err: err}
		}
	}
	o := w.execute(stepCtx, j, with, dec, parts, out)
	if o.err != nil {
		o.err = explain(stepCtx, o.err)
		if err := w.recordParts(dec.Key, n.ID, parts, o); err != nil {
			o.err = errors.Join(o.err, err)
		}
	}
	return o
}

// recordParts keeps what the key of a step that failed was made of, if nothing
// else does: the next run is explained by that.
func (w *worker) recordParts(key schema.Digest, step string, parts []engine.Part, o outcome) error {
	code := schema.CodeOf(o.err)
	if o.artifact.Digest != "" || code == schema.Canceled {
		return nil
	}
	if _, known, err := w.Store.Lookup(key); known || err != nil {
		return err
	}
	return w.Store.Record(engine.Entry{Key: key, Pipeline: w.plan.Name, Step: step, Run: w.id, Time: w.now().UTC(), Parts: parts, Outcome: code})
}

// execute runs the function, keeps its result, and saves it. A result beside an
// error is kept and saved too, but not found again by its key. Order: content, then
// the entry that names it, then other machines and `out`; a crash in between leaves
// content that nobody names, never a name without content. What an effect has done
// cannot be made again, so its entry is on the disk before the step counts as done.
func (w *worker) execute(ctx context.Context, j attempt, with plan.Params, dec engine.Decision, parts []engine.Part, out string) outcome {
	n, s := j.node, j.node.Step
	o := outcome{decision: dec}
	blobs := &content.Recorder{Blobs: w.Store}
	env := w.env(ctx, j, blobs)
	var in engine.Inputs
	var v schema.Value
	var err error
	if w.Execute != nil {
		v, err = w.runRemotely(ctx, j, with, env, blobs)
	} else {
		if in, err = w.inputs(ctx, j); err != nil {
			o.err = err
			return o
		}
		v, err = s.Kind.Run(ctx, env, with.Value, in)
	}
	if v == nil && err == nil {
		err = fmt.Errorf("BUG: %s returned neither a result nor an error", s.Kind.Name)
	}
	if v == nil {
		o.err = err
		return o
	}
	if in != nil { // another process has inputs of its own
		if cerr := w.unchanged(j, in); cerr != nil && err == nil {
			o.err = cerr
			return o
		}
	}
	// What the function has made is kept also when the run is being stopped.
	keep := context.WithoutCancel(ctx)
	// Before it is written: a secret in the store would be in every cache and image.
	if serr := w.mask.Check(v); serr != nil {
		o.err = errors.Join(err, serr)
		return o
	}
	a, data, serr := content.Write(keep, w.Store, v)
	if serr != nil {
		o.err = errors.Join(err, serr)
		return o
	}
	if w.CheckDeterminism && !s.Kind.Effect && err == nil && in != nil {
		if o.err = w.checkDeterminism(ctx, j, with.Value, in, data); o.err != nil {
			return o
		}
	}
	o.artifact, o.blobs = a, blobs.Sorted()
	e := engine.Entry{Key: dec.Key, Pipeline: w.plan.Name, Step: n.ID, Run: w.id, Artifact: a, Time: w.now().UTC(), Parts: parts, Blobs: o.blobs}
	if err != nil {
		e.Outcome = schema.CodeOf(err)
	}
	if rerr := w.Store.Record(e); rerr != nil && err == nil {
		err = rerr
	}
	if s.Kind.Effect && err == nil {
		err = w.Store.Sync()
	}
	// What has a time limit, reads a secret or an external system is true here and now,
	// and not for other machines.
	if dec.Action == engine.ActionRun && err == nil && s.Cache.TTL == 0 {
		w.shareResult(keep, e, env.Log)
	}
	if out != "" {
		var serr error
		if o.out, serr = w.save(ctx, env, v, out); serr != nil {
			o.err = errors.Join(err, serr)
			return o
		}
	}
	o.err = err
	return o
}

// inputs decodes the values of an attempt. They are shared with other steps, and
// read-only.
func (w *worker) inputs(ctx context.Context, j attempt) (engine.Inputs, error) {
	in := engine.Inputs{}
	for _, a := range j.args {
		v, err := w.values.get(ctx, a.from)
		if err != nil {
			return nil, fmt.Errorf("reading input %q: %w", a.port, err)
		}
		in[a.port] = append(in[a.port], v)
	}
	return in, nil
}

// unchanged compares the inputs with their digests after the function ran. Decoded
// values are shared between steps, so that one which writes to its input would
// change what the others see.
func (w *worker) unchanged(j attempt, in engine.Inputs) error {
	next := map[string]int{}
	for _, a := range j.args {
		v := in[a.port][next[a.port]]
		next[a.port]++
		data, err := schema.Encode(v)
		if err != nil {
			return err
		}
		if schema.DigestOf(data) != a.from.Digest {
			w.values.drop(a.from.Digest)
			return fmt.Errorf("BUG: %s changed its input %q", j.node.Step.Kind.Name, a.port)
		}
	}
	return nil
}

// digests are the inputs of a key, in the order of the edges.
func digests(args []arg) []key.Input {
	out := make([]key.Input, 0, len(args))
	for _, a := range args {
		out = append(out, key.Input{Port: a.port, List: a.list, Digest: a.from.Digest})
	}
	return out
}
