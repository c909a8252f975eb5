package main

import (
	"github.com/spf13/cobra"
)

// snapshot is the step collect. With --agent the same parameters go to a Job in the
// cluster, whose Pod runs the hidden command agent (agent.go) and leaves the snapshot in
// a ConfigMap; what the Job needed is deleted when it has ended, also after Ctrl-C, for
// which it has half a minute (collect.AgentCleanUp). After kill -9, or a second Ctrl-C,
// Kubernetes deletes the Job itself when its time limits are over.
func (a *app) snapshot() *cobra.Command {
	s := newStage("snapshot", "collect")
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Capture this host and the cluster it sees",
		Long: `Capture this host and the cluster it sees: operating system, services, GPUs,
Kubernetes. A source that is not here (no driver, no kubeconfig) is recorded as
absent, which is a fact and not a failure, unless --require names it.`,
		Example: `  eidos snapshot -o snapshot.yaml
  eidos snapshot --collectors os --collectors gpu --format json
  eidos snapshot -o cm://eidos/snapshot
  eidos snapshot --agent --node-selector nvidia.com/gpu.present=true
  eidos snapshot --all-nodes --toleration nvidia.com/gpu -o fleet.yaml`,
		Args: cobra.NoArgs,
	}
	with := a.params(c, "CollectParams", "kubeconfig")
	s.stageFlags(c, "-", "where to: a path, - or cm://namespace/name")
	s.formatFlag(c)
	agent := a.agentFlags(c, "Agent", "take it by a Job in the cluster instead of on this host", "a snapshot that a Job takes")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.With = with()
		if err := agent(s.With); err != nil {
			return err
		}
		// The context and the kubeconfig are also those of the output, cm://.
		s.KubeContext, _ = s.With["context"].(string)
		if s.Kubeconfig != "" {
			s.With["kubeconfig"] = s.Kubeconfig
		}
		_, err := a.runStage(c.Context(), s)
		return err
	}
	return c
}
