package usage

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/schema"
)

// Format binds --format for a command with formats of its own; the first is the
// default.
func Format(c *cobra.Command, to *string, words ...string) {
	formatFlag(c, to, words[0], "", words)
	c.PreRunE = func(*cobra.Command, []string) error { return KnownFormat(*to, words) }
}

// OptionalFormat binds --format for a result whose format follows from something
// else if none is asked for; def describes what.
func OptionalFormat(c *cobra.Command, to *string, def string, words ...string) {
	formatFlag(c, to, "", " (default "+def+")", words)
	c.PreRunE = func(*cobra.Command, []string) error {
		if *to == "" {
			return nil
		}
		return KnownFormat(*to, words)
	}
}

func formatFlag(c *cobra.Command, to *string, value, def string, words []string) {
	c.Flags().StringVar(to, "format", value, "format of the result: "+Or(words)+def)
	Must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// KnownFormat refuses a format that is none of words.
func KnownFormat(format string, words []string) error {
	if slices.Contains(words, format) {
		return nil
	}
	return schema.Errorf(schema.Invalid, "--format: no format %q", format).WithHint("%s", schema.Suggest(format, words))
}

// Output binds --output.
func Output(c *cobra.Command, to *string, usage string) {
	c.Flags().StringVarP(to, "output", "o", *to, usage)
}

// Or lists words of which one is chosen.
func Or(words []string) string { return list(words, "or") }

// list joins words with commas, the last two by and.
func list(words []string, and string) string {
	s := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			s += " " + and + " "
		default:
			s += ", "
		}
		s += w
	}
	return s
}
