package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/progress"
	"github.com/NVIDIA/eidos/cmd/internal/text"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
)

// root is the command tree. Adding a command adds a line to one of its lists, and a page
// to the reference, which is generated from it. The tree is made anew for each
// invocation, for flags hold the values of one. Making a command must do no more than
// bind flags: all of them are made for each press of Tab in a shell.
func (a *app) root() *cobra.Command {
	cobra.EnableCommandSorting = false // the order of the lists below is the order of the work
	// No other command may have a PersistentPreRunE: cobra calls the nearest one only,
	// and the log would not get its flags (Begin).
	root := &cobra.Command{
		Use:   "eidos",
		Short: "Known-good configuration for GPU Kubernetes clusters, proven and signed",
		Long: `Known-good configuration for GPU Kubernetes clusters, proven and signed.

  eidos run                                 all of it, on this host
  eidos snapshot -o snapshot.yaml           capture this host and its cluster
  eidos recipe --service eks --accelerator h100 --intent training
                                            the configuration known to work there
  eidos validate -r recipe.yaml -s snapshot.yaml
                                            does the cluster meet it
  eidos bundle -r recipe.yaml -o bundle     what to deploy: Helm, Argo CD, Flux, Helmfile`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE:          func(*cobra.Command, []string) error { return a.Begin() },
		SuggestionsMinimumDistance: 2,
		Version:                    versionOf(), // --version and -v
	}
	root.SetVersionTemplate("eidos {{.Version}}\n")
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		about := c.Long
		if about == "" {
			about = c.Short
		}
		_, _ = fmt.Fprint(c.OutOrStdout(), text.Reflow(strings.TrimRight(about, " \n")+"\n\n"+c.UsageString(), a.Width()))
	})
	f := root.PersistentFlags()
	f.BoolVar(&a.Debug, "debug", false, "log more, as key=value lines with level and source")
	f.BoolVar(&a.LogJSON, "log-json", false, "log one JSON object a line")
	f.BoolVarP(&a.Quiet, "quiet", "q", false, "log errors only")
	f.StringVar(&a.Progress, "progress", "auto", "how to show progress: "+usage.Or(progress.Modes()))
	f.StringVar(&a.state, "state", "", "directory of runs and results (default $EIDOS_STATE or ~/.local/state/eidos)")

	type command struct {
		name string // of what make returns
		make func() *cobra.Command
	}
	groups := []struct {
		id, title string
		commands  []command
	}{
		{"pipeline", "Pipelines:", []command{
			{"run", a.run}, {"plan", a.plan}, {"retry", a.retry}, {"runs", a.runs}, {"cache", a.cache}, {"compile", a.compilePipeline}, {"step", a.step},
		}},
		{"stage", "One step at a time:", []command{
			{"snapshot", a.snapshot}, {"detect", a.detect}, {"recipe", a.recipe}, {"validate", a.validate}, {"bundle", a.bundle}, {"images", a.images}, {"mirror", a.mirror},
			{"push", a.push}, {"sign", a.sign}, {"attest", a.attest}, {"verify", a.verify}, {"diff", a.diff}, {"evidence", a.evidenceOf},
		}},
		{"catalogue", "The recipe catalogue:", []command{
			{"query", a.query}, {"explain", a.explain}, {"graph", a.graph}, {"vet", a.vet}, {"import", a.importTree}, {"chart", a.chart}, {"crd", a.crd},
		}},
		{"tool", "Tools:", []command{{"ui", a.ui}, {"key", a.key}, {"trust", a.trust}, {"registry", a.registry}, {"schema", a.schema}, {"version", a.version}}},
	}
	// Where the command line names one of them, it is the only one that is made.
	only := ""
	for _, g := range groups {
		for _, c := range g.commands {
			if len(a.named) > 0 && a.named[0] == c.name {
				only = c.name
			}
		}
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			if only == "" || only == c.name {
				made := c.make()
				made.GroupID = g.id
				root.AddCommand(made)
			}
		}
	}
	root.SetHelpCommandGroupID("tool")
	root.SetCompletionCommandGroupID("tool")
	root.AddCommand(a.agent())
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "What the exit statuses mean", Long: exitCodes()})
	return root
}

// exitCodes is the text of `eidos help exit-codes`, from the one table of codes, so that
// it cannot differ from what app.main returns or from what eidosd answers.
func exitCodes() string {
	var b strings.Builder
	b.WriteString("Exit statuses, and the HTTP status of the same failure:\n\n    0        done\n")
	for _, c := range schema.Codes() {
		fmt.Fprintf(&b, "  %3d  %3d   %s\n", c.Exit, c.Status, c.Meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}
