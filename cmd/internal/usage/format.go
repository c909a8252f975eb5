package usage

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/schema"
)

// Format binds --format for a command with formats of its own; the first is the
// default. It sets the command's PreRunE, so that a wrong format is refused before the
// command starts. A command cannot have both this and a PreRunE of its own.
func Format(c *cobra.Command, to *string, words ...string) {
	formatFlag(c, to, words[0], "", words)
	c.PreRunE = func(*cobra.Command, []string) error { return KnownFormat(*to, words) }
}

// OptionalFormat is Format for a result whose format follows from something else where
// the flag is not used, such as the name of the output file; def describes that in the
// help. The value is then "", which the command resolves.
func OptionalFormat(c *cobra.Command, to *string, def string, words ...string) {
	formatFlag(c, to, "", " (default "+def+")", words)
	c.PreRunE = func(*cobra.Command, []string) error {
		if *to == "" {
			return nil
		}
		return KnownFormat(*to, words)
	}
}

// formatFlag binds the flag and its completion. Bind it once: pflag panics on a second
// flag of that name.
func formatFlag(c *cobra.Command, to *string, value, def string, words []string) {
	c.Flags().StringVar(to, "format", value, "format of the result: "+Or(words)+def)
	Must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// KnownFormat refuses a format that is not one of words; the hint suggests one, or lists
// them.
func KnownFormat(format string, words []string) error {
	if slices.Contains(words, format) {
		return nil
	}
	return schema.Errorf(schema.Invalid, "--format: no format %q", format).WithHint("%s", schema.Suggest(format, words))
}

// Output binds --output. The value that to has now is the default.
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
