package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/upstream"
)

// call is one request as a route's function sees it. It belongs to one goroutine, and keeps
// the catalogue that the request began with.
type call struct {
	*catalogue
	route  *Route
	params values
	body   []byte
	format string // name of the format
	steps  []Step // that ran
}

// step calls run and records when it began and ended, for the trace of the request. The
// steps of a call run one after the other.
func (c *call) step(name string, run func() error) error {
	s := Step{Name: name, Start: time.Now()}
	err := run()
	s.End, s.Failed = time.Now(), err != nil
	c.steps = append(c.steps, s)
	return err
}

// document reads the body: a document of one of the route's definitions; nil if
// there is none and there need not be. Documents of upstream are converted.
func (c *call) document() (schema.Value, error) {
	if len(c.body) == 0 {
		if c.route.BodyOptional {
			return nil, nil
		}
		return nil, schema.Errorf(schema.Invalid, "the request has no body").WithHint("send %s", either(c.route.Body))
	}
	doc, err := schema.Parse("body", c.body)
	if err != nil {
		return nil, err
	}
	return c.as(doc, c.route.Body...)
}

// as reads doc, which must be of one of the kinds. If only one is possible, doc is read as
// that, whether or not it states its kind; and criteria need not, as in files of the
// commands.
func (c *call) as(doc *schema.Doc, kinds ...string) (schema.Value, error) {
	mediaType := ""
	criteria := (*schema.RecipeCriteria)(nil)
	if len(kinds) == 1 {
		for _, v := range schema.Documents() {
			if schema.KindOf(v) == kinds[0] {
				mediaType = v.MediaType()
			}
		}
	} else if slices.Contains(kinds, schema.KindOf(criteria)) && headless(doc) {
		mediaType = criteria.MediaType()
	}
	v, _, err := upstream.Reader{Strict: true}.Decode(doc, mediaType)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(kinds, schema.KindOf(v)) {
		return nil, schema.Errorf(schema.Invalid, "a %s is not what is wanted here", schema.KindOf(v)).At(doc.Pos("kind"), "kind").WithHint("send %s", either(kinds))
	}
	return v, nil
}

// headless reports whether doc may be criteria with no header, or with one that has no
// version. What upstream would take for a snapshot or a recipe by its keys is not.
func headless(doc *schema.Doc) bool {
	kind := doc.TextAt("kind")
	return len(doc.Keys()) > 0 && doc.TextAt("apiVersion") == "" && (kind == "" || kind == schema.KindOf((*schema.RecipeCriteria)(nil))) &&
		doc.At("measurements") == nil && doc.At("componentRefs") == nil
}

// either lists kinds of documents for a hint.
func either(kinds []string) string { return "a " + strings.Join(kinds, " or a ") }

// run runs a kind of step in memory. What it logs is written for people at a terminal, and
// is for debugging here: the answer has all of it that matters.
func (c *call) run(ctx context.Context, kind string, params any, in engine.Inputs) (v schema.Value, err error) {
	k, ok := c.kinds[kind]
	if !ok {
		return nil, fmt.Errorf("BUG: no kind %q", kind)
	}
	err = c.step(kind, func() error {
		v, err = k.Run(ctx, engine.Env{Dir: "/", Log: c.log}, params, in)
		return err
	})
	return v, err
}

// recipe resolves the criteria of the query, those with the prefix, completed by the
// body: criteria, or a snapshot. As with flags and a file on the command line, the query
// wins. provenance asks for the origin of values even if the query does not.
func (c *call) recipe(ctx context.Context, prefix string, body schema.Value, provenance bool) (*schema.RecipeResult, error) {
	var p schema.ResolveParams
	var asked schema.Criteria
	if err := schema.Join([]error{
		c.params.decode(prefix+"ResolveParams", &p),
		c.params.decode(prefix+"Criteria", &asked),
	}); err != nil {
		return nil, err
	}
	in := engine.Inputs{}
	switch v := body.(type) {
	case *schema.RecipeCriteria:
		asked = merge(asked, v.Spec)
	case *schema.Snapshot:
		in["snapshot"] = []schema.Value{v}
	}
	p.Criteria, p.Data = &asked, directory
	p.Provenance = p.Provenance || provenance
	v, err := c.run(ctx, "resolve", &p, in)
	if err != nil {
		return nil, inQuery(err)
	}
	return v.(*schema.RecipeResult), nil
}
