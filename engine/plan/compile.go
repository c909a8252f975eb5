package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
)

// Options is what a pipeline may use that is not in it.
type Options struct {
	Params map[string]string // --param NAME=VALUE, read by the parameter's type
	Values map[string]any    // of a file of parameters; Params wins
	// ValuesDoc is the document that Values are from, for the positions of errors;
	// nil if they have none.
	ValuesDoc *schema.Doc
	// When compiles conditions; nil refuses a pipeline that has any.
	When func(expr string) (*Condition, error)
	// Include reads another pipeline; from is the name of the file that asks.
	// nil refuses a pipeline that includes.
	Include func(uri, from string) (*schema.Pipeline, *schema.Doc, error)
	// Dir is that of the run, absolute: relative paths are in it. "" is a run that is
	// not known: links are not followed.
	Dir string
	// Present refuses a plan that reads files in Dir which are not there and which it
	// does not make.
	Present bool
	// Parameter shows a parameter of a step in hints; nil: as a key, "repo:".
	Parameter func(name string) string
}

// Compile checks p and makes a plan of it: parameters, kinds and their own
// parameters, edges and their types, cycles. All problems are returned at
// once, as Invalid, with their positions in doc, which p was decoded from; nil
// for a pipeline that has no text.
func Compile(p *schema.Pipeline, doc *schema.Doc, kinds []engine.Kind, opts Options) (*Plan, error) {
	c := &compiler{opts: opts, kinds: make(map[string]*engine.Kind, len(kinds)), memo: map[string]Params{}, loads: map[string]*Node{}, outs: newOutputs(opts.Dir), indexes: Indexes{}}
	for i := range kinds {
		c.kinds[kinds[i].Name] = &kinds[i]
		c.kindNames = append(c.kindNames, kinds[i].Name)
	}
	if doc == nil {
		var err error
		if doc, err = schema.FromValue(p); err != nil {
			return nil, err
		}
	}
	if opts.Parameter == nil {
		c.opts.Parameter = func(name string) string { return name + ":" }
	}
	top := schema.Position{Doc: doc}
	c.plan = &Plan{Name: p.Metadata.Name, Secrets: p.Secrets, Pools: map[string]int{}, parameter: c.opts.Parameter, dir: c.opts.Dir}
	for n, size := range p.Pools {
		c.plan.Pools[n] = size
	}
	c.plan.Timeout = c.duration(p.Timeout, top, "timeout")
	c.checkSecrets(p.Secrets, top.Child("secrets"))
	for _, n := range slices.Sorted(maps.Keys(p.Secrets)) {
		c.check(boundsOf(doc), touch{readsSecret, n, top.Child("secrets", n)})
	}
	params, errs := fillParams(p.Params, top.Child("params"), given{texts: opts.Params, values: opts.Values, doc: opts.ValuesDoc})
	c.problems.Add(errs)
	c.plan.Params = params
	s := &scope{bounds: boundsOf(doc), top: p, params: params, decl: p.Params, names: map[string]*Step{}, at: top}
	c.declare(s, p.Steps, doc.Mapping("steps"), false)
	c.declare(s, p.Finally, doc.Mapping("finally"), true)
	for _, d := range c.declared {
		c.link(d)
	}
	// With a cycle the order is one of many, and nothing is expanded by it.
	order := c.sort()
	sound := c.problems.Len() == 0
	for _, d := range order {
		if sound {
			c.expand(d)
		} else {
			c.checkWith(d)
		}
	}
	if sound && opts.Present {
		c.problems.Add(c.plan.Missing(opts.Dir))
	}
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	var err error
	if c.plan.Digest, err = planDigest(append(c.included, p), params); err != nil {
		return nil, err
	}
	return c.plan, nil
}

// planDigest names what was compiled: the documents as they are decoded, not their
// texts, so that spaces and comments of the file do not matter. A run that was killed
// is resumed by a run of the same digest.
func planDigest(p []*schema.Pipeline, params map[string]any) (schema.Digest, error) {
	data, err := schema.Encode([]any{p, params})
	if err != nil {
		return "", err
	}
	return schema.DigestOf(data), nil
}

// compiler is one compilation. A Plan keeps nothing of it but the drafts of steps, which
// Fill and Unroll bind by while running; they make a small compiler of their own.
type compiler struct {
	opts      Options
	kinds     map[string]*engine.Kind
	kindNames []string
	plan      *Plan
	declared  []*draft
	memo      map[string]Params // step and what its row filled in → parameters
	texts     map[string]text   // that were parsed
	loads     map[string]*Node  // by media type and URI
	outs      *outputs
	included  []*schema.Pipeline
	expanded  map[*Step][]*Node // while running: rows that are known by now
	indexes   Indexes
	edges     int  // between nodes, with data
	tooLarge  bool // reported once, see full
	problems  schema.Problems
}

// scope is what the names in one file mean.
type scope struct {
	top    *schema.Pipeline
	prefix string // of the steps' names: "" or "lib/"
	params map[string]any
	decl   map[string]schema.Param
	names  map[string]*Step // as this file writes them, and lib/step for included ones
	at     schema.Position
	outer  *draft // the step that includes this file
	file   string // as that step names it
	from   string // the file of that step
	bounds *bounds
}

// draft is a step while it is compiled. After that it is read only: workers bind late
// parameters by it at the same time.
type draft struct {
	*Step
	src    schema.Step
	with   *schema.Doc
	filled bool // there are references in with
	scope  *scope
	inside []*draft // steps of an included pipeline
	// parameter is that of the plan.
	parameter func(name string) string
	places    []schema.Position // of needs
}

// fail notes a problem.
func (c *compiler) fail(err error) { c.problems.Add(err) }

// failAs is fail for an error that takes time to word, as its hint looks through
// all the steps.
func (c *compiler) failAs(word func() error) {
	if c.problems.Full() {
		c.problems.Count(1)
		return
	}
	c.fail(word())
}

// declare makes a draft of every step, so that links can find them. Steps come in the
// order of doc. One of an unknown kind is declared too, so that those who take its
// result are not reported for that.
func (c *compiler) declare(s *scope, steps map[string]schema.Step, doc *schema.Doc, finally bool) []*draft {
	var out []*draft
	add := func(name string, entry *schema.Doc) {
		if !c.room(schema.Position{Doc: entry}, len(c.plan.steps)+1) {
			return
		}
		d := &draft{src: steps[name], with: entry.Mapping("with"), scope: s, parameter: c.opts.Parameter}
		src := &d.src
		st := &Step{Name: s.prefix + name, At: schema.Position{Doc: entry}, index: len(c.declared), Finally: finally, out: src.Out, bounds: s.bounds, draft: d}
		d.Step = st
		if other := s.names[name]; other != nil {
			c.fail(d.At.KeyErrorf("step %q is defined in steps and in finally", name))
			return
		}
		s.names[name] = st
		c.plan.steps = append(c.plan.steps, st)
		c.declared = append(c.declared, d)
		out = append(out, d)
		c.settings(d)
		switch {
		case src.Uses != "" && src.Include != "":
			c.fail(d.At.Child("include").KeyErrorf("a step has either uses or include"))
		case src.Include != "":
			c.include(d)
		case src.Uses == "":
			c.fail(d.At.KeyErrorf("step %q has neither uses nor include", name).WithHint("add uses: with one of %s", strings.Join(c.kindNames, ", ")))
		default:
			st.Kind = c.kinds[src.Uses]
			if st.Kind == nil {
				c.failAs(func() error {
					return d.At.Child("uses").Wrap(noKind(src.Uses, c.kindNames))
				})
			}
		}
	}
	for name, entry := range doc.Children() {
		if _, ok := steps[name]; ok {
			add(name, entry)
		}
	}
	return out
}

// settings reads the keys beside uses, with and in. What only the values of a row
// decide (with, out, in) is left to expand.
func (c *compiler) settings(d *draft) {
	src, s := d.src, d.Step
	s.Timeout = c.duration(src.Timeout, d.At, "timeout")
	s.Parallel = int(src.MaxParallel)
	s.ContinueOnError = src.ContinueOnError
	s.Pool, s.Secrets, s.Files, s.Env = src.Pool, src.Secrets, src.Files, src.Env
	c.check(s.bounds, s.touches()...)
	for i, n := range s.Env {
		c.check(s.bounds, touch{readsVariable, n, d.At.Child("env", strconv.Itoa(i))})
	}
	if src.Allow != nil && src.Include == "" {
		c.fail(d.At.Child("allow").KeyErrorf("allow goes with include only"))
	}
	if s.Pool != "" {
		if _, ok := c.plan.Pools[s.Pool]; !ok {
			c.failAs(func() error {
				return d.At.Child("pool").Errorf("no pool %q", s.Pool).WithHint("%s", suggest(s.Pool, slices.Sorted(maps.Keys(c.plan.Pools)), "add it under pools:"))
			})
		}
	}
	for i, n := range s.Secrets {
		if _, ok := c.plan.Secrets[n]; !ok {
			c.failAs(func() error {
				return d.At.Child("secrets", strconv.Itoa(i)).Errorf("no secret %q", n).WithHint("%s", suggest(n, slices.Sorted(maps.Keys(c.plan.Secrets)), "add it under secrets:"))
			})
			continue
		}
		if s.bounds != outermost { // its own secrets are noted where they are declared
			c.check(s.bounds, touch{readsSecret, n, d.At.Child("secrets", strconv.Itoa(i))})
		}
	}
	if r := src.Retry; r != nil {
		s.Retry = Retry{Limit: int(r.Limit), backoff: c.duration(r.Backoff, d.At, "retry", "backoff"), cap: c.duration(r.Cap, d.At, "retry", "cap"), jitter: r.Jitter == nil || *r.Jitter, on: r.On}
		if s.Retry.on == "" {
			s.Retry.on = "temporary"
		}
	}
	switch v := src.Cache.(type) {
	case bool:
		s.Cache = Caching{Never: !v, Safe: v}
	case map[string]any:
		text, _ := v["ttl"].(string)
		s.Cache.TTL = c.duration(text, d.At, "cache", "ttl")
	}
}

// duration reads a length of time, which is at path below at; "" is none.
func (c *compiler) duration(s string, at schema.Position, path ...string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		c.fail(at.Child(path...).Errorf("%q is not a length of time", s).WithHint("write it like 90s or 10m"))
		return 0
	}
	return d
}

// checkSecrets checks how secrets are declared; none is read before a step wants it.
func (c *compiler) checkSecrets(secrets map[string]schema.Secret, at schema.Position) {
	for _, n := range slices.Sorted(maps.Keys(secrets)) {
		s := secrets[n]
		count := 0
		for _, v := range []string{s.Env, s.File, s.Kubernetes} {
			if v != "" {
				count++
			}
		}
		if count != 1 {
			c.fail(at.Child(n).KeyErrorf("secret %q must say exactly one of env, file and kubernetes", n))
		}
	}
}

// suggest is the hint for an unknown name; none is that where no name is known.
func suggest(got string, known []string, none string) string {
	if len(known) == 0 {
		return none
	}
	return schema.Suggest(got, known)
}
