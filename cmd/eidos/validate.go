package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/checks"
	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/single"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/check"
)

// validate is one of two steps: validate compares with a snapshot, and with --phase
// verify-cluster looks at the cluster itself. Both make the same kind of report, so what
// is printed and published is the same. --fail-on-error is the parameter enforce: the
// step then fails with the report beside its error, and the report is written first. The
// status is 3 then; an input, a cluster or an output that cannot be used has another one.
func (a *app) validate() *cobra.Command {
	s := newStage("validate", "validate")
	var recipe, snapshot, output string
	failOnError, rights := true, false
	c := &cobra.Command{
		Use:   "validate -r RECIPE -s SNAPSHOT | validate -r RECIPE --phase PHASE",
		Short: "Check a recipe against a snapshot, or on the cluster itself",
		Long: `Check a recipe's constraints against a snapshot, or with --phase on a cluster
that it was deployed to: what the recipe's components should look like there, how
fast it is, what it can do. The report is written whether or not all is well. What
the snapshot does not have and what cannot be measured on the cluster is unknown,
and counts as failed unless --allow-unknown.

On a cluster nothing is changed by checks that only read; eidos validate
--print-rights prints the rights that the chosen checks take, and no more. With
--agent a Job in the cluster checks, and has exactly these.`,
		Example: `  eidos validate -r recipe.yaml -s snapshot.yaml
  eidos validate -r recipe.yaml -s cm://eidos/snapshot --format table
  eidos validate -r recipe.yaml -s snapshot.yaml --format junit -o report.xml
  eidos validate -r recipe.yaml --phase deployment --wait 5m --format table
  eidos validate -r recipe.yaml --phase all --skip nccl-all-reduce-bw
  eidos validate -r recipe.yaml --phase all --agent --toleration nvidia.com/gpu`,
		Args: cobra.NoArgs,
	}
	ofSnapshot := a.params(c, "ValidateParams", "enforce")
	ofCluster := a.params(c, "VerifyClusterParams", "enforce", "allowUnknown", "kubeconfig")
	inCluster := a.agentFlags(c, "CheckAgent", "with --phase: check from inside the cluster, by a Job", "checks that a Job runs")
	f := c.Flags()
	f.StringVarP(&recipe, "recipe", "r", "", "the recipe: a path, -, URL, cm:// or oci://")
	f.StringVarP(&snapshot, "snapshot", "s", "", "the snapshot: a path, -, URL, cm:// or oci://")
	output = "-"
	usage.Output(c, &output, "where the report goes: a path, - or cm://namespace/name")
	f.BoolVar(&failOnError, "fail-on-error", true, "exit with 3 when constraints do not hold or checks do not pass")
	f.BoolVar(&rights, "print-rights", false, "print the roles that the checks of --phase take, and stop")
	s.stageFlags(c, "", "")
	s.formatFlag(c, append([]string{"table"}, checks.Formats()...)...)
	s.valuesFromFlag(c)
	usage.Must(c.MarkFlagRequired("recipe"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		// The list has every flag that only verify-cluster takes: one that is missing in
		// it would be accepted without --phase, and have no effect. allowUnknown is a
		// parameter of both steps and bound once.
		onCluster := f.Changed("phase")
		suite := "constraints"
		m := usage.Mode{When: "without --phase", Takes: usage.AllBut(c, "phase", "only", "skip", "wait", "timeout", "parallel", "context", "data", "definitions", "namespace", "mirror", "toleration", "print-rights",
			"agent", "image", "image-pull-secret", "service-account-name", "node-selector", "no-cleanup"), Hint: "it is for checks on a cluster: add --phase"}
		if onCluster {
			m = usage.Mode{When: "with --phase", Takes: usage.AllBut(c, "snapshot"), Hint: "the checks of a phase look at the cluster itself; validate the snapshot without --phase"}
		}
		if err := m.Check(c); err != nil {
			return err
		}
		s.With = ofSnapshot()
		if failOnError {
			s.With["enforce"] = true
		}
		s.In = map[string]any{"recipe": single.URI(recipe)}
		switch {
		case onCluster:
			s.Uses, suite = "verify-cluster", "checks"
			for k, v := range ofCluster() {
				s.With[k] = v
			}
			if s.Kubeconfig != "" {
				s.With["kubeconfig"] = s.Kubeconfig
			}
			if err := inCluster(s.With); err != nil {
				return err
			}
			s.KubeContext, _ = s.With["context"].(string)
			if rights {
				if s.With["agent"] != nil {
					return schema.Errorf(schema.Invalid, "--agent has no effect with --print-rights").WithHint("the rights of the checks are the same; the Job also creates and patches one ConfigMap")
				}
				return a.printRights(c.Context(), s, recipe)
			}
		case snapshot == "":
			return schema.Errorf(schema.Invalid, "--snapshot is missing").WithHint("name a snapshot, or with --phase what to check on the cluster itself")
		default:
			if err := oneStdin(recipe, snapshot); err != nil {
				return err
			}
			s.In["snapshot"] = single.URI(snapshot)
		}
		return a.validated(c.Context(), s, suite, output, checks.Files{Recipe: a.source(s.Format, recipe), Snapshot: a.source(s.Format, snapshot)}, failOnError)
	}
	return c
}

// validated runs a validation and writes its report. A report is written whether or not
// the step failed; only a step without one leaves nothing. As YAML or JSON the result is
// written by the pipeline, in every other format here. An output that cannot be written
// is reported beside the checks that failed.
func (a *app) validated(ctx context.Context, s *stage, suite, output string, files checks.Files, enforced bool) error {
	table, other := s.Format == "table", checks.IsFormat(s.Format)
	if !table && !other {
		s.Out = output
	}
	// SOURCE_DATE_EPOCH instead of the clock, if it is set: reports can be reproduced
	// then.
	start := a.host().Now()
	v, err := a.runStage(ctx, s)
	if v == nil {
		return err
	}
	r := v.(*schema.ValidationResult)
	report := checks.Report{Name: "eidos validate", Version: versionOf(), Start: start, Stop: a.host().Now(), Suites: []checks.Suite{
		checks.OfValidation(suite, r, enforced, files),
	}}
	errs := []error{err, a.publish(report)}
	switch {
	case table:
		columns := 0
		if output == "-" {
			columns = a.Width()
		}
		errs = append(errs, a.deliver(ctx, []byte(checks.ValidationTable(r, columns)), output))
	case other:
		data, werr := checks.Encode(s.Format, report)
		if werr != nil {
			return werr
		}
		errs = append(errs, a.deliver(ctx, data, output))
	}
	return schema.Join(errs)
}

// printRights prints the roles that the chosen checks take, for a ServiceAccount
// eidos-validate of namespace eidos. It asks nothing of a cluster: the rights follow from
// the recipe and the definitions of the checks, so an administrator can review them
// before anything runs.
func (a *app) printRights(ctx context.Context, s *stage, recipe string) error {
	var p schema.VerifyClusterParams
	if err := flags.Decode(s.With, &p); err != nil {
		return err
	}
	o := wire.Options{Kubeconfig: s.Kubeconfig, ValuesFrom: s.ValuesFrom}
	r, err := a.single().Recipe(ctx, recipe, o)
	if err != nil {
		return err
	}
	known, err := check.Needs{Catalog: a.wire(o).Catalog}.Checks(ctx, ".", p.Data, p.Definitions)
	if err != nil {
		return flags.About(err)
	}
	rights, err := check.Rights(r, known, p)
	if err != nil {
		return flags.About(err)
	}
	const name, namespace = "eidos-validate", "eidos"
	for _, m := range check.Roles(rights, name, namespace, map[string]any{"app.kubernetes.io/name": "eidos"}) {
		text, err := schema.EncodeYAML(m)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.Out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
