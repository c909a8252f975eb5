package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/schema"
)

// params binds a flag for every parameter of a definition: the schema is the
// one place that says what it is called, what it takes and what it is for. The
// function it returns gives the values of the flags that were used, as `with`
// writes them.
func (a *app) params(c *cobra.Command, definition string, skip ...string) func() map[string]any {
	if len(a.named) > 0 && !slices.Contains(a.named, c.Name()) {
		// Another command was named: reading this schema would be for nothing.
		return func() map[string]any { return map[string]any{} }
	}
	get := flags.Bind(c.Flags(), definition, skip...)
	must(flags.Words(definition, func(name string, words []string) error {
		if c.Flags().Lookup(name) == nil {
			return nil
		}
		return c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}))
	return get
}

// flagName is a parameter's path as its flag: agent.nodeSelector is
// --node-selector.
func flagName(param string) string {
	return "--" + schema.FlagName(param[strings.LastIndexByte(param, '.')+1:])
}

func must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}
