package usage

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
)

// Everywhere are flags that set up the surroundings of a command: who gives
// them to every command may do so.
func Everywhere() []string {
	return []string{"debug", "log-json", "quiet", "progress", "state", "kubeconfig", "context", "help"}
}

// Mode is one of the things that a command does, by its arguments and flags.
// Flags without effect in it are refused: who gives one expects something of it.
type Mode struct {
	When  string   // "with --recipe", "for a pipeline": follows "has no effect"
	Takes []string // flags that have an effect
	Hint  string   // "" names what flags the mode takes
}

// Check refuses the flags of c that were given and mean nothing in m.
func (m Mode) Check(c *cobra.Command) error {
	var errs []error
	everywhere := Everywhere()
	c.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(everywhere, f.Name) || slices.Contains(m.Takes, f.Name) {
			return
		}
		errs = append(errs, schema.Errorf(schema.Invalid, "--%s has no effect %s", f.Name, m.When).WithHint("%s", m.Hint))
	})
	return schema.Join(errs)
}

// AllBut are the flags of c but some.
func AllBut(c *cobra.Command, but ...string) []string {
	var out []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(but, f.Name) {
			out = append(out, f.Name)
		}
	})
	return out
}
