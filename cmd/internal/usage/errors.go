package usage

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/NVIDIA/eidos/cmd/internal/flags"
	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/pattern"
)

// Error rewords what cobra and pflag report about the use of c, so that the message
// names what to type. Other errors are returned unchanged, and so is every error with a
// schema.Error in its tree: that has its own words and hint.
func Error(c *cobra.Command, err error) error {
	var se *schema.Error
	if errors.As(err, &se) {
		return err
	}
	if e := flags.Explain(c.Flags(), "see "+c.CommandPath()+" --help", err); e != nil {
		return e
	}
	if e := argumentError(c, err.Error()); e != nil {
		return e
	}
	return err
}

// The messages of cobra about arguments and about flags that belong together. cobra has
// no error types for them, so that the text is all there is to go by. A message that a
// new version of cobra words differently is shown as cobra wrote it.
var (
	unknownCommand = pattern.New(`(?s)^unknown command "(.*)" for "([^"]*)"(.*)$`)
	countedArgs    = pattern.New(`^(?:accepts|requires) (at most |at least |between )?([0-9]+)(?: and ([0-9]+))? arg\(s\), (?:only )?received ([0-9]+)$`)
	missingFlags   = pattern.New(`^required flag\(s\) (.*) not set$`)
	oneOfFlags     = pattern.New(`^at least one of the flags in the group \[(.*)\] is required$`)
	apartFlags     = pattern.New(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)
)

// argumentError rewords a message of cobra, nil if it is none that is known. The hint is
// the command's usage line, as the command is to be written.
func argumentError(c *cobra.Command, msg string) *schema.Error {
	write := "write " + strings.TrimSpace(strings.TrimSuffix(c.CommandPath(), c.Name())+c.Use)
	refuse := func(format string, args ...any) *schema.Error {
		return schema.Errorf(schema.Invalid, format, args...).WithHint("%s", write)
	}
	if m := unknownCommand.FindStringSubmatch(msg); m != nil {
		if !c.HasSubCommands() || c.HasParent() && !strings.Contains(m[3], "Did you mean") {
			return refuse("%s takes no argument %q", m[2], m[1])
		}
		near := strings.Join(strings.Fields(strings.TrimPrefix(strings.TrimSpace(m[3]), "Did you mean this?")), " or ")
		e := refuse("unknown command %q for %q", m[1], m[2])
		if near != "" {
			return e.WithHint("did you mean %s?", near)
		}
		return e.WithHint("see %s --help", m[2])
	}
	if m := countedArgs.FindStringSubmatch(msg); m != nil {
		want := m[1] + m[2]
		if m[3] != "" {
			want += " and " + m[3]
		}
		noun := "arguments"
		if strings.HasSuffix(want, "1") {
			noun = "argument"
		}
		return refuse("%s takes %s %s, not %s", c.CommandPath(), want, noun, m[4])
	}
	if m := missingFlags.FindStringSubmatch(msg); m != nil {
		names := strings.Split(strings.ReplaceAll(m[1], `"`, ""), ", ")
		if len(names) > 1 {
			return refuse("%s are missing", flagWords(names, "and"))
		}
		return refuse("%s is missing", flagWords(names, "and"))
	}
	if m := oneOfFlags.FindStringSubmatch(msg); m != nil {
		return refuse("%s is missing", flagWords(strings.Fields(m[1]), "or"))
	}
	if m := apartFlags.FindStringSubmatch(msg); m != nil {
		return refuse("%s do not go together", flagWords(strings.Fields(m[1]), "and"))
	}
	return nil
}

// flagWords lists flags in words.
func flagWords(names []string, and string) string {
	dashed := make([]string, len(names))
	for i, n := range names {
		dashed[i] = "--" + n
	}
	return list(dashed, and)
}
