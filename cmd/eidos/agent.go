package main

import (
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/cmd/internal/usage"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/steps/agent"
	"github.com/NVIDIA/eidos/steps/collect"
)

// agentFlags binds the settings of what a Job does in the cluster, a definition of the
// schema; what names it in messages. The function it returns adds them to the parameters
// of the step. Settings without --agent are Invalid; --all-nodes implies --agent.
//
// The first such setting by name is reported, not all: they have one cause and one hint.
func (a *app) agentFlags(c *cobra.Command, definition, usage, what string) func(with map[string]any) error {
	send := c.Flags().Bool("agent", false, usage)
	settings := a.params(c, definition)
	return func(with map[string]any) error {
		s := settings()
		all, _ := s["allNodes"].(bool)
		if *send || all {
			with["agent"] = s
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(s)) {
			return schema.Errorf(schema.Invalid, "--%s is for %s", schema.FlagName(name), what).WithHint("add --agent")
		}
		return nil
	}
}

// agent is what the Pod of `snapshot --agent` runs. Its counterparts are package
// steps/agent and deploy/agent: the Jobs there name this command and its flags, so it
// cannot change without them. It is hidden because people start it through these only. If
// the ConfigMap cannot be written, the snapshot goes to standard output, from where the
// Job's log has it, and the command still fails (agent.Inside.Run).
func (a *app) agent() *cobra.Command {
	in := agent.Inside{Version: versionOf(), Now: time.Now, LookupEnv: a.Env, Stdout: a.Out}
	c := &cobra.Command{
		Use:    "agent --output cm://NAMESPACE/NAME",
		Short:  "Take a snapshot in the Pod of `eidos snapshot --agent`, or of deploy/agent",
		Hidden: true,
		Args:   cobra.NoArgs,
	}
	with := a.params(c, "CollectParams", "kubeconfig", "context")
	c.Flags().StringVarP(&in.Output, "output", "o", "", "the ConfigMap to write, cm://NAMESPACE/NAME")
	c.Flags().BoolVar(&in.Indexed, "indexed", false, "one Pod of an Indexed Job: write NAME-INDEX")
	usage.Must(c.MarkFlagRequired("output"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := flags.Decode(with(), &in.Params); err != nil {
			return err
		}
		// Not earlier: Begin has made the story anew, from the flags.
		in.Log, in.GPU = a.Story.Note, collect.GPU()
		return in.Run(c.Context())
	}
	return c
}
