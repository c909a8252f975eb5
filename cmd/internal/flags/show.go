package flags

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/NVIDIA/eidos/schema"
	"github.com/NVIDIA/eidos/schema/path"
)

// Decode stores the values of flags, as Bind returns them, in v, a pointer to a type
// of package schema.
func Decode(values map[string]any, v any) error { return About(schema.DecodeValue("", values, v)) }

// About returns err, whose paths are those of parameters that flags set, with the
// paths marked as such. An error with a position is about a file, and one with the path
// of a step about a pipeline: they stay.
func About(err error) error {
	return each(err, func(e *schema.Error) *schema.Error {
		if e.Path == "" || e.Pos != "" || strings.HasPrefix(e.Path, "steps.") || strings.HasPrefix(e.Path, "finally.") {
			return e
		}
		return e.At("", schema.Parameter(e.Path))
	})
}

// Show returns err with every parameter that it names shown as a flag. f are the flags
// of the command that ran: an error about what it does not have is about an argument,
// which keeps its name. A hint may be about another command.
func Show(f *pflag.FlagSet, err error) error {
	return each(err, func(e *schema.Error) *schema.Error {
		shown := e.Params(Name)
		if shown.Path != e.Path && f.Lookup(strings.TrimPrefix(shown.Path, "--")) == nil {
			shown.Path = e.Params(func(param string) string { return param }).Path
		}
		return shown
	})
}

// Name is the path of a parameter as its flag: agent.nodeSelector is --node-selector,
// and so is one of its elements, agent.nodeSelector[0].
func Name(param string) string {
	name := param
	if keys, err := path.Parse(param); err == nil {
		for _, k := range keys {
			if k.Index < 0 {
				name = k.Key
			}
		}
	}
	return "--" + schema.FlagName(name)
}

// each returns err with change applied to each of the errors that it joins.
func each(err error, change func(*schema.Error) *schema.Error) error {
	if err == nil {
		return nil
	}
	var out []error
	for _, e := range schema.List(err) {
		se, ok := e.(*schema.Error)
		if !ok {
			se = &schema.Error{Code: schema.CodeOf(e), Msg: e.Error(), Err: e}
		}
		if changed := change(se); ok || changed != se {
			e = changed
		}
		out = append(out, e)
	}
	return schema.Join(out)
}
