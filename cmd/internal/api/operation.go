package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/eidos/engine"
	"github.com/NVIDIA/eidos/recipes"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/render"
	"github.com/NVIDIA/eidos/steps/resolve"
)

// merge merges criteria as the step resolve does.
func merge(first, then schema.Criteria) schema.Criteria { return resolve.Merge(first, then) }

// The functions below are the routes' own: each decodes the parameters of its command,
// runs the step or view function of that command, and encodes. Errors are made by
// those; a path in one is that of the document, or of the parameter (inQuery).

// recipeOf answers GET and POST /v1/recipe.
func recipeOf(ctx context.Context, c *call) (*answer, error) {
	body, err := c.given()
	if err != nil {
		return nil, err
	}
	r, err := c.recipe(ctx, "", body, false)
	if err != nil {
		return nil, err
	}
	return c.encode(r)
}

// given is the body of a route that takes one, nil for a route that does not.
func (c *call) given() (schema.Value, error) {
	if c.route.Body == nil {
		return nil, nil
	}
	return c.document()
}

// query answers with one value of a recipe. As text a string is written without quotes, so
// that a shell can use it; other values are YAML.
func query(ctx context.Context, c *call) (*answer, error) {
	var p schema.QueryParams
	if err := c.params.decode("QueryParams", &p); err != nil {
		return nil, err
	}
	body, err := c.given()
	if err != nil {
		return nil, err
	}
	r, err := c.recipe(ctx, "", body, false)
	if err != nil {
		return nil, err
	}
	tree, err := view.Tree(r)
	if err != nil {
		return nil, err
	}
	v, err := view.Select(tree, p.Selector)
	if err != nil {
		return nil, err
	}
	if text, ok := v.(string); ok && c.format == "text" {
		return &answer{body: []byte(text + "\n")}, nil
	}
	return c.encode(v)
}

// validateRecipe answers with a report, whether or not the constraints hold: the status is
// 200, and the summary has the result. enforce, with which the command fails, is not a
// parameter here.
func validateRecipe(ctx context.Context, c *call) (*answer, error) {
	if len(c.body) == 0 {
		return nil, schema.Errorf(schema.Invalid, "the request has no body").WithHint("send a recipe, or criteria, and a snapshot")
	}
	doc, err := schema.Parse("body", c.body)
	if err != nil {
		return nil, err
	}
	recipe, snapshot, err := c.pair(ctx, doc)
	if err != nil {
		return nil, err
	}
	var p schema.ValidateParams
	if err := c.params.decode("ValidateParams", &p); err != nil {
		return nil, err
	}
	v, err := c.run(ctx, "validate", &p, engine.Inputs{"recipe": {recipe}, "snapshot": {snapshot}})
	if err != nil {
		return nil, err
	}
	return c.encode(v)
}

// pair reads the recipe and the snapshot of a ValidateRequest, by hand for its two
// forms: JSON Schema would report that neither fits, and not what is wrong.
func (c *call) pair(ctx context.Context, doc *schema.Doc) (recipe, snapshot schema.Value, err error) {
	keys := map[string]bool{"recipe": false, "criteria": false, "snapshot": false}
	var errs []error
	for _, k := range doc.Keys() {
		if _, ok := keys[k]; !ok {
			errs = append(errs, schema.Errorf(schema.Invalid, "unknown key %q", k).At(doc.KeyPos(k), k).WithHint("use recipe, or criteria, and snapshot"))
		}
		keys[k] = true
	}
	switch {
	case errs != nil:
	case keys["recipe"] == keys["criteria"]:
		errs = append(errs, schema.Errorf(schema.Invalid, "it needs a recipe or criteria, one of the two").At(doc.Pos(), "").WithHint("use recipe, or criteria, and snapshot"))
	case !keys["snapshot"]:
		errs = append(errs, schema.Errorf(schema.Invalid, "the snapshot is missing").At(doc.Pos(), "snapshot"))
	}
	if errs != nil {
		return nil, nil, schema.Join(errs)
	}
	snapshot, err = c.as(doc.At("snapshot"), "Snapshot")
	errs = append(errs, err)
	if keys["recipe"] {
		errs = append(errs, c.noCriteria())
		recipe, err = c.as(doc.At("recipe"), "RecipeResult")
	} else {
		criteria := &schema.RecipeCriteria{}
		if err = doc.At("criteria").Decode(&criteria.Spec); err == nil {
			recipe, err = c.recipe(ctx, "", criteria, false)
		}
	}
	return recipe, snapshot, schema.Join(append(errs, err))
}

// detectCriteria answers with the criteria that a snapshot shows.
func detectCriteria(ctx context.Context, c *call) (*answer, error) {
	snapshot, err := c.document()
	if err != nil {
		return nil, err
	}
	var p schema.DetectParams
	if err := c.params.decode("DetectParams", &p); err != nil {
		return nil, err
	}
	p.Data = directory
	v, err := c.run(ctx, "detect", &p, engine.Inputs{"snapshot": {snapshot}})
	if err != nil {
		return nil, inQuery(err)
	}
	return c.encode(v)
}

// explain answers with the origin of the values of a recipe.
func explain(ctx context.Context, c *call) (*answer, error) {
	var p schema.ExplainParams
	if err := c.params.decode("ExplainParams", &p); err != nil {
		return nil, err
	}
	r, err := c.recipe(ctx, "", nil, true)
	if err != nil {
		return nil, err
	}
	all, err := view.Explain(r, p.Path)
	if err != nil {
		return nil, err
	}
	if c.format == "text" {
		return &answer{body: []byte(view.Text(all))}, nil
	}
	return c.encode(all)
}

// diff answers with the differences of two recipes. Problems of both sides are reported at
// once. No differences are an empty list, not null.
func diff(ctx context.Context, c *call) (*answer, error) {
	a, errA := c.recipe(ctx, "a.", nil, true)
	b, errB := c.recipe(ctx, "b.", nil, true)
	if err := schema.Join([]error{below("a.", errA), below("b.", errB)}); err != nil {
		return nil, err
	}
	changes, err := view.Diff(a, b)
	if err != nil {
		return nil, err
	}
	if c.format == "text" {
		return &answer{body: []byte(view.DiffText(changes))}, nil
	}
	if changes == nil {
		changes = []view.Change{}
	}
	return c.encode(changes)
}

// criteriaList answers with the words and recipes of a release.
func criteriaList(_ context.Context, c *call) (*answer, error) {
	var p schema.ResolveParams
	if err := c.params.decode("ResolveParams", &p); err != nil {
		return nil, err
	}
	cat, err := c.release(p.Catalogue)
	if err != nil {
		return nil, inQuery(err)
	}
	list, err := view.Criteria(cat, c.names())
	if err != nil {
		return nil, err
	}
	return c.encode(list)
}

// graph answers with a picture. Its format is a parameter, as on the command line, and not
// negotiated. The policy keeps an SVG that is opened by itself from running scripts.
func graph(ctx context.Context, c *call) (*answer, error) {
	var p schema.GraphParams
	if err := c.params.decode("GraphParams", &p); err != nil {
		return nil, err
	}
	r, err := c.recipe(ctx, "", nil, false)
	if err != nil {
		return nil, err
	}
	g := view.Deployment(r)
	if p.Of == "overlays" {
		cat, err := c.release(r.Metadata.Release)
		if err != nil {
			return nil, err
		}
		g = view.Overlays(cat, r)
	}
	if p.Format == "" {
		p.Format = "svg"
	}
	text, err := g.Format(p.Format)
	if err != nil {
		return nil, err
	}
	a := &answer{body: []byte(text)}
	if p.Format == "svg" {
		a.contentType = "image/svg+xml"
		a.header = [][2]string{{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"}}
	} else {
		a.contentType = "text/plain; charset=utf-8"
	}
	return a, nil
}

// bundle measures what c.bundle makes, for the header and the metrics; both also of
// one that failed.
func bundle(ctx context.Context, c *call) (*answer, error) {
	start := time.Now()
	a, err := c.bundle(ctx)
	deployer, _ := c.params["RenderParams"]["deployer"].(string)
	if deployer == "" {
		deployer = "helm"
	}
	if err != nil {
		return nil, &bundleError{err, deployer}
	}
	took := time.Since(start)
	a.header = append(a.header, [2]string{"X-Bundle-Duration", took.Round(10 * time.Microsecond).String()})
	a.bundle.Deployer, a.bundle.Duration = deployer, took
	return a, nil
}

// bundleError is a bundle that could not be made. It carries the deployer to the metrics;
// compute takes it off before the error becomes a response.
type bundleError struct {
	error
	deployer string
}

func (e *bundleError) Unwrap() error { return e.error }

// bundle makes the archive of a recipe, which is the body itself or what the criteria in the
// body and the query ask for.
func (c *call) bundle(ctx context.Context) (*answer, error) {
	body, err := c.document()
	if err != nil {
		return nil, err
	}
	var p schema.RenderParams
	if err := c.params.decode("RenderParams", &p); err != nil {
		return nil, err
	}
	r, ok := body.(*schema.RecipeResult)
	if ok {
		err = c.noCriteria()
	} else {
		r, err = c.recipe(ctx, "", body, false)
	}
	if err != nil {
		return nil, err
	}
	// Without Source.File no parameter can name a file of this machine.
	var tree *render.Tree
	if err := c.step("render", func() (err error) {
		tree, err = render.Render(r, p, render.Source{Manifest: recipes.Manifest, Facts: &c.charts})
		return err
	}); err != nil {
		return nil, inQuery(err)
	}
	return c.zipped(tree)
}

// noCriteria refuses parameters that choose a recipe, where the body is one: ignoring them
// would return something that was not asked for.
func (c *call) noCriteria() error {
	var errs []error
	for _, group := range []string{"Criteria", "ResolveParams"} {
		for _, name := range slices.Sorted(maps.Keys(c.params[group])) {
			if name == "nodes" { // of the bundle, too
				continue
			}
			errs = append(errs, schema.Errorf(schema.Invalid, "parameter %q has no effect on a recipe", schema.FlagName(name)).
				WithHint("leave it out, or send criteria"))
		}
	}
	return schema.Join(errs)
}

// zipped is the answer that a bundle is: complete in memory, so that a failure is an
// error and never half an archive.
func (c *call) zipped(t *render.Tree) (*answer, error) {
	body, err := c.zip.archive(t)
	if err != nil {
		return nil, fmt.Errorf("writing the archive: %w", err)
	}
	made := &Bundle{Files: len(t.Paths())}
	for _, p := range t.Paths() {
		made.Bytes += int64(len(t.Data(p)))
	}
	return &answer{
		body: body, bundle: made,
		header: [][2]string{
			{"Content-Disposition", `attachment; filename="` + t.Metadata.Name + `.zip"`},
			{"X-Bundle-Files", strconv.Itoa(made.Files)},
			{"X-Bundle-Size", strconv.FormatInt(made.Bytes, 10)},
		},
	}, nil
}

// below adds a prefix to the parameters that err is about. Both sides of a comparison are
// read by the same code, which does not know the prefix. What is about no parameter alone
// is about the side.
func below(prefix string, err error) error {
	return repath(err, func(path string) string { return strings.TrimSuffix(prefix+path, ".") })
}
