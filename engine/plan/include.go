package plan

import (
	"strings"

	"github.com/NVIDIA/eidos/schema"
)

// maxInclude bounds how deep pipelines include each other.
const maxInclude = 10

// include puts the steps of another pipeline in the place of d, under d's name
// and a slash. d's `with` are the parameters.
//
// The parameters are filled in while compiling, for they may decide what there is to
// compile (a matrix, an include): so `with` takes ${params.…} and not ${steps.…}. An
// included pipeline has steps and parameters only; secrets, pools and the end belong
// to the run, which is of the including file. Names of its steps are added to the
// scope of d, so that others take their results as lib/step.
func (c *compiler) include(d *draft) {
	at := d.At.Child("include")
	d.Step.include = d.src.Include
	for _, set := range []struct {
		key string
		ok  bool
	}{{"in", d.src.In != nil}, {"out", d.src.Out != ""}, {"retry", d.src.Retry != nil}, {"timeout", d.src.Timeout != ""},
		{"cache", d.src.Cache != nil}, {"pool", d.src.Pool != ""}, {"secrets", d.src.Secrets != nil}, {"files", d.src.Files != nil},
		{"env", d.src.Env != nil}, {"continue-on-error", d.src.ContinueOnError}, {"max-parallel", d.src.MaxParallel != 0}} {
		if set.ok {
			c.fail(d.At.Child(set.key).KeyErrorf("%s does not go with include", set.key).WithHint("say it at the steps of the included pipeline"))
		}
	}
	// The chain of scopes up to the top is what includes what: a file that is in it
	// twice, by the same words from the same file, would go on for ever.
	depth := 0
	from := d.scope.at.Doc.Name()
	for s := d.scope; s != nil; depth++ {
		if s.file != "" && s.file == d.src.Include && s.from == from {
			c.fail(at.Errorf("%q includes itself", d.src.Include))
			return
		}
		if s.outer == nil {
			break
		}
		s = s.outer.scope
	}
	if depth >= maxInclude {
		c.fail(at.Errorf("pipelines include each other more than %d deep", maxInclude))
		return
	}
	if c.opts.Include == nil {
		c.fail(at.Errorf("other pipelines cannot be included here"))
		return
	}
	p, doc, err := c.opts.Include(d.src.Include, from)
	if err == nil && doc == nil {
		doc, err = schema.FromValue(p)
	}
	if err != nil {
		c.fail(at.Wrap(err))
		return
	}
	c.included = append(c.included, p)
	top := schema.Position{Doc: doc}
	if len(p.Secrets) > 0 || len(p.Pools) > 0 || p.Timeout != "" || len(p.Finally) > 0 {
		c.fail(at.Errorf("an included pipeline cannot have secrets, pools, timeout or finally of its own").WithHint("move them to %s", orThis(from)))
	}
	with := d.At.Child("with")
	values, _ := walkTexts(d.src.With, nil, func(path []string, s string) any {
		t, err := parseText(s)
		if err != nil {
			c.fail(with.Child(path...).Wrap(err))
			return s
		}
		for _, r := range t.refs {
			if r.path[0] != "params" {
				c.fail(with.Child(path...).Errorf("%s cannot be used as a parameter of an included pipeline", r).WithHint("use ${params.NAME}"))
				return s
			}
		}
		for _, r := range t.refs {
			before := c.problems.Len()
			if c.reference(d, r.path, r.String(), with.Child(path...)); c.problems.Len() > before {
				return s
			}
		}
		v, err := t.value(d.scope.look(nil))
		if err != nil {
			c.fail(with.Child(path...).Wrap(err))
		}
		return v
	}).(map[string]any)
	params, errs := fillParams(p.Params, top.Child("params"), given{values: values, at: &with})
	c.problems.Add(errs)
	s := &scope{bounds: c.bounds(d, doc), top: p, prefix: d.Name + "/", params: params, decl: p.Params, names: map[string]*Step{}, at: top, outer: d, file: d.src.Include, from: from}
	d.inside = c.declare(s, p.Steps, doc.Mapping("steps"), d.Finally)
	for _, i := range d.inside {
		i.Step.scoped = s.prefix
		d.Step.inside = append(d.Step.inside, i.Step)
	}
	own := strings.TrimPrefix(d.Name, d.scope.prefix)
	for n, st := range s.names {
		d.scope.names[own+"/"+n] = st
	}
}

func orThis(file string) string {
	if file == "" {
		return "the including pipeline"
	}
	return file
}
