package usage

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
)

// Everywhere are the flags that no mode refuses: they set up the surroundings of a
// command, and people and CI jobs pass them to every command.
func Everywhere() []string {
	return []string{"debug", "log-json", "quiet", "progress", "state", "kubeconfig", "context", "help"}
}

// Mode is one of the things that a command does, depending on its arguments and flags.
// Flags that have no effect in it are refused rather than ignored: whoever passed one
// expects it to do something.
type Mode struct {
	When  string   // "with --recipe", "for a pipeline": follows "has no effect"
	Takes []string // flags that have an effect
	Hint  string   // "" names what flags the mode takes
}

// Check refuses the flags of c that were set and have no effect in m, all of them at
// once. Only flags on the command line count, not those with a default.
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

// AllBut lists the flags of c except for some: Takes of a mode that refuses these. It
// lists what is bound when it is called, so that a flag bound later is refused.
func AllBut(c *cobra.Command, but ...string) []string {
	var out []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(but, f.Name) {
			out = append(out, f.Name)
		}
	})
	return out
}
