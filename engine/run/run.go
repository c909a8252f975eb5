package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/engine/mask"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
)

// Runner runs plans. Only Store must be set. A Runner may run several plans,
// also at once.
type Runner struct {
	Store engine.Store
	Load  engine.Loader // for plans that load; nil refuses them
	Save  engine.Saver  // for plans that save; nil refuses them
	Dir   string        // relative paths of the pipeline are relative to it; "" is "."
	Jobs  int           // steps at once; 0 is as many as there are processors
	// KeepGoing runs what does not depend on a failed step.
	KeepGoing bool
	Force     []string // steps, or rows, to run whatever the store holds
	Only      []string // steps, or rows, to run with what they need, and nothing else
	From      string   // step to run, and all that depends on it
	Resume    string   // run that was interrupted, to go on with under its id
	// Retry is a run that has ended: what its steps did is not repeated, also
	// their effects. Steps under finally run again.
	Retry  string
	Source *engine.Source // recorded in the journal: what the run was made of; nil for nothing
	// CheckDeterminism runs each step of a kind without Effect twice, and fails
	// one that has two results.
	CheckDeterminism bool
	// CacheFrom are asked in turn for results that the store lacks; CacheTo are
	// given those that are made. Both are for kinds without Effect only.
	CacheFrom, CacheTo []engine.Cache
	// Execute runs the functions remotely; nil runs them in this process.
	Execute engine.Execute
	// ExecuteRows reports that Execute wants all rows of a matrix step together, and
	// keeps to Task.Parallel itself.
	ExecuteRows bool
	// Events is called for every event, in order, from one goroutine at a time. The
	// scheduler waits for it: what is slow here delays the start of steps.
	Events func(engine.Event)
	Clock  func() time.Time // nil is time.Now
	// Secret reads a secret that is neither env nor file.
	Secret    func(context.Context, schema.Secret) (string, error)
	LookupEnv func(string) (string, bool) // nil is os.LookupEnv
	Grace     time.Duration               // for finally steps when the run was stopped; 0 is a minute
}

// errStopped cancels what runs beside a failed step.
var errStopped = errors.New("another step failed")

// Run runs p. The error is the root cause, several joined with KeepGoing, nil
// if every step that had to succeed did; Canceled if ctx ended first. The
// result is nil only if nothing was started.
func (r *Runner) Run(ctx context.Context, p *plan.Plan) (*Result, error) {
	x, err := r.newRun(ctx, p)
	if err != nil {
		return nil, err
	}
	if x.journal, err = r.Store.Journal(x.id); err != nil {
		return nil, err
	}
	defer x.close()
	x.runEvent(engine.Running, nil)
	// The time limit of the pipeline ends the main phase only. The steps under finally
	// get a context that the caller's does not cancel: they clean up after Ctrl-C too,
	// for as long as the grace lasts.
	main, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if p.Timeout > 0 {
		var stop context.CancelFunc
		main, stop = context.WithTimeoutCause(main, p.Timeout, schema.Errorf(schema.Timeout, "the run took longer than %s", p.Timeout))
		defer stop()
	}
	x.phase(main, cancel, false)
	x.noteEnd(ctx, main)
	if x.openLate > 0 {
		grace := r.finallyLimit()
		last, stop := context.WithTimeoutCause(context.WithoutCancel(ctx), grace, schema.Errorf(schema.Timeout, "the steps under finally took longer than %s", grace))
		defer stop()
		x.phase(last, func(error) {}, true)
	}
	res := x.result()
	// Results are on the disk before the event that the run has ended: who reads the
	// journal of a finished run finds all of them.
	if err := r.Store.Sync(); err != nil && x.failure == nil {
		x.failure = err
	}
	err = x.rootCause()
	x.runEvent(x.final(err), err)
	// A journal that could not be written fails a run that did well, for it cannot be
	// explained or resumed; it never hides the root cause of one that failed.
	if x.journalErr != nil && err == nil {
		err = x.journalErr
	}
	return res, err
}

// newRun prepares everything that can fail before the first step. It writes nothing:
// an unknown step in Only leaves no journal.
func (r *Runner) newRun(ctx context.Context, p *plan.Plan) (*scheduler, error) {
	if r.Store == nil {
		panic("BUG: a Runner without a Store")
	}
	if err := ctx.Err(); err != nil {
		return nil, schema.Errorf(schema.Canceled, "interrupted before the first step")
	}
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return nil, err
	}
	now := r.Clock
	if now == nil {
		now = time.Now
	}
	environ := r.LookupEnv
	if environ == nil {
		environ = os.LookupEnv
	}
	jobs := r.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	start := now()
	id := r.Resume
	if id == "" {
		// Ids sort by time; the random part keeps apart runs of the same second, also
		// of other processes with this store.
		var b [3]byte
		rand.Read(b[:])
		id = start.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
	}
	x := &scheduler{
		worker: &worker{
			Runner: r, plan: p, id: id,
			decider:  decider{store: r.Store, pipeline: p.Name, resume: r.Resume, retry: r.Retry, dir: dir, now: now, environ: environ},
			values:   values{store: r.Store, types: p.Types(), m: map[schema.Digest]*value{}},
			mask:     &mask.Masker{},
			messages: make(chan message, 4*jobs), // so that logging seldom waits for the scheduler
			closed:   make(chan struct{}),
		},
		start: start, jobs: jobs,
		nodes:   append([]*plan.Node(nil), p.Nodes...),
		status:  make([]nodeStatus, len(p.Nodes)),
		perStep: map[*plan.Step]int{}, perPool: map[string]int{},
		rows: map[*plan.Step][]*plan.Node{}, indexes: plan.Indexes{},
	}
	if err := x.loadFinished(); err != nil {
		return nil, err
	}
	x.group = new(errgroup.Group)
	x.group.SetLimit(jobs)
	if err := x.selectSteps(); err != nil {
		return nil, err
	}
	for i := range x.nodes {
		x.enlist(i)
	}
	return x, nil
}

// scheduler is one run of a plan: it owns the states of all nodes, and decides
// which is next. The goroutine in Run owns all of it but the worker, whose attempts
// run in group and send messages.
type scheduler struct {
	*worker
	start   time.Time
	jobs    int
	nodes   []*plan.Node // of the plan, and rows that were found while running
	status  []nodeStatus
	rows    map[*plan.Step][]*plan.Node // of matrix steps that were unrolled while running
	indexes plan.Indexes
	group   *errgroup.Group
	journal engine.Journal
	flushed time.Time // when the journal was
	line    []byte    // the last event in the journal; its room is used again

	ready      readyHeap
	parked     []int     // ready, but their pool or step is full
	retries    []retryAt // in state Retrying, the next first
	running    int       // nodes in state Running
	open       int       // nodes that are not final, without those of finally
	openLate   int       // the same of finally
	perStep    map[*plan.Step]int
	perPool    map[string]int
	single     *Single      // nil for a run of all steps
	late       bool         // the steps under finally have their turn
	stopped    bool         // nothing more is started
	contextErr func() error // whether the context of the phase is done
	roots      []int        // nodes that failed by themselves, the first failure first
	failure    error        // whose root cause is not a step
	seq        int          // of the last event
	journalErr error        // the first; it stops nothing
}

// nodeStatus is what changes about a node.
type nodeStatus struct {
	state      engine.State
	pending    int   // of what it waits for, how many are not final
	dependents []int // who waits for it
	chosen     bool  // by Only
	forced     bool
	announced  bool // an event named its kind
	unrolled   bool // a matrix step whose rows are there
	decision   engine.Decision
	err        error
	artifact   engine.Artifact
	blobs      []engine.Blob // that the artifact names
	readers    int           // dependents that may still want the value; at 0 its decoded form is dropped
	attempts   int
	out        string
	start, end time.Time
}

// close lets attempts that are still sending go on, and closes the journal.
func (x *scheduler) close() {
	close(x.closed)
	if err := x.journal.Close(); err != nil && x.journalErr == nil {
		x.journalErr = err
	}
}

// enlist puts node i into the run, behind what it waits for. An edge waits and keeps
// the value of its source; an order waits only. What is final already, as for rows
// that are found while running, is not waited for.
func (x *scheduler) enlist(i int) {
	n, st := x.nodes[i], &x.status[i]
	st.state = engine.Waiting
	x.count(i, engine.Waiting, 1)
	wait := func(on int) {
		if !x.status[on].state.Final() {
			st.pending++
			x.status[on].dependents = append(x.status[on].dependents, i)
		}
	}
	for _, e := range n.Edges {
		wait(e.From)
		x.status[e.From].readers++
	}
	for _, o := range n.Order {
		wait(o)
	}
}
