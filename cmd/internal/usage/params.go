package usage

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
)

// Params binds a flag for every parameter of a definition: the schema is the one
// source of its name, its type and its description. The function it returns has the
// values of the flags that were used, as `with` writes them. named are the words of
// the command line that name the command; where they name another one, reading this
// definition would be for nothing, and no flag is bound.
func Params(c *cobra.Command, named []string, definition string, skip ...string) func() map[string]any {
	if len(named) > 0 && !slices.Contains(named, c.Name()) {
		return func() map[string]any { return map[string]any{} }
	}
	get := flags.Bind(c.Flags(), definition, skip...)
	Must(flags.Words(definition, func(name string, words []string) error {
		if c.Flags().Lookup(name) == nil {
			return nil
		}
		return c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}))
	if c.Flags().Lookup("data") != nil { // the directory of a catalogue, whatever takes it
		if _, done := c.GetFlagCompletionFunc("data"); !done {
			Directories(c, "data")
		}
	}
	return get
}

// Must panics if the set-up of a command fails, which only a mistake of ours does.
func Must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}
