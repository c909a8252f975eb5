package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/pipelines"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/drift"
)

// diff loads both documents first, as what they are decides what is compared. A
// comparison of snapshots is the step diff, run here on what is loaded already;
// --print-pipeline prints that step. The status is 3 for drift only with --fail-on-drift:
// without it drift is the result, and not an error.
func (a *app) diff() *cobra.Command {
	s := newStage("diff", "diff")
	var output string
	c := &cobra.Command{
		Use:   "diff BASELINE SNAPSHOT | diff RECIPE RECIPE | diff --rendered OLD NEW",
		Short: "Compare snapshots, a snapshot with a recipe, two recipes, or two bundles",
		Long: `Compare a snapshot with an earlier snapshot, two recipes (see "eidos recipe
diff"), or a snapshot with the recipe that the cluster should follow: constraints
that no longer hold, components that are missing, extra, or not in the version
asked for. Offline: both are documents. Counters,
process ids and times are left out unless --volatile. A component without a Helm
release is compared by the images that run; what Argo CD or Flux deployed and no
image shows is unknown, which is not drift.

With --rendered, what changes in a Git tree: OLD and NEW are bundles, directories
of files to deploy, or recipes, which are rendered with --layout components. YAML
is compared object by object and value by value.`,
		Example: `  eidos diff monday.yaml tuesday.yaml
  eidos diff recipe.yaml cm://eidos/eidos-snapshot --fail-on-drift
  eidos diff recipe.yaml snapshot.yaml --format junit -o drift.xml
  eidos diff --rendered clusters/a ./bundle
  eidos diff --rendered march.yaml november.yaml`,
		Args: cobra.ExactArgs(2),
	}
	with := a.params(c, "DiffParams")
	rendered := c.Flags().Bool("rendered", false, "compare bundles, directories of files to deploy, or recipes as they are rendered")
	c.Flags().StringVarP(&output, "output", "o", "-", "where the report goes: a path, - or cm://namespace/name")
	s.stageFlags(c, "", "")
	s.formatFlag(c, append([]string{"table"}, checks.Formats()...)...)
	s.valuesFromFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s.With = with()
		w := a.wire(wire.Options{Format: s.Format, Kubeconfig: s.Kubeconfig, ValuesFrom: s.ValuesFrom})
		if *rendered {
			return a.diffRendered(c.Context(), s, w, args, output)
		}
		before, after, err := a.loadPair(c.Context(), w, args)
		if err != nil {
			return err
		}
		// Not the step diff: eidos recipe diff does this, and shares the code.
		if x, y, ok := recipePair(before, after); ok {
			m := usage.Mode{When: "on two recipes", Takes: []string{"format", "values-from"}, Hint: "see eidos recipe diff --help"}
			if err := m.Check(c); err != nil {
				return err
			}
			format := "text"
			switch s.Format {
			case "json":
				format = "json"
			case "":
			default:
				return schema.Errorf(schema.Invalid, "--format %s is for snapshots", s.Format).WithHint("two recipes are compared as text, or with --format json")
			}
			return a.diffRecipes(x, y, format)
		}
		now, ok := after.(*schema.Snapshot)
		if !ok {
			return schema.Errorf(schema.Invalid, "%q is not a snapshot", args[1]).WithHint("the snapshot comes second: eidos diff BASELINE SNAPSHOT")
		}
		if s.print {
			return a.printPipeline(s, pipelines.One(s.Name, s.Uses, s.With, inputs(before, args), output))
		}
		files := checks.Files{Snapshot: a.source(s.Format, args[1])}
		if _, ok := before.(*schema.RecipeResult); ok {
			files.Recipe = a.source(s.Format, args[0])
		} else {
			files.Baseline = a.source(s.Format, args[0])
		}
		return a.reportDrift(c.Context(), s, w, files, output, func(p schema.DiffParams) (*schema.Drift, error) { return compare(before, now, p) })
	}
	return c
}

// reportDrift finds what is different and writes it: to the workflow, then to the output.
// Both are done whatever fails, so that a failed comparison has its report; the status is
// that of drift, if it is an error, else that of the first which cannot be written.
func (a *app) reportDrift(ctx context.Context, s *stage, w *wire.Wiring, files checks.Files, output string, find func(schema.DiffParams) (*schema.Drift, error)) error {
	var p schema.DiffParams
	if err := flags.Decode(s.With, &p); err != nil {
		return err
	}
	start := a.host().Now()
	d, err := find(p)
	if err != nil {
		return err
	}
	report := checks.Report{Name: "eidos diff", Version: versionOf(), Start: start, Stop: a.host().Now(), Suites: []checks.Suite{checks.OfDrift("drift", d, p.FailOnDrift, files)}}
	var failed error
	if p.FailOnDrift {
		failed = drift.Err(d)
	}
	return schema.Join([]error{failed, a.publish(report), a.writeDrift(ctx, w, d, report, s.Format, output)})
}

// loadPair reads the two documents, and reports both that cannot be read. Which kinds go
// together is decided by the caller.
func (a *app) loadPair(ctx context.Context, w *wire.Wiring, args []string) (before, after schema.Value, err error) {
	if args[0] == "-" && args[1] == "-" {
		return nil, nil, schema.Errorf(schema.Invalid, "only one of the two can be standard input")
	}
	env := a.host().Here()
	before, errBefore := w.Load(ctx, env, args[0], "")
	after, errAfter := w.Load(ctx, env, args[1], "")
	return before, after, schema.Join([]error{errBefore, errAfter})
}

// recipePair returns both documents if both are recipes.
func recipePair(before, after schema.Value) (x, y *schema.RecipeResult, ok bool) {
	x, ok = before.(*schema.RecipeResult)
	if !ok {
		return nil, nil, false
	}
	y, ok = after.(*schema.RecipeResult)
	return x, y, ok
}

// inputs are the step's inputs for a baseline of that kind, for --print-pipeline: the
// ports of the step have other names than the arguments.
func inputs(before schema.Value, args []string) map[string]any {
	port := "baseline"
	if _, ok := before.(*schema.RecipeResult); ok {
		port = "recipe"
	}
	return map[string]any{port: single.URI(args[0]), "snapshot": single.URI(args[1])}
}

// compare is what the step diff does with its inputs. A difference is not an error here.
func compare(before schema.Value, now *schema.Snapshot, p schema.DiffParams) (*schema.Drift, error) {
	switch before := before.(type) {
	case *schema.Snapshot:
		return drift.Snapshots(before, now, p), nil
	case *schema.RecipeResult:
		return drift.Recipe(before, now, p)
	}
	return nil, schema.Errorf(schema.Invalid, "the first document is neither a recipe nor a snapshot").
		WithHint("eidos diff BASELINE SNAPSHOT")
}

// writeDrift writes the report: a table on a terminal or a pipe unless a format was asked
// for, the document to anything else. A table in a file has no width: it is wrapped only
// for standard output.
func (a *app) writeDrift(ctx context.Context, w *wire.Wiring, d *schema.Drift, report checks.Report, format, output string) error {
	switch {
	case checks.IsFormat(format):
		data, err := checks.Encode(format, report)
		if err != nil {
			return err
		}
		return a.deliver(ctx, data, output)
	case format == "table", format == "" && output == "-":
		columns := 0
		if output == "-" {
			columns = a.Width()
		}
		return a.deliver(ctx, []byte(checks.DriftTable(d, columns)), output)
	}
	return w.Save(ctx, a.host().Here(), d, output)
}
