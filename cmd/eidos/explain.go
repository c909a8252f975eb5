package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/recipes/view"
	"github.com/NVIDIA/eidos/schema"
)

// explain reads the provenance that the step resolve adds on request; nothing is
// worked out a second time.
func (a *app) explain() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "explain [PATH...]",
		Short: "Show what set a value of a recipe, where, and what that displaced",
		Long: `Show of a value, a constraint, a component's presence or its position in the
deployment order which layer of the catalogue set it, in which file and line,
and what that displaced. A path, written as for eidos query, explains
everything below it; none explains the whole recipe. A recipe from a file has to
contain its provenance (eidos recipe --provenance).`,
		Example: `  eidos explain components.gpu-operator.values.driver.version --service eks --intent training
  eidos explain constraints.K8s.server.version --service eks --accelerator gb200 --intent training
  eidos explain components.gpu-operator.values --service eks --format lines
  eidos explain deploymentOrder -r recipe.yaml --format json`,
	}
	q := a.question(c)
	q.shows = []string{"format"}
	usage.Format(c, &format, "text", "lines", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		res, err := a.answer(c.Context(), q)
		if err != nil {
			return err
		}
		all, err := view.Explain(res, args)
		if err != nil {
			return fileAsPath(err, args)
		}
		switch format {
		case "json":
			data, err := schema.EncodeIndent(all)
			if err != nil {
				return err
			}
			_, err = a.Out.Write(data)
			return err
		case "lines":
			return a.Line(strings.TrimSuffix(view.Annotate(all), "\n"))
		}
		return a.Line(strings.TrimSuffix(view.Text(all), "\n"))
	}
	return c
}

// fileAsPath adds to an error about paths of a recipe that one of them is a file,
// which other commands take as an argument.
func fileAsPath(err error, paths []string) error {
	for _, p := range paths {
		if _, here := os.Stat(p); here == nil && schema.CodeOf(err) == schema.NotFound {
			return schema.Errorf(schema.NotFound, "%w", err).WithHint("%s is a file: eidos explain --recipe %s PATH", p, p)
		}
	}
	return err
}

// annotated is `recipe --explain`: a line a value. The pipeline writes nothing (Out is
// ""); what is written is text, not the recipe. A recipe has its provenance only if that
// was asked for, so it is asked for here.
func (a *app) annotated(ctx context.Context, s *stage, snapshot string) error {
	out := s.Out
	s.Out = ""
	s.With["provenance"] = true
	if snapshot != "" {
		s.In = map[string]any{"snapshot": single.URI(snapshot)}
	}
	v, err := a.runStage(ctx, s)
	if err != nil || v == nil {
		return err
	}
	all, err := view.Explain(v.(*schema.RecipeResult), nil)
	if err != nil {
		return err
	}
	return a.deliver(ctx, []byte(view.Annotate(all)), out)
}
