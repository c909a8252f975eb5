package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
)

// everywhere are flags that set up the surroundings of a command: who gives
// them to every command may do so.
var everywhere = []string{"debug", "log-json", "quiet", "progress", "state", "kubeconfig", "context", "help"}

// mode is one of the things that a command does, by its arguments and flags.
// Flags without effect in it are refused: who gives one expects something of it.
type mode struct {
	when  string   // "with --recipe", "for a pipeline": follows "has no effect"
	takes []string // flags that have an effect
	hint  string   // "" names what flags the mode takes
}

// check refuses the flags of c that were given and mean nothing in m.
func (m mode) check(c *cobra.Command) error {
	var errs []error
	c.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(everywhere, f.Name) || slices.Contains(m.takes, f.Name) {
			return
		}
		errs = append(errs, schema.Errorf(schema.Invalid, "--%s has no effect %s", f.Name, m.when).WithHint("%s", m.hint))
	})
	return schema.Join(errs)
}

// allBut are the flags of c but some.
func allBut(c *cobra.Command, but ...string) []string {
	var out []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(but, f.Name) {
			out = append(out, f.Name)
		}
	})
	return out
}
