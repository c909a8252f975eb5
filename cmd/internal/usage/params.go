package usage

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
)

// Params binds a flag for every parameter of a definition: the schema is the one
// source of its name, its type and its description. The function it returns has the
// values of the flags that were used, as `with` writes them; call it after parsing.
//
// named are the words of the command line that name the command. Every command is set up
// on every start, and reading a definition takes time: where the words name another
// command, no flag is bound. With no words (help, completion) all of them are.
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

// Must panics if the set-up of a command fails, which only a mistake in our code causes,
// such as a completion for a flag that does not exist.
func Must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}
