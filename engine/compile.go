package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/schema"
)

// CompileOptions is what a pipeline may use that is not in it.
type CompileOptions struct {
	Params map[string]string // --param NAME=VALUE, read by the parameter's type
	Values map[string]any    // of a file of parameters; Params wins
	// When compiles conditions; nil refuses a pipeline that has any.
	When func(expr string) (*Condition, error)
	// Include reads another pipeline; from is the name of the file that asks.
	// nil refuses a pipeline that includes.
	Include func(uri, from string) (*schema.Pipeline, *schema.Doc, error)
	Root    string // begins the paths of messages when there is no doc
}

// Compile checks p and makes a plan of it: parameters, kinds and their own
// parameters, edges and their types, cycles. All problems are returned at
// once, as Invalid, with their positions in doc. doc is nil for a pipeline
// that has no text.
func Compile(p *schema.Pipeline, doc *schema.Doc, kinds []Kind, opts CompileOptions) (*Plan, error) {
	c := &compiler{opts: opts, kinds: make(map[string]*Kind, len(kinds)), memo: map[string]bound{}, loads: map[string]*node{}, outs: map[string]*node{}}
	for i := range kinds {
		c.kinds[kinds[i].Name] = &kinds[i]
		c.kindNames = append(c.kindNames, kinds[i].Name)
	}
	top := place{doc: doc}
	if doc == nil && opts.Root != "" {
		top.root = opts.Root
	}
	c.plan = &Plan{Name: p.Metadata.Name, secrets: p.Secrets, pools: map[string]int{}}
	for n, size := range p.Pools {
		c.plan.pools[n] = int(size)
	}
	c.plan.timeout = c.duration(p.Timeout, top.child("timeout"))
	c.checkSecrets(p.Secrets, top.child("secrets"))
	for _, n := range sortedKeys(p.Secrets) {
		c.check(boundsOf(doc), touch{readsSecret, n, top.child("secrets", n)})
	}
	params, errs := fillParams(p.Params, top.child("params"), given{texts: opts.Params, values: opts.Values})
	c.problems.Add(errs)
	c.plan.Params = params
	s := &scope{bounds: boundsOf(doc), top: p, params: params, decl: p.Params, names: map[string]*step{}, at: top}
	c.declare(s, p.Steps, top.child("steps"), docAt(doc, "steps"), false)
	c.declare(s, p.Finally, top.child("finally"), docAt(doc, "finally"), true)
	for _, d := range c.declared {
		c.link(d)
	}
	order := c.sort()
	sound := c.problems.Len() == 0
	for _, d := range order {
		if sound {
			c.expand(d)
		} else {
			c.checkWith(d)
		}
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

func docAt(doc *schema.Doc, key string) *schema.Doc {
	if doc == nil {
		return nil
	}
	return doc.At(key)
}

func planDigest(p []*schema.Pipeline, params map[string]any) (schema.Digest, error) {
	data, err := schema.Encode([]any{p, params})
	if err != nil {
		return "", err
	}
	return digestOf(data), nil
}

func digestOf(data []byte) schema.Digest {
	sum := sha256.Sum256(data)
	return schema.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

type compiler struct {
	opts      CompileOptions
	kinds     map[string]*Kind
	kindNames []string
	plan      *Plan
	declared  []*draft
	memo      map[string]bound // kind and canonical with → parameters
	loads     map[string]*node // by media type and URI
	outs      map[string]*node // by target
	included  []*schema.Pipeline
	expanded  map[*step][]*node // while running: rows that are known by now
	problems  schema.Problems
}

// scope is what the names in one file mean.
type scope struct {
	top    *schema.Pipeline
	prefix string // of the steps' names: "" or "lib/"
	params map[string]any
	decl   map[string]schema.Param
	names  map[string]*step // as this file writes them, and lib/step for included ones
	at     place
	outer  *draft // the step that includes this file
	file   string // as that step names it
	from   string // the file of that step
	bounds *bounds
}

// draft is a step while it is compiled.
type draft struct {
	*step
	src    *schema.Step
	doc    *schema.Doc // of the entry; nil if there is no text
	scope  *scope
	inside []*draft // steps of an included pipeline
	places []place  // of needs
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

// declare makes a draft of every step, so that links can find them.
func (c *compiler) declare(s *scope, steps map[string]schema.Step, at place, doc *schema.Doc, finally bool) []*draft {
	var out []*draft
	add := func(name string, entry *schema.Doc) {
		src := steps[name]
		st := &step{name: s.prefix + name, at: at.child(name), index: len(c.declared), finally: finally, out: src.Out, bounds: s.bounds}
		if entry != nil {
			st.at = at.into(name, entry)
		}
		d := &draft{step: st, src: &src, doc: entry, scope: s}
		st.draft = d
		if other := s.names[name]; other != nil {
			c.fail(d.at.keyErrorf("step %q stands in steps and in finally", name))
			return
		}
		s.names[name] = st
		c.plan.steps = append(c.plan.steps, st)
		c.declared = append(c.declared, d)
		out = append(out, d)
		c.settings(d)
		switch {
		case src.Uses != "" && src.Include != "":
			c.fail(d.at.child("include").keyErrorf("a step has either uses or include"))
		case src.Include != "":
			c.include(d)
		case src.Uses == "":
			c.fail(d.at.keyErrorf("step %q says nothing to do", name).WithHint("add uses: with one of %s", strings.Join(c.kindNames, ", ")))
		default:
			st.kind = c.kinds[src.Uses]
			if st.kind == nil {
				c.failAs(func() error {
					return d.at.child("uses").errorf("no kind %q", src.Uses).WithHint("%s", schema.Suggest(src.Uses, c.kindNames))
				})
			}
		}
	}
	if doc == nil {
		for _, name := range sortedKeys(steps) {
			add(name, nil)
		}
		return out
	}
	for name, entry := range doc.Children() {
		if _, ok := steps[name]; ok {
			add(name, entry)
		}
	}
	return out
}

// settings reads what stands beside uses, with and in.
func (c *compiler) settings(d *draft) {
	src, s := d.src, d.step
	s.timeout = c.duration(src.Timeout, d.at.child("timeout"))
	s.parallel = int(src.MaxParallel)
	s.tolerate = src.ContinueOnError
	s.pool, s.secrets, s.files, s.env = src.Pool, src.Secrets, src.Files, src.Env
	c.check(s.bounds, s.touches()...)
	for i, n := range s.env {
		c.check(s.bounds, touch{readsVariable, n, d.at.child("env", itoa(i))})
	}
	if src.Allow != nil && src.Include == "" {
		c.fail(d.at.child("allow").keyErrorf("allow goes with include only"))
	}
	if s.pool != "" {
		if _, ok := c.plan.pools[s.pool]; !ok {
			c.failAs(func() error {
				return d.at.child("pool").errorf("no pool %q", s.pool).WithHint("%s", suggest(s.pool, sortedKeys(c.plan.pools), "add it under pools:"))
			})
		}
	}
	for i, n := range s.secrets {
		if _, ok := c.plan.secrets[n]; !ok {
			c.failAs(func() error {
				return d.at.child("secrets", itoa(i)).errorf("no secret %q", n).WithHint("%s", suggest(n, sortedKeys(c.plan.secrets), "add it under secrets:"))
			})
			continue
		}
		if s.bounds != outermost { // its own secrets are noted where they are declared
			c.check(s.bounds, touch{readsSecret, n, d.at.child("secrets", itoa(i))})
		}
	}
	if r := src.Retry; r != nil {
		at := d.at.child("retry")
		s.retry = retry{limit: int(r.Limit), backoff: c.duration(r.Backoff, at.child("backoff")), cap: c.duration(r.Cap, at.child("cap")), jitter: r.Jitter == nil || *r.Jitter, on: r.On}
		if s.retry.on == "" {
			s.retry.on = "temporary"
		}
	}
	switch v := src.Cache.(type) {
	case bool:
		s.cache = caching{never: !v, safe: v}
	case map[string]any:
		text, _ := v["ttl"].(string)
		s.cache.ttl = c.duration(text, d.at.child("cache", "ttl"))
	}
}

func (c *compiler) duration(s string, at place) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		c.fail(at.errorf("%q is not a length of time", s).WithHint("write it like 90s or 10m"))
		return 0
	}
	return d
}

func (c *compiler) checkSecrets(secrets map[string]schema.Secret, at place) {
	for _, n := range sortedKeys(secrets) {
		s := secrets[n]
		count := 0
		for _, v := range []string{s.Env, s.File, s.Kubernetes} {
			if v != "" {
				count++
			}
		}
		if count != 1 {
			c.fail(at.child(n).keyErrorf("secret %q must say exactly one of env, file and kubernetes", n))
		}
	}
}

func suggest(got string, known []string, none string) string {
	if len(known) == 0 {
		return none
	}
	return schema.Suggest(got, known)
}
