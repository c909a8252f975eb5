package plan

import (
	"slices"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Before lists the nodes that n waits for.
func Before(n *Node) []int {
	var out []int
	for _, e := range n.Edges {
		out = append(out, e.From)
	}
	return append(out, n.Order...)
}

// Plan is a compiled pipeline: every name looked up, every edge typed, no
// cycle. It is not changed by running it and may be run many times.
type Plan struct {
	Name   string
	Digest schema.Digest  // of the pipeline and the parameters it was compiled with
	Params map[string]any // with defaults filled in

	Secrets map[string]schema.Secret
	Pools   map[string]int // limits on how many steps run at once, by name
	Timeout time.Duration  // of a whole run; 0: none

	parameter func(name string) string // shows a parameter in hints
	dir       string                   // Options.Dir

	steps []*Step // in declared order, finally last
	// Nodes has every node after all that it waits for: one walk forwards sees sources
	// first. Node.Index is its place here.
	Nodes []*Node
}

// Step is one entry of the file.
type Step struct {
	Name            string
	At              schema.Position // of the entry
	Kind            *engine.Kind    // nil for an included pipeline
	include         string          // where that came from
	inside          []*Step         // its steps
	scoped          string          // the prefix of its name: "lib/"
	index           int
	Finally         bool
	matrix          matrix
	inputs          []input
	needs           []*Step
	Refs            []Ref         // ${steps.…} in with, out and when
	Guards          []guard       // all must be true; its own and those of including steps
	draft           *draft        // for what is filled in when running
	out             string        // template
	Timeout         time.Duration // 0: none
	Retry           Retry
	Pool            string
	Parallel        int  // rows at once; 0: no limit
	ContinueOnError bool // continue-on-error
	Cache           Caching
	Secrets         []string
	Files           []string
	Env             []string
	bounds          *bounds // nil: none
	Rows            []*Node // of a matrix that is known when compiling
	Dynamic         bool    // the rows are known only when running
	group           *Node   // nil for a step without a matrix
}

// input is one value wanted at a port.
type input struct {
	port engine.Port
	at   schema.Position
	from *Step  // nil for a URI
	row  string // one row of from, as its id, or a text of it that uses the matrix; "" for those that agree
	uri  string // template; "" for a step
	// byRow are the inputs of the step's own rows by id, where the text of `in`
	// uses the matrix; nil where it does not, or rows are known only when running.
	byRow map[string]input
}

// Ref is a use of another step's result inside a text or a condition.
type Ref struct {
	From *Step
	at   schema.Position
}

// guard is a condition with what its names mean: those of the file that it
// is in, also for the steps of a pipeline that this file includes.
type guard struct {
	*Condition
	params map[string]any
	prefix string // of the names of that file's steps: "" or "lib/"
	at     schema.Position
}

// Caching are the settings of a step about reuse.
type Caching struct {
	Never bool          // cache: false
	Safe  bool          // cache: true
	TTL   time.Duration // cache: {ttl: …}; 0: not set
}

// NodeType is what a node does when its turn comes.
type NodeType uint8

const (
	StepNode   NodeType = iota // runs the function of a kind
	LoadNode                   // reads a URI
	MatrixNode                 // is done when its rows are
)

// Node is one thing to do: a step, one row of a matrix step, a URI to load, or
// the whole of a matrix step.
type Node struct {
	Type      NodeType
	ID        string
	Index     int // in Plan.Nodes
	Step      *Step
	Matrix    map[string]any    // this row's values by axis
	labels    map[string]string // their names
	Edges     []Edge            // data
	Order     []int             // nodes that must be done before, no data
	With      Params
	Out       string          // filled in; "" for nowhere
	URI       string          // of a load
	MediaType string          // media type a load must return
	bounds    *bounds         // of a load: those of the steps that it is for
	at        schema.Position // of a load: the first input that it is for
	Finally   bool            // its turn comes when all else has ended
}

// Params holds the parameters of a node. They are decoded when compiling unless
// they use what another step makes.
type Params struct {
	Late  bool
	Value any    // what Kind.Decode returned
	JSON  string // canonical JSON of params, without the newline
}

// Edge is one data dependency. From a group it is one to each row that agrees
// with the node's own row, in declared order.
type Edge struct {
	Port     string // "" when the value is only referred to in a text or condition
	From     int
	List     bool
	Optional bool
	Name     string // the step, as the file writes it
}

// InputInfo is one data dependency of a step, for graphs.
type InputInfo struct {
	Port string
	From string // id of a step, "" for a URI
	URI  string
}

// NodeInfo describes one node of a plan.
type NodeInfo struct {
	ID       string // render[eks,helm]
	Step     string // render
	Uses     string // kind; "load" for a URI, "matrix" for a step whose rows are known only when running
	Out      string
	In       []InputInfo
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

// Steps lists what the plan does, in an order in which it could be done.
// The whole of a matrix step is left out: its rows are there.
func (p *Plan) Steps() []NodeInfo {
	var out []NodeInfo
	for _, n := range p.Nodes {
		if n.Type == MatrixNode && !n.Step.Dynamic {
			continue
		}
		out = append(out, p.info(n))
	}
	return out
}

func (p *Plan) info(n *Node) NodeInfo {
	s := NodeInfo{ID: n.ID, Step: n.ID, Out: n.Out, Matrix: n.Matrix}
	if n.Type == LoadNode {
		s.Uses = "load"
		return s
	}
	s.Step, s.Uses, s.Finally, s.Deferred = n.Step.Name, n.Uses(), n.Step.Finally, n.Type == MatrixNode
	s.Timeout, s.Pool, s.Parallel = n.Step.Timeout, n.Step.Pool, n.Step.Parallel
	s.Reads = p.reads(n)
	s.Secrets, s.Files, s.Env = n.Step.Secrets, n.Step.Files, n.Step.Env
	for _, e := range n.Edges {
		for _, f := range p.members(e.From) {
			in := InputInfo{Port: e.Port, From: f.ID}
			if f.Type == LoadNode {
				in.URI = f.URI
			}
			s.In = append(s.In, in)
		}
	}
	for _, i := range n.Order {
		for _, f := range p.members(i) {
			s.Needs = append(s.Needs, f.ID)
		}
	}
	return s
}

// members is node i, or its rows if it is a group whose rows are known.
func (p *Plan) members(i int) []*Node {
	n := p.Nodes[i]
	if n.Type != MatrixNode || n.Step.Dynamic {
		return []*Node{n}
	}
	return n.Step.Rows
}

// Types are the documents of the plan's kinds.
func (p *Plan) Types() engine.Types {
	var kinds []*engine.Kind
	for _, s := range p.steps {
		if !slices.Contains(kinds, s.Kind) {
			kinds = append(kinds, s.Kind)
		}
	}
	return engine.NewTypes(kinds...)
}

// Uses is the name of the kind, load for a URI, include for an included pipeline.
func (n *Node) Uses() string {
	switch {
	case n.Type == LoadNode:
		return "load"
	case n.Step.Kind == nil:
		return "include"
	}
	return n.Step.Kind.Name
}

// Late reports whether n belongs to finally.
func (n *Node) Late() bool { return n.Finally }

// ContinueOnError reports whether a failure of n leaves the run whole.
func (n *Node) ContinueOnError() bool { return n.Step != nil && n.Step.ContinueOnError }
