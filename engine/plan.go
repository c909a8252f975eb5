package engine

import (
	"maps"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// Plan is a compiled pipeline: every name looked up, every edge typed, no
// cycle. It is not changed by running it and may be run many times.
type Plan struct {
	Name   string
	Digest schema.Digest  // of the pipeline and the parameters it was compiled with
	Params map[string]any // with defaults filled in

	secrets map[string]schema.Secret
	pools   map[string]int
	timeout time.Duration
	steps   []*step // in declared order, finally last
	nodes   []*node // every edge points backwards
}

// step is one entry of the file.
type step struct {
	name     string
	at       place   // of the entry
	kind     *Kind   // nil for an included pipeline
	include  string  // where that came from
	inside   []*step // its steps
	scoped   string  // what stands before its own name: "lib/"
	index    int
	finally  bool
	matrix   matrix
	inputs   []input
	needs    []*step
	refs     []stepRef     // ${steps.…} in with, out and when
	guards   []guard       // all must be true; its own and those of including steps
	draft    *draft        // for what is filled in when running
	out      string        // template
	timeout  time.Duration // 0: none
	retry    retry
	pool     string
	parallel int  // rows at once; 0: no limit
	tolerate bool // continue-on-error
	cache    caching
	secrets  []string
	files    []string
	env      []string
	bounds   *bounds // nil: none
	rows     []*node // of a matrix that is known when compiling
	dynamic  bool    // the rows are known only when running
	group    *node   // nil for a step without a matrix
}

// input is one value wanted at a port.
type input struct {
	port Port
	at   place
	from *step  // nil for a URI
	row  string // one row of from, as its id, or a text of it that uses the matrix; "" for those that agree
	uri  string // template; "" for a step
	// byRow are the inputs of the step's own rows by id, where the text of `in`
	// uses the matrix; nil where it does not, or rows are known only when running.
	byRow map[string]input
}

// stepRef is a use of another step's result inside a text or a condition.
type stepRef struct {
	from *step
	at   place
}

// guard is a condition with what its names mean: those of the file that it
// stands in, also for the steps of a pipeline that this file includes.
type guard struct {
	*Condition
	params map[string]any
	prefix string // of the names of that file's steps: "" or "lib/"
	at     place
}

// caching is what a step says about reuse.
type caching struct {
	never bool          // cache: false
	safe  bool          // cache: true
	ttl   time.Duration // cache: {ttl: …}; 0: not said
}

// retry says how often and when a failed step is tried again.
type retry struct {
	limit        int // attempts in all; 0 means 1
	backoff, cap time.Duration
	jitter       bool
	on           string
}

// nodeKind says what a node does when its turn comes.
type nodeKind uint8

const (
	task  nodeKind = iota // runs the function of a kind
	load                  // reads a URI
	group                 // is done when its rows are
)

// node is one thing to do: a step, one row of a matrix step, a URI to load, or
// the whole of a matrix step.
type node struct {
	what    nodeKind
	id      string
	index   int // in Plan.nodes
	step    *step
	matrix  map[string]any    // this row's values by axis
	labels  map[string]string // their names
	edges   []edge            // data
	order   []int             // nodes that must be done before, no data
	with    bound
	out     string  // filled in; "" for nowhere
	uri     string  // of a load
	media   string  // media type a load must give
	bounds  *bounds // of a load: those of the steps that it is for
	at      place   // of a load: the input that it is for
	finally bool    // its turn comes when all else has ended
}

// bound holds the parameters of a node. They are decoded when compiling unless
// they use what another step makes.
type bound struct {
	late   bool
	params any    // what Kind.Decode returned
	text   string // canonical JSON of params, without the newline
}

// edge is one data dependency. From a group it stands for all rows that agree
// with the node's own row, in declared order.
type edge struct {
	port string // "" when the value is only referred to in a text or condition
	from int
	list bool
	opt  bool
	name string // the step, as the file says it
}

// Edge is one data dependency of a step, for graphs.
type Edge struct {
	Port string
	From string // id of a step, "" for a URI
	URI  string
}

// StepInfo describes one node of a plan.
type StepInfo struct {
	ID       string // render[eks,helm]
	Step     string // render
	Uses     string // kind; "load" for a URI, "matrix" for a step whose rows are known only when running
	Out      string
	In       []Edge
	Needs    []string
	Finally  bool
	Deferred bool // its rows are known only when running
	Matrix   map[string]any

	Timeout  time.Duration // of an attempt; 0: none
	Pool     string
	Parallel int // rows at once; 0: no limit
	Secrets  []string
	Reads    []string // files of this machine that it reads, as far as that is known
	Files    []string // of those, what is part of its key only
	Env      []string // the same of the environment
}

// Timeout is that of a whole run; 0: none.
func (p *Plan) Timeout() time.Duration { return p.timeout }

// Pools are the limits on how many steps run at once, by name.
func (p *Plan) Pools() map[string]int { return maps.Clone(p.pools) }

// Secrets says where each secret is read from.
func (p *Plan) Secrets() map[string]schema.Secret { return maps.Clone(p.secrets) }

// Steps lists what the plan does, in an order in which it could be done.
// The whole of a matrix step is left out: its rows stand for it.
func (p *Plan) Steps() []StepInfo {
	var out []StepInfo
	for _, n := range p.nodes {
		if n.what == group && !n.step.dynamic {
			continue
		}
		out = append(out, p.info(n))
	}
	return out
}

func (p *Plan) info(n *node) StepInfo {
	s := StepInfo{ID: n.id, Step: n.id, Out: n.out, Matrix: n.matrix}
	if n.what == load {
		s.Uses = "load"
		return s
	}
	s.Step, s.Uses, s.Finally, s.Deferred = n.step.name, n.uses(), n.step.finally, n.what == group
	s.Timeout, s.Pool, s.Parallel = n.step.timeout, n.step.pool, n.step.parallel
	s.Reads = p.reads(n)
	s.Secrets, s.Files, s.Env = n.step.secrets, n.step.files, n.step.env
	for _, e := range n.edges {
		for _, f := range p.members(e.from) {
			in := Edge{Port: e.port, From: f.id}
			if f.what == load {
				in.URI = f.uri
			}
			s.In = append(s.In, in)
		}
	}
	for _, i := range n.order {
		for _, f := range p.members(i) {
			s.Needs = append(s.Needs, f.id)
		}
	}
	return s
}

// members is node i, or its rows if it is a group whose rows are known.
func (p *Plan) members(i int) []*node {
	n := p.nodes[i]
	if n.what != group || n.step.dynamic {
		return []*node{n}
	}
	return n.step.rows
}

// types are the documents of the plan's kinds.
func (p *Plan) types() Types {
	kinds := make([]*Kind, len(p.steps))
	for i, s := range p.steps {
		kinds[i] = s.kind
	}
	return NewTypes(kinds...)
}

func (n *node) uses() string {
	switch {
	case n.what == load:
		return "load"
	case n.step.kind == nil:
		return "include"
	}
	return n.step.kind.Name
}
