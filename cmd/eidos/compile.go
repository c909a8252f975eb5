package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/cmd/internal/wire"
	"github.com/NVIDIA/eidos/engine/plan"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/imageref"
	"github.com/NVIDIA/eidos/steps/jobs"
)

// The words of compile --to.
const (
	toPlan = "plan"
	toArgo = "argo"
)

// compileFlags are the flags of `eidos compile`. All but params, to and out are for
// workflows, and refused for a plan (fits).
type compileFlags struct {
	runFlags
	to, out, store string
	secrets        []string
	pods           func() map[string]any
	plain, anyTLS  bool
}

// compilePipeline writes a plan for other schedulers. No input of a step is read, and
// nothing runs: rows and conditions that depend on results are left to eidos step.
func (a *app) compilePipeline() *cobra.Command {
	f := compileFlags{out: "-"}
	c := &cobra.Command{
		Use:   "compile [PIPELINE]",
		Short: "Write a pipeline for something else to run",
		Long: `Check a pipeline with its parameters and write it for something else to run:

  plan  one JSON document, whose steps eidos step run runs one by one, anywhere
  argo  an Argo Workflow (3.6 or newer), whose Pods run one step each

The steps have the same keys there as here, and share results through the store:
eidos run --cache-from STORE takes what a workflow has made.`,
		Example: `  eidos compile training.pipeline.yaml -o plan.json
  eidos compile training.pipeline.yaml --to argo --store oci://registry.example.com/gpu/steps | kubectl create -f -`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: usage.CompletePipelines,
		RunE: func(c *cobra.Command, args []string) error {
			return a.compileTo(c.Context(), args, &f)
		},
	}
	f.bindParams(c)
	fl := c.Flags()
	fl.StringVar(&f.to, "to", toPlan, "what to write: plan or argo")
	usage.Output(c, &f.out, "file to write, or - for standard output")
	fl.Lookup("output").DefValue = f.out
	fl.StringVar(&f.store, "store", "", "argo: what all Pods reach, oci://REGISTRY/REPOSITORY")
	fl.StringArrayVar(&f.secrets, "secret", nil, "argo: where a secret of the pipeline is, NAME=SECRET/KEY (may be repeated)")
	fl.BoolVar(&f.plain, "plain-http", false, "argo: talk HTTP instead of HTTPS to the store")
	fl.BoolVar(&f.anyTLS, "insecure-tls", false, "argo: do not verify the store's certificate")
	f.pods = a.params(c, "Pods", "noCleanup")
	usage.Must(c.RegisterFlagCompletionFunc("to", cobra.FixedCompletions([]string{toPlan, toArgo}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// compileTo writes the plan, or a workflow that holds it. The text of the pipeline and of
// all that it includes is in the plan, so that it is the same wherever it is read, and
// changes to the files do not reach it.
func (a *app) compileTo(ctx context.Context, args []string, f *compileFlags) error {
	if f.to != toPlan && f.to != toArgo {
		return schema.Errorf(schema.Invalid, "--to: nothing to write called %q", f.to).WithHint("%s", schema.Suggest(f.to, []string{toPlan, toArgo}))
	}
	if err := f.fits(); err != nil {
		return err
	}
	w := a.wire(wire.Options{})
	f.Args = args
	r, err := w.Find(ctx, f.Asked, nil)
	if err != nil {
		return err
	}
	// Compiled in full, although only the text is written: what does not compile here
	// would fail in each of the Pods.
	plan, doc, err := r.Write(ctx, w.Pipeline, w.Kinds)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if f.to == toArgo {
		if text, err = f.workflow(plan, text); err != nil {
			return err
		}
	}
	return a.deliver(ctx, text, f.out)
}

// fits refuses settings of Pods for a plan, which says nothing of them, and a workflow
// without a store. Of several such flags the first by name is reported: the ranges are
// over maps, and the message must not change from one try to the next.
func (f *compileFlags) fits() error {
	if f.to == toArgo {
		if f.store == "" {
			return schema.Errorf(schema.Invalid, "--to argo needs a store that all Pods reach").WithHint("name one with --store oci://REGISTRY/REPOSITORY")
		}
		return nil
	}
	names := slices.Sorted(maps.Keys(f.pods()))
	for name, given := range map[string]bool{"store": f.store != "", "secret": len(f.secrets) > 0, "plain-http": f.plain, "insecure-tls": f.anyTLS} {
		if given {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		return schema.Errorf(schema.Invalid, "--%s is for workflows", schema.FlagName(n)).WithHint("add --to argo")
	}
	return nil
}

// workflow is the plan as manifests, in YAML, the Workflow last: what it mounts exists by
// then. Secrets are named by where they are in the cluster; their values are not read.
// The default image is the one that this version of eidos was released with, which reads
// the plans that it writes.
func (f *compileFlags) workflow(p *plan.Plan, text []byte) ([]byte, error) {
	w := jobs.Workflow{Plan: p, Text: text, Store: f.store, Secrets: map[string]jobs.SecretKey{}}
	if err := flags.Decode(f.pods(), &w.Pods); err != nil {
		return nil, err
	}
	if w.Image = w.Pods.Image; w.Image == "" {
		w.Image = imageref.OfEidos(versionOf())
	}
	// For each Pod's eidos step run, which reaches the store by itself.
	if f.plain {
		w.Args = append(w.Args, "--plain-http")
	}
	if f.anyTLS {
		w.Args = append(w.Args, "--insecure-tls")
	}
	for _, s := range f.secrets {
		name, at, ok := strings.Cut(s, "=")
		secret, key, ok2 := strings.Cut(at, "/")
		if !ok || !ok2 || name == "" || secret == "" || key == "" {
			return nil, schema.Errorf(schema.Invalid, "--secret %q: want NAME=SECRET/KEY", s)
		}
		w.Secrets[name] = jobs.SecretKey{Name: secret, Key: key}
	}
	objects, err := w.Objects()
	if err != nil {
		return nil, flags.About(err)
	}
	var out bytes.Buffer
	fmt.Fprint(&out, "# kubectl create -f runs it. The ConfigMaps are named by what they hold: when it is\n# run again they are there already, which kubectl reports and which is harmless.\n")
	for i, o := range objects {
		y, err := schema.EncodeYAML(map[string]any(o))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			fmt.Fprintln(&out, "---")
		}
		out.Write(y)
	}
	return out.Bytes(), nil
}
