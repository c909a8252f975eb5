package main

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/pipelinerun"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/steps/oci"
)

// runFlags are the flags of the commands that take a pipeline. Each command binds the
// groups that have an effect on it: plan has no executor, retry selects no steps. The
// zero value is ready to bind; after cobra has read the flags, options completes it.
type runFlags struct {
	pipelinerun.Options
	pods func() map[string]any // settings of Pods that were given; nil if there are none
}

// options are what a command line asks for, with these arguments. The result is f's own,
// so it is called once, when the flags have been read.
func (f *runFlags) options(args []string) *pipelinerun.Options {
	f.Args = args
	if f.pods != nil {
		f.Executor.Pods = f.pods()
	}
	return &f.Options
}

// bindParams binds the parameters of the pipeline. Which there are is known when the
// pipeline has been read, so they are not flags of their own.
func (f *runFlags) bindParams(c *cobra.Command) {
	c.Flags().StringArrayVarP(&f.Params, "param", "p", nil, "value of a parameter, NAME=VALUE (may be repeated)")
	c.Flags().StringVar(&f.ParamsFile, "params-file", "", "YAML or JSON file of parameters; --param wins")
	usage.Must(c.RegisterFlagCompletionFunc("param", usage.CompleteParams))
}

// bindSelection binds which steps run, for the commands that decide that themselves;
// retry takes it from the run that it repeats.
func (f *runFlags) bindSelection(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.Force, "force", nil, "run this step even if its result could be reused (may be repeated)")
	c.Flags().StringArrayVar(&f.Only, "only", nil, "run this step and what it needs, nothing else (may be repeated)")
	c.Flags().StringVar(&f.From, "from", "", "run this step and all that depends on it anew")
	for _, name := range []string{"force", "only", "from"} {
		usage.Must(c.RegisterFlagCompletionFunc(name, usage.CompleteSteps))
	}
}

// bindInputs binds what inputs are read with: which cluster cm:// addresses and
// secrets are of, and the tree that recipes of upstream refer to.
func (f *runFlags) bindInputs(c *cobra.Command) {
	c.Flags().StringVarP(&f.Kubeconfig, "kubeconfig", "k", "", "kubeconfig file, for cm:// and secrets (default $KUBECONFIG, ~/.kube/config, or in-cluster)")
	c.Flags().StringVar(&f.KubeContext, "context", "", "context of the kubeconfig, for cm:// and secrets (default its current one)")
	bindValuesFrom(c, &f.ValuesFrom)
}

// bindEvidence binds the files that a run leaves beside its results, also when it fails;
// the statement of --provenance is about a run that succeeded only. They are written
// after the run has ended, so one that cannot be written undoes nothing.
func (f *runFlags) bindEvidence(c *cobra.Command) {
	fl, e := c.Flags(), &f.Evidence
	fl.StringVar(&e.Report, "report", "", "write what the run did to this file, as one HTML page")
	fl.StringVar(&e.JUnit, "junit", "", "write what the run did to this file, as JUnit XML")
	fl.StringVar(&e.CTRF, "ctrf", "", "write what the run did to this file, as Common Test Report Format JSON")
	fl.StringVar(&e.SARIF, "sarif", "", "write what is wrong to this file, as SARIF JSON")
	fl.StringVar(&e.CodeQuality, "codequality", "", "write what is wrong to this file, as Code Quality JSON of GitLab")
	fl.StringVar(&e.Prometheus, "prometheus", "", "write what became of steps and checks to this file, for the textfile collector of the node exporter")
	fl.StringVar(&e.Provenance, "provenance", "", "write an in-toto statement (SLSA provenance v1) about what the run pushed to this file")
}

// bindCaches binds where results are shared with other machines, beside the store of this
// one. wire.OpenCache decides by the address what kind of cache it is.
func (f *runFlags) bindCaches(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.Caches.From, "cache-from", nil, "take results from here, oci://REGISTRY/REPOSITORY or a directory (may be repeated)")
	c.Flags().StringArrayVar(&f.Caches.To, "cache-to", nil, "write results here too: oci://REGISTRY/REPOSITORY or a directory (may be repeated)")
	bindAccess(c, &f.Caches.Access)
}

// bindAccess binds how the registries of caches and stores are reached. The registries of
// steps have parameters of the same names in the pipeline, which this does not change.
func bindAccess(c *cobra.Command, to *oci.Access) {
	c.Flags().BoolVar(&to.PlainHTTP, "plain-http", false, "talk HTTP instead of HTTPS to caches and stores")
	c.Flags().BoolVar(&to.InsecureTLS, "insecure-tls", false, "do not verify the certificates of caches and stores")
}

// bindExecutor binds where steps run, and the settings of Pods from their definition.
// Settings without --executor kubernetes are refused by wire.Executor, not here: whether
// they mean anything depends on the value of another flag.
func (f *runFlags) bindExecutor(a *app, c *cobra.Command) {
	c.Flags().StringVar(&f.Executor.Kind, "executor", wire.Local, "where steps run: local, in this process; process, each in one of its own; kubernetes, as Jobs")
	usage.Must(c.RegisterFlagCompletionFunc("executor", cobra.FixedCompletions(wire.Executors(), cobra.ShellCompDirectiveNoFileComp)))
	c.Flags().StringVar(&f.Executor.Store, "store", "", "kubernetes: what this machine and the Pods both reach, oci://REGISTRY/REPOSITORY")
	f.pods = a.params(c, "Pods")
}

// pipelines runs pipelines.
func (a *app) pipelines() pipelinerun.Runner {
	return pipelinerun.Runner{Host: a.host(), Workflow: a.workflow(), CleanUp: a.cleanUp.need, Publish: a.publish}
}
