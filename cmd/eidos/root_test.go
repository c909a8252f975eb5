package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A command line that names a command makes that one and no other, and it is the same:
// the names in root are those of the commands.
func TestOnlyTheNamedCommand(t *testing.T) {
	flags := func(c *cobra.Command) (names []string) {
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return names
	}
	for _, want := range (&app{}).root().Commands() {
		if want.GroupID == "" {
			continue // made always
		}
		var made []*cobra.Command
		for _, c := range (&app{named: []string{want.Name()}}).root().Commands() {
			if c.GroupID != "" {
				made = append(made, c)
			}
		}
		if len(made) != 1 || made[0].Name() != want.Name() {
			t.Fatalf("%s: %d commands are made", want.Name(), len(made))
		}
		if diff := cmp.Diff(flags(want), flags(made[0])); diff != "" {
			t.Errorf("%s: flags (-want +got):\n%s", want.Name(), diff)
		}
	}
}
