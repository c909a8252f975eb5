// Package usage is what the commands of eidos have in common as commands of cobra:
// flags generated from definitions, flags that are refused where they have no effect,
// completion, and cobra's errors reworded so that they name what to type. It binds and
// checks; what a command does is in packages that do not know cobra.
//
// cobra and pflag are lenient in ways that hide mistakes: help for an unknown command
// succeeds, the last of two values wins, an empty value counts. Everything here makes
// such a case an error with exit status 2 before the command does any work.
package usage

import (
	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/schema"
)

// Topics makes `help WORD` an error where WORD is not a command; cobra would print the
// usage and succeed. Call it after all commands have been added to root: cobra adds its
// own help command only to a root that has others.
func Topics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return // without commands there is no help
	}
	help.RunE = func(_ *cobra.Command, args []string) error {
		c, rest, _ := root.Find(args) // the error is about the rest
		if len(rest) > 0 {
			return notACommand(c, rest[0])
		}
		c.InitDefaultHelpFlag()
		return c.Help()
	}
}

// notACommand is the error for a word that c has no subcommand for. Hidden and
// deprecated commands are not suggested.
func notACommand(c *cobra.Command, word string) error {
	var names []string
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			names = append(names, s.Name())
		}
	}
	return schema.Errorf(schema.Invalid, "unknown command %q for %q", word, c.CommandPath()).WithHint("%s", schema.Suggest(word, names))
}

// Groups makes commands that only have subcommands refuse any other word; cobra
// would print help and succeed. The root is left alone: cobra itself reports unknown
// words for it, with suggestions, and Error rewords those.
func Groups(c *cobra.Command) {
	for _, sub := range c.Commands() {
		Groups(sub)
	}
	if !c.HasSubCommands() || c.Runnable() || !c.HasParent() {
		return
	}
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return notACommand(c, args[0])
	}
}

// Strict makes every flag of c and of its commands strict: see flags.Strict. It must
// run after all flags are bound, and before they are parsed. It must not run for
// cobra's __complete, which parses the same flags twice: the second time each would
// count as set already.
func Strict(c *cobra.Command) {
	flags.Strict(c.Flags())
	flags.Strict(c.PersistentFlags())
	for _, sub := range c.Commands() {
		Strict(sub)
	}
}
